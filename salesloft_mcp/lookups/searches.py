"""Records by what Salesloft can filter them by, and by what it cannot: parts of names, and ids that they lack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from salesloft_mcp.errors import InputError, RateLimitedError
from salesloft_mcp.intake.domains import spellings
from salesloft_mcp.lookups.name_words import Called, words
from salesloft_mcp.lookups.objects import not_asked_for
from salesloft_mcp.lookups.terms import TERMS, Term, fits, term
from salesloft_mcp.lookups.unmapped import Holders, holders
from salesloft_mcp.lookups.walk import Position, walk
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, Page, Record
from salesloft_mcp.salesloft.requests import Query
from salesloft_mcp.text import quoted, whole_number

MOST_COMPARED = 2_000  # records of a kind that are read for a part of a name alone
MOST_STRETCHES = 20  # of about a hundred records that are read in a call
ENOUGH_SECONDS = 7.0  # with less of its time left a call reads no further
MOST_VALUES = 20  # of one filter

_OWN = ("name", "email", "domain", "crm_id", "title")  # arguments of their own; the rest is given in filters

Wanted = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a search goes on: on a page of Salesloft's, or at a position in the order of creation. In a `wide` search
    the name is compared here.
    """

    page: int = 1
    position: Position | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found. So many records were `looked` at here; 0 where Salesloft compared all that was asked."""

    rows: tuple[Record, ...]
    following: Cursor | None = None
    looked: int = 0
    by_words: bool = False  # the name was compared here, word by word
    stopped: bool = False  # because as much was read as is read in a call
    unread: int = 0
    near: tuple[Record, ...] = ()  # records whose names are nearly the one that was asked for


def asked(object_type: ObjectType, wanted: Wanted) -> dict[str, Term]:
    """How to search by each of these names.

    Raises:
        InputError: something that Salesloft cannot search these records by, a value that cannot be right, or two that
            it cannot combine.
    """
    found: dict[str, Term] = {}
    for name, given in wanted.items():
        usable = term(object_type, name)
        if usable is None:
            what = f"Salesloft cannot search {object_type} by {quoted(name, 40)}."
            step = f"{_meant(object_type, name)}use {usable_names(object_type)}."
            raise InputError(name if name.isidentifier() else "filters", what, next_step=step)
        _check(name, usable, given)
        found[name] = usable
    for usable in found.values():
        same = [other for other, one in found.items() if one.parameter == usable.parameter]
        if len(same) > 1:
            what = f"Salesloft searches {object_type} by one of these at a time."
            raise InputError(same[-1], what, next_step=f"give one of {' and '.join(same)}.")
    return found


def usable_names(object_type: ObjectType) -> str:
    """What these records can be searched by, and where it is given."""
    ours = {"people": ["name", "account", "owner"], "accounts": ["owner"], "users": list[str]()}
    own = [*(name for name in TERMS[object_type] if name in _OWN), *ours[object_type]]
    others = [name for name in TERMS[object_type] if name not in (*own, "account_id", "owner_id")]
    custom = ["custom_fields[Name]"] * (object_type != "users")
    return f"{' or '.join(own)}; or in filters {' or '.join([*others, *custom])}"


async def search(
    api: Salesloft, object_type: ObjectType, wanted: Wanted, *, page: int = 1, per_page: int = 25
) -> Page[Record]:
    """One page of the records that hold one value of each name in `wanted`, as Salesloft finds them. These names are
    of `TERMS[object_type]`, and `custom_fields[Name]`. A domain is searched for as it is given, then in other spellings
    of its host.

    Raises:
        InputError: see `asked`.
        BrokenAnswerError: records that were not asked for, on a list that does not end with this page.
    """
    terms = asked(object_type, wanted)
    found = await _searched(api, object_type, terms, wanted, page, per_page)
    for other in _other_spellings(wanted):
        if found.rows or page > 1:
            break
        found = await _searched(api, object_type, terms, {**wanted, "domain": (other,)}, page, per_page)
    return found


async def find(
    api: Salesloft, object_type: ObjectType, wanted: Wanted, without: str, start: Cursor | None, limit: int
) -> Found:
    """At most `limit` records that hold `wanted` (see `search`), and have no external id of the type `without` unless
    that is empty.

    `name` finds people whose names hold all its words, which are compared here: among those that the rest of `wanted`
    finds, or among all of them where there are at most 2,000. Accounts and users come by their names as Salesloft finds
    them, and in the same way where it finds none.

    A call reads at most about 2,000 records, and stops with a cursor when it has, or when its time or the points run
    out.

    Raises:
        InputError: see `asked`; and a name without anything that bounds the list, where that is long.
    """
    names = wanted.get("name", ())
    others = {name: one for name, one in wanted.items() if name != "name"}
    if not all(words(one) for one in names):
        raise InputError("name", "has no letter and no digit.", next_step="give a name, or a part of one.")
    if object_type == "people" and names:
        asked(object_type, others)
    elif start is None or not start.wide:
        found = await _narrow(api, object_type, wanted, without, start, limit)
        if found.rows or found.looked or start is not None or not names:
            return found
    if start is None and not others and not await _few(api, object_type, names[0]):
        return Found(())
    return await _walked(api, object_type, others, names, without, start, limit)


async def _narrow(
    api: Salesloft, object_type: ObjectType, wanted: Wanted, without: str, start: Cursor | None, limit: int
) -> Found:
    """As Salesloft finds them by everything that is wanted."""
    if without:
        return await _walked(api, object_type, wanted, (), without, start, limit)
    if start is not None and start.position is not None:
        raise _other_search()
    page = await search(api, object_type, wanted, page=start.page if start else 1, per_page=limit)
    following = None if page.next_page is None else Cursor(page.next_page)
    return Found(page.rows, following, unread=page.unread)


async def _few(api: Salesloft, object_type: ObjectType, name: str) -> bool:
    """Whether there are so few records of this kind that all of them are read for a name."""
    total = await api.count_objects(object_type)
    if total is not None and total <= MOST_COMPARED:
        return True
    if object_type == "people":
        told = "" if total is None else f" of the {total:,} here"
        what = f"Salesloft cannot search people by name, and {quoted(name)} may be any{told}."
        step = "give account, too, or owner, title, or a place in filters; or search by email or crm_id instead."
        raise InputError("name", what, next_step=step)
    return False


async def _walked(
    api: Salesloft,
    object_type: ObjectType,
    wanted: Wanted,
    names: Sequence[str],
    without: str,
    start: Cursor | None,
    limit: int,
) -> Found:
    """The records in the order of their creation, those left out that do not fit."""
    position = Position() if start is None else start.position
    if position is None:
        raise _other_search()
    terms = asked(object_type, wanted)
    query = _query(terms, await _spelled(api, object_type, terms, wanted))
    call, called = current(), Called(names)
    unread, rows, looked, stretches, who = call.unread, list[Record](), 0, 0, None
    following: Position | None = position
    try:
        async for stretch in walk(api, object_type, query, position):
            fitting = [(at, row) for at, row in stretch.records if fits(terms, wanted, row)]
            chosen = [one for one in fitting if called.is_so(one[1])]
            if without and who is None:
                who = await holders(api, without, object_type, len(chosen), stretch.following is None)
            found, judged, more = await _judged([row for _, row in chosen], who, limit - len(rows))
            reached, following = position, stretch.following
            if more:
                reached = following = chosen[judged - 1][0] if judged else position
            compared = chosen if without else fitting
            looked += sum(not more or at.order <= reached.order for at, _ in compared)
            rows, stretches, position = rows + found, stretches + 1, following or position
            is_spent = stretches == MOST_STRETCHES or call.patience() < ENOUGH_SECONDS or (who and who.room == 0)
            if following is None or more or is_spent or len(rows) == limit:
                break
    except RateLimitedError:
        if not looked:
            raise
    cursor = None if following is None else Cursor(position=following, wide=bool(names))
    stopped = following is not None and len(rows) < limit
    return Found(tuple(rows), cursor, looked, bool(names), stopped, call.unread - unread, called.near)


async def _judged(chosen: Sequence[Record], who: Holders | None, limit: int) -> tuple[list[Record], int, bool]:
    """The first `limit` of these that have no id, how many were judged, and whether one of the others may have none."""
    found, judged = list[Record](), 0
    while judged < len(chosen) and len(found) < limit:
        left = len(chosen) if who is None or who.room is None else min(who.room, limit - len(found))
        some = chosen[judged : judged + left]
        if not some:
            break
        lacking = {row.id for row in some} if who is None else await who.without(some)
        for row in some:
            if len(found) < limit:
                judged += 1
                found += [row] * (row.id in lacking)
    rest = chosen[judged:]
    if who is not None and who.known is not None:
        return found, judged, bool(await who.without(rest))
    return found, judged, bool(rest)


async def _spelled(api: Salesloft, object_type: ObjectType, terms: Mapping[str, Term], wanted: Wanted) -> Wanted:
    """`wanted` with the domain in the spelling in which an account has it."""
    for other in _other_spellings(wanted):
        if (await _searched(api, object_type, terms, wanted, 1, 1)).rows:
            break
        wanted = {**wanted, "domain": (other,)}
    return wanted


def _check(name: str, usable: Term, given: Sequence[str]) -> None:
    if len(given) > (MOST_VALUES if usable.takes_several else 1):
        what = f"has {len(given)} values, and Salesloft takes {MOST_VALUES if usable.takes_several else 'one'}."
        raise InputError(name if name.isidentifier() else "filters", what, next_step="search for each by itself.")
    for value in given:
        if usable.kind == "id" and not whole_number(value):
            step = "give a whole number above 0, which a record tells where all its fields are asked for."
            raise InputError(name, f"{quoted(value)} is no Salesloft id.", next_step=step)
        if usable.words and value.lower() not in usable.words:
            step = f"give one of {', '.join(usable.words)}."
            raise InputError(name, f"{quoted(value)} is no value of it.", next_step=step)
        if usable.kind == "flag" and value.lower() not in ("true", "false"):
            raise InputError(name, f"{quoted(value)} is neither true nor false.", next_step="give one of them.")


def _meant(object_type: ObjectType, name: str) -> str:
    """The one that a slip of the pen makes of its name; what only shares some letters is not offered."""
    holding = [one for one in TERMS[object_type] if {*name.lower().split("_")} <= {*one.split("_")}]
    near = holding or get_close_matches(name.lower(), TERMS[object_type], n=1, cutoff=0.7)
    return f"did you mean {near[0]}? " if near else ""


def _other_spellings(wanted: Wanted) -> list[str]:
    return [other for one in wanted.get("domain", ()) for other in spellings(one)]


def _query(terms: Mapping[str, Term], wanted: Wanted) -> Query:
    return tuple(
        (one.parameter, form) for name, one in terms.items() for value in wanted[name] for form in one.sent(value)
    )


async def _searched(
    api: Salesloft, object_type: ObjectType, terms: Mapping[str, Term], wanted: Wanted, page: int, size: int
) -> Page[Record]:
    found = await api.list_objects(object_type, _query(terms, wanted), page=page, per_page=size)
    rows = tuple(row for row in found.rows if fits(terms, wanted, row))
    by_words = any(one.parameter == "search" for one in terms.values())  # whether all words have to fit, nobody says
    if len(rows) < len(found.rows) and found.next_page is not None and not by_words:
        raise not_asked_for(object_type)
    return replace(found, rows=rows)


def _other_search() -> InputError:
    return InputError("cursor", "is of another search.", next_step="leave it out to begin anew.")
