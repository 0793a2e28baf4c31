"""The weaker confirmation: the model repeats a code from our first answer. Only where an administrator chose it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

CODE_ARGUMENT = "confirmation_code"
CODE_SCHEMA = {
    "type": "string",
    "description": "Weaker confirmation: the code of the first answer, after the person agreed",
}
_code: ContextVar[str] = ContextVar("confirmation_code", default="")


def with_code(parameters: dict[str, Any]) -> dict[str, Any]:
    """The schema of a tool, with the argument that carries the code."""
    return {**parameters, "properties": {**parameters["properties"], CODE_ARGUMENT: CODE_SCHEMA}}


def split_code(arguments: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The arguments without the code, and the code; where the tool takes none, nothing is split off."""
    if CODE_ARGUMENT not in parameters.get("properties", {}):
        return arguments, ""
    given = arguments.get(CODE_ARGUMENT, "")
    return {k: v for k, v in arguments.items() if k != CODE_ARGUMENT}, given if isinstance(given, str) else ""


@contextmanager
def using_code(given: str) -> Iterator[None]:
    """Inside, `code()` is what the model sent."""
    token = _code.set(given)
    try:
        yield
    finally:
        _code.reset(token)


def code() -> str:
    """The code that came with this call, or an empty text."""
    return _code.get()
