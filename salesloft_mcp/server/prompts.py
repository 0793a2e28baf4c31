"""Prompts and instructions from prompts/*.md: words a person edits, no code."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.prompts.base import Prompt

_BESIDE = Path(__file__).resolve().parent.parent
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def folder() -> Path:
    """Inside the installed package, or beside it in a source tree."""
    inside = _BESIDE / "prompts"
    return inside if inside.is_dir() else _BESIDE.parent / "prompts"


def instructions(environment: str) -> str:
    """What an assistant is told when it connects."""
    text = (folder() / "instructions.md").read_text(encoding="utf-8")
    return text.replace("{{environment}}", environment).strip()


@cache
def prompts() -> tuple[Prompt, ...]:
    """One prompt a file, in the order of their names."""
    files = (file for file in sorted(folder().glob("*.md")) if file.name != "instructions.md")
    return tuple(_prompt(file.stem, file.read_text(encoding="utf-8")) for file in files)


def _prompt(name: str, text: str) -> Prompt:
    _, front, body = text.split("+++", 2)

    def render(**given: Any) -> str:  # noqa: ANN401 - whatever a client sends; checked before it comes here
        return _PLACEHOLDER.sub(lambda found: str(given.get(found[1], "")), body).strip()

    return Prompt(name=name, fn=render, **tomllib.loads(front))
