"""The account or the owner that people name when they search: by id, by name, by domain or by e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass

from salesloft_mcp import errors
from salesloft_mcp.intake.domains import HOST, bare
from salesloft_mcp.lookups.name_words import words
from salesloft_mcp.lookups.searches import find, search
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import SINGULAR, Account, ObjectType, Record, User, name_of, one_record
from salesloft_mcp.text import quoted, whole_number

MOST_NAMED = 8  # candidates, when several fit


@dataclass(frozen=True, slots=True)
class Whose:
    """An account or a user; `name` is None where it was given by its id, and so not read."""

    object_type: ObjectType
    id: int
    name: str | None = None


async def account_of(api: Salesloft, text: str) -> Whose:
    """The account of this id, domain or name, all of the name or words of it. A point for most; none for an id.

    Raises:
        MissingError: there is none.
        SalesloftMcpError: several fit, of which nobody chose one.
    """
    if number := whole_number(text.strip()):
        return Whose("accounts", number)
    rows: Sequence[Record] = ()
    if HOST.fullmatch(bare(text)):
        rows = (await search(api, "accounts", {"domain": (text.strip(),)})).rows
    step = "give its domain, its id or the whole of its name."
    return await _only(api, "account", text, rows or await _called(api, "accounts", text), step)


async def owner_of(api: Salesloft, text: str) -> Whose:
    """The user of this id, e-mail or name, deactivated ones among them; `me` is whose token this is.

    Raises:
        MissingError: there is none.
        SalesloftMcpError: several fit, of which nobody chose one.
    """
    if number := whole_number(text.strip()):
        return Whose("users", number)
    if text.strip().lower() == "me":
        me = await api.me()
        return Whose("users", me.id, name_of(me))
    rows: Sequence[Record]
    if "@" in text:
        found = await search(api, "users", {"email": (text.strip(),)}, per_page=100)
        rows = [row for row in found.rows if str(row.shown("email")).lower() == text.strip().lower()]
    else:
        rows = await _called(api, "users", text)
    return await _only(api, "owner", text, rows, "give the e-mail or the id of the user.")


async def _called(api: Salesloft, object_type: ObjectType, text: str) -> Sequence[Record]:
    """Those whose whole name this is; where there are none, those whose names hold its words."""
    rows = (await find(api, object_type, {"name": (text,)}, "", None, 100)).rows
    return [row for row in rows if words(name_of(row)) == words(text)] or rows


async def _only(api: Salesloft, field: str, text: str, rows: Sequence[Record], step: str) -> Whose:
    object_type: ObjectType = "accounts" if field == "account" else "users"
    if len(rows) == 1:
        return Whose(object_type, rows[0].id, name_of(rows[0]))
    if rows:
        what = f"{field}: {quoted(text)} fits {len(rows)} {object_type}: {_candidates(rows, object_type)}."
        ask = f"{step[:-1]}; ask the person which one is meant."
        raise errors.SalesloftMcpError(f"{what} Nothing was searched for.", next_step=ask)
    begun = words(text)[:1] if "@" not in text else []
    near = await _called(api, object_type, begun[0]) if begun else []
    offer = f" Near are {_candidates(near, object_type)}." if near else ""
    what = f"{field}: no {SINGULAR[object_type]} was found by {quoted(text)}.{offer} Nothing was searched for."
    raise errors.MissingError(what, next_step=step)


def _candidates(rows: Sequence[Record], object_type: ObjectType) -> str:
    named = "; ".join(_candidate(row, object_type) for row in rows[:MOST_NAMED])
    return f"{named}; and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else named


def _candidate(row: Record, object_type: ObjectType) -> str:
    beside = row.domain if isinstance(row, Account) else row.email if isinstance(row, User) else None
    off = ", deactivated" if isinstance(row, User) and row.active is False else ""
    known = f", {quoted(beside)}" if beside else ""
    return f"{quoted(name_of(row))} ({one_record(object_type, row.id)}{known}{off})"
