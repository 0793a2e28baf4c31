"""The cursor of a search: a page of Salesloft's, or a position in the order of creation."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from salesloft_mcp.lookups.searches import Cursor
from salesloft_mcp.lookups.walk import Position
from salesloft_mcp.server.arguments import NEXT_CURSOR

# What is compared, the moment and the id of a position: as `n1672563600000000-207550001`.
_POSITION = re.compile(r"([nw])([0-9]{1,17})-([0-9]{1,19})")
_PAGE = re.compile(r"0*[1-9][0-9]{0,8}")


def written(cursor: Cursor | None) -> str | None:
    """The cursor as a text; None on the last page."""
    if cursor is None or cursor.position is None:
        return None if cursor is None else str(cursor.page)
    return f"{'w' if cursor.wide else 'n'}{cursor.position.since}-{cursor.position.after}"


def _read(value: object) -> object:
    if value is None or isinstance(value, Cursor):
        return value
    if isinstance(value, str) and (found := _POSITION.fullmatch(value)):
        return Cursor(position=Position(int(found[2]), int(found[3])), wide=found[1] == "w")
    if type(value) in (str, int) and _PAGE.fullmatch(str(value)):
        return Cursor(int(str(value)))
    raise ValueError("is not a cursor of an earlier answer; leave it out to begin anew.")


Given = Annotated[Cursor | None, BeforeValidator(_read), WithJsonSchema({"type": "string", "description": NEXT_CURSOR})]
