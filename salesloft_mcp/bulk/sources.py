"""Where rows come from: a call, a file inside an allowed folder, or a custom field that held the ids until now."""

import hashlib
import io
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from salesloft_mcp.bulk.plan import Aim, load
from salesloft_mcp.bulk.rows import rows_in
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.tables import Fields
from salesloft_mcp.lookups.objects import scan
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Record
from salesloft_mcp.state.staging import Staging
from salesloft_mcp.text import did_you_mean, quoted

MAX_FILE_BYTES = 2 * 1024**3


def allowed_file(path: str, folder: Path | None) -> Path:
    """The regular file that `path` names, inside `folder`.

    Raises:
        InputError: no folder is allowed, or the file is outside it, no regular file, or larger than 2 GiB.
    """
    if folder is None:
        raise InputError("file", "no folder is open to files here.", next_step="start the server with --files-dir.")
    root = folder.resolve()
    try:
        file = Path(os.path.realpath(root / path))
    except ValueError:  # half a surrogate pair, or a NUL
        raise InputError("file", f"{quoted(path)} is no path.") from None
    if not file.is_relative_to(root):
        raise InputError("file", f"{quoted(path)} is outside the folder that is open to files.")
    os.close(_opened(file, path))
    return file


def _opened(file: Path, named: str) -> int:
    """A descriptor of `file`. Looked at after it is open, and never waited for, whatever it has become meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        raise InputError("file", f"{quoted(named)} cannot be opened ({error.strerror}).") from None
    found = os.fstat(descriptor)
    problem = ""
    if not stat.S_ISREG(found.st_mode):
        problem = "is no regular file."
    elif found.st_size > MAX_FILE_BYTES:
        problem = f"is larger than {MAX_FILE_BYTES // 1024**3} GiB."
    if problem:
        os.close(descriptor)
        raise InputError("file", f"{quoted(named)} {problem}")
    return descriptor


def digest_of_rows(rows: Sequence[Fields]) -> str:
    """The SHA-256 of rows, so that a plan says what it was made from."""
    return hashlib.sha256(json.dumps(list(rows), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


async def load_file(staging: Staging, aim: Aim, file: Path) -> None:
    """The rows of a CSV or JSONL file, under the digest of the very bytes they were read from.

    In a thread: a million rows take a while.
    """
    await anyio.to_thread.run_sync(_load_file, staging, aim, file)


async def load_rows(staging: Staging, aim: Aim, rows: Sequence[Fields]) -> None:
    """Rows that came in a call, numbered from 1."""
    staging.note(digest=digest_of_rows(rows))
    load(staging, enumerate(rows, 1), aim)


async def load_field(staging: Staging, aim: Aim, api: Salesloft, field: str) -> None:
    """Every record's value of a custom field, blanks skipped: "retire the field"."""
    if aim.object_type == "users":
        raise InputError("object_type", "users have no custom fields.", next_step="use people or accounts.")
    line, digest, names = 0, hashlib.sha256(), set[str]()
    async for records in scan(api, aim.object_type):
        found = [(_value(record, field), str(record.id)) for record in records]
        rows = [{"external_id": value, "object_id": object_id} for value, object_id in found if value]
        digest.update(digest_of_rows(rows).encode())
        names.update(quoted(name) for record in records for name in _fields(record))
        line += load(staging, enumerate(rows, line + 1), aim)
    if not line:
        what = f"no {aim.object_type} have a value in {quoted(field)}."
        raise InputError("custom_field", what, next_step=did_you_mean(quoted(field), names))
    staging.note(digest=digest.hexdigest())


class _Hash(Protocol):
    def update(self, data: memoryview, /) -> None: ...


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, raw: io.RawIOBase, into: _Hash) -> None:
        self._raw = raw
        self._into = into

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        count = self._raw.readinto(buffer) or 0
        self._into.update(memoryview(buffer)[:count])
        return count


def _load_file(staging: Staging, aim: Aim, file: Path) -> None:
    digest = hashlib.sha256()
    with io.FileIO(_opened(file, file.name)) as raw:
        count = load(staging, rows_in(io.BufferedReader(_Hashed(raw, digest), 2**16), file.suffix), aim)
    if not count:
        raise InputError("file", f"{quoted(file.name)} has no rows.")
    staging.note(digest=digest.hexdigest())


def _value(record: Record, field: str) -> str:
    value = _fields(record).get(field)
    return "" if value is None else str(value)


def _fields(record: Record) -> dict[str, object]:
    return getattr(record, "custom_fields", None) or {}
