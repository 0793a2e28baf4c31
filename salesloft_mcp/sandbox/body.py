"""Required members of a JSON body: a reader each, which gives the value or raises ValueError."""

from collections.abc import Callable, Mapping
from typing import Any

from salesloft_mcp.sandbox.answers import MISSING, Complaints, unprocessable

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


def text_up_to(longest: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a string")
        if not 1 <= len(value) <= longest:
            raise ValueError(f"must be 1 to {longest} characters long")
        return value

    return read


# External ids are strings, byte-exact: "007" is not 7, and nothing is trimmed or folded.
external_id = text_up_to(1024)
external_type = text_up_to(255)


def object_id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be an integer")
    if not 0 <= value <= LARGEST_ID:
        raise ValueError("does not exist")
    return value
