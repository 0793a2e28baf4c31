"""Where rows come from: a call, a file inside an allowed folder, or a custom field that held the ids until now."""

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread

from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.api.models import Record
from salesloft_mcp.backfill.objects import scan
from salesloft_mcp.backfill.plan import Aim, load
from salesloft_mcp.backfill.rows import Fields, read_rows
from salesloft_mcp.errors import InputError
from salesloft_mcp.escape import quoted
from salesloft_mcp.state.journal import Journal

MAX_FILE_BYTES = 2 * 1024**3


def allowed_file(path: str, folder: Path | None) -> Path:
    """The regular file that `path` names, inside `folder`.

    Raises:
        InputError: no folder is allowed, or the file is outside it, no regular file, or larger than 2 GiB.
    """
    if folder is None:
        raise InputError("file", "no folder is open to files here.", next_step="start the server with --files-dir.")
    root = folder.resolve()
    file = Path(os.path.realpath(root / path))
    if not file.is_relative_to(root):
        raise InputError("file", f"{quoted(path)} is outside the folder that is open to files.")
    try:
        found = file.stat()
    except OSError:
        raise InputError("file", f"there is no {quoted(path)} in the folder that is open to files.") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError("file", f"{quoted(path)} is no regular file.")
    if found.st_size > MAX_FILE_BYTES:
        raise InputError("file", f"{quoted(path)} is larger than {MAX_FILE_BYTES // 1024**3} GiB.")
    return file


def digest_of_file(file: Path) -> str:
    """The SHA-256 of the input, so that a plan says what it was made from."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest_of_rows(rows: Sequence[Fields]) -> str:
    """The same for rows that came in a call."""
    return hashlib.sha256(json.dumps(list(rows), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


async def load_file(journal: Journal, aim: Aim, file: Path) -> None:
    """The rows of a CSV or JSONL file. In a thread: a million rows take a while."""
    await anyio.to_thread.run_sync(lambda: load(journal, read_rows(file), aim))


async def load_rows(journal: Journal, aim: Aim, rows: Sequence[Fields]) -> None:
    """Rows that came in a call, numbered from 1."""
    load(journal, enumerate(rows, 1), aim)


async def load_field(journal: Journal, aim: Aim, api: Salesloft, field: str) -> None:
    """Every record's value of a custom field, blanks skipped: "retire the field"."""
    if aim.object_type == "users":
        raise InputError("object_type", "users have no custom fields.", next_step="use people or accounts.")
    line = 0
    async for records in scan(api, aim.object_type):
        found = [(_value(record, field), str(record.id)) for record in records]
        rows = [{"external_id": value, "object_id": object_id} for value, object_id in found if value]
        line += load(journal, enumerate(rows, line + 1), aim)


def _value(record: Record, field: str) -> str:
    value = (getattr(record, "custom_fields", None) or {}).get(field)
    return "" if value is None else str(value)
