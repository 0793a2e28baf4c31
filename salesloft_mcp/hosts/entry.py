"""What an entry of this server says: which command, from where, with which options."""

import json
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from salesloft_mcp.errors import InputError

COMMAND = "salesloft-mcp"
NAME = "salesloft"  # of an entry, where nobody gives another
_OWN = frozenset({COMMAND, "salesloft_mcp"})
_SERVE = "serve"
# Those of `serve`, which take long to be imported; a test compares them.
OPTIONS = frozenset(
    {
        "--http",
        "--host",
        "--port",
        "--sandbox",
        "--sandbox-file",
        "--dialect",
        "--base-url",
        "--mode",
        "--ask",
        "--confirm",
        "--state-dir",
        "--files-dir",
        "--rate-limit",
        "--tools",
        "--exclude-tools",
    }
)
_RUNNERS = (
    # A part of the path of an environment that is thrown away some day, the program that made it, how it makes another.
    (re.compile(r"[\\/]uv[\\/].*(archive|environments|builds)-v\d+[\\/]"), "uvx", ("--from",)),
    (re.compile(r"[\\/]pipx[\\/](\.cache[\\/]|[0-9a-f]{15}[\\/])"), "pipx", ("run", "--spec")),
)


@dataclass(frozen=True, slots=True)
class Start:
    """A command that starts this program, with an absolute path; `warning` where the path may not stay."""

    command: str
    arguments: tuple[str, ...] = ()
    warning: str = ""


def installed(prefix: str = sys.prefix, scripts: str = "") -> Start:
    """The command of the environment that runs now.

    Raises:
        InputError: the environment is thrown away some day, and the program that made it is not found.
    """
    here = str(Path(scripts or sysconfig.get_path("scripts")))
    for place, runner, how in _RUNNERS:
        if place.search(str(Path(prefix) / "x")):
            return _through(runner, how)
    script = shutil.which(COMMAND, path=here)
    # -P: not what has the name of a library in the folder that a host starts it in.
    start = Start(script) if script else Start(sys.executable, ("-P", "-m", "salesloft_mcp"))
    if Path(start.command).is_relative_to(Path(tempfile.gettempdir())):
        warning = f"{start.command} is in a temporary folder: the entry stops working when that is emptied."
        return Start(start.command, start.arguments, warning)
    return start


def _through(runner: str, how: tuple[str, ...]) -> Start:
    found = shutil.which(runner)
    if found is None:
        what = f"this runs in an environment that {runner} throws away some day, and {runner} is not on the PATH."
        step = "install it with `uv tool install salesloft-mcp` or `pipx install salesloft-mcp`, and run it again."
        raise InputError("the command", what, next_step=step)
    return Start(found, (*how, _source(), COMMAND))


def _source() -> str:
    """What to install to get this very version: the place it came from, or its name and version."""
    try:
        found = distribution(COMMAND)
    except PackageNotFoundError:
        return COMMAND
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        return f"{origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}"
    return str(origin.get("url") or f"{COMMAND}=={found.version}")


def entry_of(start: Start, options: tuple[str, ...], more: Mapping[str, Any]) -> dict[str, Any]:
    """An entry that serves with these options."""
    first = {"type": more["type"]} if "type" in more else {}
    return {**first, "command": start.command, "args": [*start.arguments, _SERVE, *options], **more}


def is_ours(entry: object) -> bool:
    """Whether this entry starts this server, from wherever."""
    return options_of(entry) is not None


def options_of(entry: object, *, of_any_program: bool = False) -> tuple[str, ...] | None:
    """The options with which an entry starts this server; None where it starts something else. A program whose name is
    misspelt counts with `of_any_program`.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("args"), list):
        return None
    if not isinstance(entry.get("command"), str):
        return None
    words = [str(word) for word in (entry["command"], *entry["args"])]
    if _SERVE not in words[1:] or not (of_any_program or any(_program(word) in _OWN for word in words)):
        return None
    return tuple(words[words.index(_SERVE, 1) + 1 :])


def unknown_options(options: Iterable[str]) -> list[str]:
    """What stands among the options, and is none of `serve`, which then does not start."""
    given = (word.split("=")[0] for word in options if word.startswith("--"))
    return [word for word in given if word not in OPTIONS]


def _program(word: str) -> str:
    """The name of the program that a word of a command means: without folders, ending and version."""
    return re.split(r"[@=<>~!\[]", re.split(r"[\\/]", word)[-1])[0].lower().removesuffix(".exe")
