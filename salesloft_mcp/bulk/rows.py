"""Pure: one row of input becomes an external id and a way to find its object, or a reason why it cannot."""

from typing import BinaryIO

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.tables import Fields, Invalid, Rows, read_csv, read_jsonl
from salesloft_mcp.lookups.objects import BY, By
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.salesloft.requests import checked
from salesloft_mcp.state.staging import NewRow
from salesloft_mcp.text import quoted

EXTERNAL_ID = "external_id"
MAX_REF = 255


def rows_in(raw: BinaryIO, suffix: str) -> Rows:
    """The rows of a CSV or JSON Lines file, by the suffix of its name.

    Raises:
        InputError: another suffix, a CSV without the column external_id, or what `intake.tables` cannot read.
    """
    if suffix.lower() == ".jsonl":
        return read_jsonl(raw)
    if suffix.lower() != ".csv":
        raise InputError("file", "must end in .csv or .jsonl.")
    table = read_csv(raw)
    if EXTERNAL_ID not in table.heads:
        raise InputError("file", "has no column external_id in its first line.")
    return table.rows


def id_of(fields: Fields | Invalid) -> tuple[str, str]:
    """The external id of a row, and the problem that rules the row out. Nothing is trimmed: ids are byte-exact."""
    if isinstance(fields, Invalid):
        return "", fields.problem
    external_id = fields.get(EXTERNAL_ID)
    if external_id is None:
        return "", f"{EXTERNAL_ID}: is missing."
    if not isinstance(external_id, str):
        return "", f"{EXTERNAL_ID}: must be text; a number may have lost leading zeros."
    try:
        return checked(EXTERNAL_ID, external_id), ""
    except InputError as error:
        # Half a surrogate pair, which JSON can spell, is no text for a database.
        return external_id[:MAX_REF].encode("utf-8", "backslashreplace").decode(), error.what


def row_of(line: int, fields: Fields | Invalid, object_type: ObjectType) -> NewRow:
    """Check one row by itself."""
    external_id, problem = id_of(fields)
    if not problem and not isinstance(fields, Invalid):
        try:
            return line, external_id, *_reference(fields, object_type), "new", ""
        except InputError as error:
            problem = error.what
    return line, external_id, "", "", "invalid", problem


def _reference(fields: Fields, object_type: ObjectType) -> tuple[By, str]:
    given = [(by, fields[by]) for by in BY[object_type] if fields.get(by) not in (None, "")]
    if len(given) != 1:
        raise InputError("row", f"needs exactly one of {', '.join(BY[object_type])}.")
    ((by, value),) = given
    text = str(value) if type(value) is int and value.bit_length() < 64 else value
    if not isinstance(text, str):
        raise InputError(by, "must be text.")
    if by == "object_id":
        return by, _object_id(text)
    return by, checked(by, text.lower() if by in ("email", "domain") else text, MAX_REF)


def _object_id(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63):
        raise InputError("object_id", f"{quoted(text)} is not a Salesloft id.")
    return str(int(text))
