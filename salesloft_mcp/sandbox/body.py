"""Required members of a JSON body: a reader each, which gives the value or raises ValueError."""

from collections.abc import Callable, Mapping
from typing import Any

from salesloft_mcp.sandbox.errors import MISSING, Complaints, unprocessable
from salesloft_mcp.sandbox.query import object_type
from salesloft_mcp.sandbox.store import ObjectType

LONGEST_EXTERNAL_ID = 1024
LONGEST_EXTERNAL_TYPE = 255
LARGEST_ID = 2**63 - 1

Reader = Callable[[object], object]


def read_body(body: Mapping[str, Any], **readers: Reader) -> dict[str, Any]:
    """Every named member, or one 422 that names each missing or wrong one."""
    values: dict[str, Any] = {}
    complaints: Complaints = {}
    for name, reader in readers.items():
        if body.get(name) is None:
            complaints[name] = [MISSING]
            continue
        try:
            values[name] = reader(body[name])
        except ValueError as error:
            complaints[name] = [str(error)]
    if complaints:
        raise unprocessable(complaints)
    return values


def bounded_text(value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if not 1 <= len(value) <= longest:
        raise ValueError(f"must be 1 to {longest} characters long")
    return value


def external_id(value: object) -> str:
    """External ids are strings, byte-exact: "007" is not 7, and nothing is trimmed or folded."""
    return bounded_text(value, LONGEST_EXTERNAL_ID)


def external_type(value: object) -> str:
    return bounded_text(value, LONGEST_EXTERNAL_TYPE)


def object_word(value: object) -> ObjectType:
    return object_type(value if isinstance(value, str) else "")


def object_id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be an integer")
    if not 0 <= value <= LARGEST_ID:
        raise ValueError("does not exist")
    return value
