"""Where rows come from: a call, a file inside an allowed folder, or a custom field that held the ids until now."""

import hashlib
import io
import json
import os
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio.to_thread

from salesloft_mcp.bulk import record_rows
from salesloft_mcp.bulk.plan import Aim, Load, Loaded
from salesloft_mcp.bulk.rows import BACKFILL, row_of, shown
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.heads import COLUMNS, MAP, Wanted
from salesloft_mcp.intake.kinds import not_text
from salesloft_mcp.intake.tables import Fields, Invalid, Rows, open_table, table_of
from salesloft_mcp.lookups.objects import scan
from salesloft_mcp.salesloft.client import Salesloft
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
        what = f"{quoted(path)} is outside the folder that is open to files."
        raise InputError("file", what, next_step="name a file in it, by its path from there; or send its rows.")
    os.close(_opened(file, path, "give its path from the open folder."))
    return file


def _opened(file: Path, named: str, step: str = "") -> int:
    """A descriptor of `file`. Looked at after it is open, and never waited for, whatever it has become meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        what = f"{quoted(named)} cannot be opened ({error.strerror})."
        raise InputError("file", what, next_step=step) from None
    found = os.fstat(descriptor)
    regular = stat.S_ISREG(found.st_mode)
    if regular and found.st_size <= MAX_FILE_BYTES:
        return descriptor
    os.close(descriptor)
    problem = f"is larger than {MAX_FILE_BYTES // 1024**3} GiB." if regular else "is no regular file."
    raise InputError("file", f"{quoted(named)} {problem}")


def source(
    api: Salesloft,
    rows: Sequence[Fields] = (),
    file: str | Path = "",
    custom_field: str | None = "",
    folder: Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> tuple[Load, str]:
    """How to stage what is given, and how that is called. A path is taken as it is; text has to name one in `folder`.
    `columns` says of columns of a file, or of keys of rows, which fields they are. No custom field holds records, which
    None stands for.

    Raises:
        InputError: none is given or several, or the file may not be read.
    """
    if [bool(rows), bool(file), bool(custom_field)].count(True) != 1:
        ways = "rows and file" if custom_field is None else "rows, file and custom_field"
        raise InputError("rows", f"give exactly one of {ways}.")
    if custom_field and columns:
        raise InputError("columns", "a custom field has no columns.", next_step="leave them out.")
    if rows:
        return partial(load_rows, rows=rows, columns=columns), "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    if custom_field:
        return partial(load_field, api=api, field=custom_field), f"custom field {custom_field}"
    found, option = (file, MAP) if isinstance(file, Path) else (allowed_file(file, folder), COLUMNS)
    return partial(load_file, file=found, columns=columns, option=option), f"file {found.name}"


def load(staging: Staging, rows: Rows, aim: Aim) -> int:
    """Check every row by itself, and write it down; how many there are."""
    read = row_of if aim.intent is None else record_rows.row_of
    return staging.add(read(line, fields, aim) for line, fields in rows)


def wanted(aim: Aim) -> Wanted:
    """The fields that rows may have."""
    return BACKFILL[aim.object_type] if aim.intent is None else record_rows.UPSERT[aim.object_type]


async def load_rows(
    staging: Staging, aim: Aim, rows: Sequence[Fields], columns: Mapping[str, str] | None = None
) -> Loaded:
    """Rows that came in a call, numbered from 1."""
    table = table_of(rows, wanted(aim), columns)
    load(staging, table.rows, aim)
    return Loaded(_digest(rows), tuple(table.notes))


async def load_file(
    staging: Staging, aim: Aim, file: Path, columns: Mapping[str, str] | None = None, option: str = COLUMNS
) -> Loaded:
    """The rows of a file that holds a table, under the digest of the very bytes they were read from.

    In a thread: a million rows take a while.
    """
    return await anyio.to_thread.run_sync(_load_file, staging, aim, file, columns, option)


async def load_field(staging: Staging, aim: Aim, api: Salesloft, field: str) -> Loaded:
    """Every record's value of a custom field, blanks skipped: "retire the field"."""
    if aim.object_type == "users":
        raise InputError("object_type", "users have no custom fields.", next_step="use people or accounts.")
    line, numbers, digest, names = 0, 0, hashlib.sha256(), set[str]()
    async for records in scan(api, aim.object_type):
        held = [(record.id, record.shown("custom_fields") or {}) for record in records]
        rows = [row for object_id, fields in held if (row := _held(object_id, fields, field))]
        digest.update(_digest([{"": row.problem} if isinstance(row, Invalid) else row for row in rows]).encode())
        objects = [fields for _, fields in held if isinstance(fields, Mapping)]
        numbers += len([fields for fields in objects if type(fields.get(field)) is int])
        names.update(quoted(name) for fields in objects for name in fields)
        line += load(staging, enumerate(rows, line + 1), aim)
    if not line:
        what = f"no {aim.object_type} have a value in {quoted(field)}."
        raise InputError("custom_field", what, next_step=did_you_mean(quoted(field), names))
    as_digits = (
        f"{numbers:,} value{'s are numbers' if numbers > 1 else ' is a number'} there, which has no leading zeros."
    )
    return Loaded(digest.hexdigest(), (as_digits,) if numbers else ())


def _held(object_id: int, fields: object, field: str) -> Fields | Invalid | None:
    """The row of a record, if the field has a value there. A whole number is its digits, as Salesloft shows it."""
    if not isinstance(fields, Mapping):
        return Invalid(f"the custom fields of record {object_id} cannot be read: they are no object.")
    value = fields.get(field)
    if value in (None, ""):
        return None
    if isinstance(value, str) or type(value) is int:
        return {"external_id": str(value), "object_id": str(object_id)}
    return Invalid(f"the field of record {object_id} {not_text(value)}", shown(value))


class _Hashed(io.FileIO):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.digest = hashlib.sha256()

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        count = super().readinto(buffer) or 0
        self.digest.update(memoryview(buffer)[:count])
        return count


def _load_file(staging: Staging, aim: Aim, file: Path, columns: Mapping[str, str] | None, option: str) -> Loaded:
    with _Hashed(_opened(file, file.name)) as raw:
        table = open_table(io.BufferedReader(raw, 2**16), file.name, wanted(aim), columns, option=option)
        if not load(staging, table.rows, aim):
            raise InputError("file", f"{quoted(file.name)} has no rows.")
        return Loaded(raw.digest.hexdigest(), tuple(table.notes))


def _digest(rows: Sequence[Fields]) -> str:
    return hashlib.sha256(json.dumps(list(rows), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
