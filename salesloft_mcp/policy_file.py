"""The file in which an administrator sets the policy of a computer: found, held to be the administrator's, and read.

A file that is there and cannot be relied on stops whatever was to be done: limits that are silently not there are worse
than none.
"""

import os
import stat
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from shlex import quote
from typing import Any

from salesloft_mcp.errors import PolicyError
from salesloft_mcp.policy import ASKS, CONFIRMS, KINDS, MODES, NO_LIMITS, Policy
from salesloft_mcp.text import did_you_mean, quoted

NAME = "policy.toml"
ADMINISTRATOR = 0  # the user id of root
MOST_LINKS = 40  # as many as Linux follows
_APP = "salesloft_mcp"
_SHELL_FOLDERS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\Shell Folders"
_ASK_ADMINISTRATOR = "ask an administrator of this computer to mend it; without the file nothing is limited."


def place() -> Path:
    """Where the policy of this computer stands.

    It is where `platformdirs.site_config_path` looks first, without what the environment has a say in there
    (XDG_CONFIG_DIRS, WIN_PD_OVERRIDE_COMMON_APPDATA): a user could name a folder of his own in it.
    """
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _SHELL_FOLDERS) as key:
            return Path(winreg.QueryValueEx(key, "Common AppData")[0], _APP, _APP, NAME)
    folder = "/Library/Application Support" if sys.platform == "darwin" else "/etc/xdg"
    return Path(folder, _APP, NAME)


def installed() -> Policy:
    """The policy of this computer; one that limits nothing where there is no file.

    Raises:
        PolicyError: the file cannot be relied on, or cannot be read.
    """
    return read(place())


def read(file: Path, administrator: int = ADMINISTRATOR) -> Policy:
    """The policy in a file, of which only root and the user with the id `administrator` may write.

    Raises:
        PolicyError: others could change it, or what leads to it; or it cannot be read, or says what is not allowed.
    """
    try:
        if not _is_there(file):
            return NO_LIMITS
        if sys.platform != "win32":  # there the rights of the folder stand for it
            for step in _steps(file):
                _require_safe(file, step, {ADMINISTRATOR, administrator})
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise _unusable(file, "it is not a file.")
        # Nobody else can have changed any step since: each of them belongs to the administrator.
        text = file.read_bytes().decode("utf-8-sig")
        return _policy(str(file), tomllib.loads(text))
    except UnicodeDecodeError:
        raise _unusable(file, "it is not text in UTF-8.") from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no error of TOML
        raise _unusable(file, f"it is not TOML: {error}.") from None
    except OSError as error:
        raise _unusable(file, f"it cannot be read ({error.strerror}).") from None


def _is_there(file: Path) -> bool:
    """Whether there is a file, or anything that stands for one; a link to what is not there does."""
    try:
        os.lstat(file)
    except FileNotFoundError:
        return any(one.is_symlink() and not one.exists() for one in file.parents)
    return True


def _steps(file: Path) -> Iterator[Path]:
    """Every folder, link and file that the system passes on its way to a file, from the root on.

    Raises:
        OSError: there are too many links.
    """
    here, ahead, links = Path(file.anchor), list(reversed(file.parts[1:])), 0
    yield here
    while ahead:
        part = ahead.pop()
        if part == "..":
            here = here.parent
            continue
        step = here / part
        yield step
        if not step.is_symlink():
            here = step
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(0, "too many links")
        target = Path(os.readlink(step))
        ahead += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        here = Path(target.anchor) if target.is_absolute() else here


def _require_safe(file: Path, step: Path, owners: Collection[int]) -> None:
    """
    Raises:
        PolicyError: somebody else than an administrator could change what stands there.
    """
    found = os.lstat(step)
    if found.st_uid not in owners:
        what = f"{step} belongs to the user {found.st_uid}, and not to root."
        raise _unusable(file, what, f"an administrator looks at it, and then runs: chown root {quote(str(step))}")
    # The rights of a link mean nothing. In a folder with the sticky bit nobody moves or removes what is not his own.
    is_shared = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if not stat.S_ISLNK(found.st_mode) and not is_shared and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        what = f"others than its owner may write to {step}."
        raise _unusable(file, what, f"an administrator looks at it, and then runs: chmod go-w {quote(str(step))}")


def _policy(file: str, given: dict[str, Any]) -> Policy:
    for name in given:
        if name not in _KEYS:
            raise _unusable(file, f"{quoted(name)} is no key of a policy; {did_you_mean(name, _KEYS)}")
    if not given:  # a file that lost its content, as on a full disk, is no permission
        raise _unusable(file, "it limits nothing; a policy sets at least one of its keys.")
    values = {name: _KEYS[name](file, name, value) for name, value in given.items()}
    both = sorted({*values.get("tools", ())} & {*values.get("exclude_tools", ())})
    if both:
        raise _unusable(file, f"{both[0]} stands in tools and in exclude_tools.")
    return Policy(**values, file=file, limits=tuple(name for name in _KEYS if name in values))


def _one_of(allowed: Collection[str]) -> Callable[[str, str, object], str]:
    def check(file: str, name: str, value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _unusable(file, f"{name} must be one of {', '.join(allowed)}.")
        return value

    return check


def _names(allowed: Collection[str] = ()) -> Callable[[str, str, object], tuple[str, ...]]:
    def check(file: str, name: str, value: object) -> tuple[str, ...]:
        rows = value if isinstance(value, list) else []
        if not rows or not all(isinstance(one, str) and (one in allowed if allowed else one) for one in rows):
            of = ", ".join(allowed) or "names of tools"
            raise _unusable(file, f"{name} must be a list of at least one of {of}.")
        return tuple(one for one in allowed if one in rows) if allowed else tuple(dict.fromkeys(rows))

    return check


_KEYS: dict[str, Callable[[str, str, object], Any]] = {
    "mode": _one_of(MODES),
    "ask": _one_of(ASKS),
    "confirm": _one_of(CONFIRMS),
    "tools": _names(),
    "exclude_tools": _names(),
    "object_types": _names(KINDS),
}


def _unusable(file: Path | str, why: str, step: str = _ASK_ADMINISTRATOR) -> PolicyError:
    return PolicyError(str(file), f"the policy of this computer cannot be used: {why}", next_step=step)
