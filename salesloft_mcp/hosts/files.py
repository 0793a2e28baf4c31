"""The file of a host: read, kept beside itself, and replaced whole."""

import glob
import os
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from salesloft_mcp.errors import InputError

MOST_KEPT = 5  # old files beside one: the first of all, and the newest
_BOM = b"\xef\xbb\xbf"
_STAMP = "[0-9]" * 8 + "-" + "[0-9]" * 6  # the time in the name of an old file, as a pattern
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class HostFile:
    """The file and its text. `raw` is None where there is no file yet."""

    path: Path
    raw: bytes | None
    text: str

    @property
    def marked(self) -> bool:
        """Whether it begins with a byte order mark, which stays."""
        return (self.raw or b"").startswith(_BOM)


def read(path: Path) -> HostFile:
    """The file as it is now; a link is followed.

    Raises:
        InputError: it cannot be read, is no regular file, or is not UTF-8.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(str(path), "is no regular file.", next_step="--print shows the block to copy.")
        raw = path.read_bytes()
    except FileNotFoundError:
        return HostFile(path, None, "")
    except OSError as error:
        raise _unusable(path, "read", error) from error
    if raw.startswith(_UTF_16):
        raise InputError(str(path), "is UTF-16, which its program does not read.", next_step="save it as UTF-8.")
    try:
        return HostFile(path, raw, raw.removeprefix(_BOM).decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(str(path), f"is not UTF-8 in line {line}.", next_step="save it as UTF-8.") from None


def replace(old: HostFile, text: str) -> Path | None:
    """Write the file with a new text, and keep the old one beside it; that one's path, or None where there was none.

    Nobody ever meets half a file, and a link stays a link. The new one has the mode and the owner of the old one, and
    the one that is kept is private, for it holds secrets of others. On Windows, which knows no such modes, both have
    the rights of their folder. No more than `MOST_KEPT` are kept: the first, and the newest.

    Raises:
        InputError: it was changed meanwhile, is read-only, or cannot be written. Nothing was changed.
    """
    target = Path(os.path.realpath(old.path))
    try:
        new = (_BOM if old.marked else b"") + text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(str(old.path), "a path in the entry is not UTF-8.", next_step="install elsewhere.") from None
    if read(old.path).raw != old.raw:
        what = "was changed by another program meanwhile; nothing was written."
        raise InputError(str(old.path), what, next_step="close that program, and run it again.")
    try:
        if old.raw is None:
            _write(target, new, 0o600, _folder(target.parent))
            return None
        before = target.stat()
        mode = stat.S_IMODE(before.st_mode)
        if not mode & stat.S_IWUSR:
            raise InputError(str(old.path), "is read-only.", next_step="--print shows the block to copy.")
        kept = _keep(target, old.raw, before)
        _write(target, new, mode, before)
    except OSError as error:
        raise _unusable(old.path, "written", error) from error
    return kept


def _folder(folder: Path) -> os.stat_result:
    """Make the folder where it is missing; to whom it belongs."""
    if folder.exists():
        return folder.stat()
    like = _folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _give(folder, like)
    return like


def _keep(target: Path, raw: bytes, like: os.stat_result) -> Path:
    """The old file under a name that says when, and that nothing has yet; or the one that holds the same already."""
    pattern = f"{glob.escape(target.name)}.{_STAMP}*.bak"
    there = sorted(target.parent.glob(pattern), key=lambda one: one.lstat().st_mtime_ns)
    for one in there:
        if one.lstat().st_size == len(raw) and one.read_bytes() == raw:
            return one
    for one in there[1 : len(there) - MOST_KEPT + 2]:
        one.unlink()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        kept = target.with_name(f"{target.name}.{stamp}{f'-{number}' if number > 1 else ''}.bak")
        try:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except FileExistsError:
            number += 1
            continue
        with open(descriptor, "wb") as file:
            file.write(raw)
        _give(kept, like)
        return kept


def _write(target: Path, new: bytes, mode: int, like: os.stat_result) -> None:
    descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(mode)
        _give(Path(part), like)
        Path(part).replace(target)
    finally:
        Path(part).unlink(missing_ok=True)


def _give(path: Path, like: os.stat_result) -> None:
    """Give the file to the owner of another one: under `sudo` it would be root's, and its program could not read it."""
    if sys.platform != "win32" and os.geteuid() == 0:
        os.chown(path, like.st_uid, like.st_gid)


def _unusable(path: Path, done: str, error: OSError) -> InputError:
    what = f"cannot be {done} ({error.strerror})."
    return InputError(str(path), what, next_step="--print shows the block to copy.")
