"""Files that only their owner may read, and output files that are whole or not there."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from salesloft_mcp.errors import InputError

FILE = "state.db"  # what tells a folder of ours from any other
# What else a folder of ours holds; the file may be missing, as where somebody has only signed in yet.
_OURS = frozenset({FILE, "sign-ins", "plans", "backfills", "browser", "verify.lock"})


def private_directory(directory: Path) -> Path:
    """`directory`, made if it was missing, with mode 0700 whatever the umask.

    Raises:
        OSError: it cannot be made, is no directory, belongs to another user, or is open to others and holds what is not
            ours: a home, /tmp or / must not be closed to everybody else.
    """
    for missing in reversed([one for one in directory.parents if not one.exists()]):
        missing.mkdir(mode=0o755, exist_ok=True)  # with a umask of 0, anybody could put another one in its place
    directory.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid"):  # Windows has no such owners and modes
        there = directory.stat()
        if there.st_uid != os.getuid():
            raise PermissionError(f"{directory} belongs to another user")
        if shuts_others_out(directory, there):
            raise PermissionError(f"{directory} is open to others and holds other things")
    directory.chmod(0o700)
    return directory


def shuts_others_out(directory: Path, there: os.stat_result) -> bool:
    """Whether making this directory private takes from others what is not ours: it is open to them, something is in it,
    and nothing says that this is ours. What an empty disk holds counts for nothing, but the folder of everybody's
    temporary files is never ours, and hidden files in one like it are those of others.
    """
    if not there.st_mode & 0o077:
        return False
    names = os.listdir(directory)
    if FILE in names or (directory.parent / FILE).exists():
        return False
    if os.path.realpath(directory) == os.path.realpath(tempfile.gettempdir()):
        return True
    is_shared = there.st_mode & stat.S_ISVTX
    found = {name for name in names if is_shared or not name.startswith(".")} - {"lost+found"}
    return not found <= _OURS


def private_file(file: Path) -> Path:
    """`file`, made if it was missing, with mode 0600 whatever the umask.

    Raises:
        OSError: it cannot be made, or is a link or something else than a file.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(file, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{file} is no regular file")
        if hasattr(os, "fchmod"):  # Windows has it since Python 3.13, and no modes before or after
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return file


@contextmanager
def atomic_output(output: Path) -> Iterator[TextIO]:
    """A file to write to that takes the place of `output` at the end; until then, and on any failure, that stays.

    Raises:
        InputError: `output` cannot be written, or is no regular file.
    """
    output = output.resolve()  # a link stays, and may lead to another disk
    if output.exists() and not output.is_file():
        raise InputError("--output", "is no regular file.", next_step="give the name of a file.")
    try:
        descriptor, part = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            Path(part).replace(output)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise InputError("--output", f"cannot be written ({error.strerror}).") from error
