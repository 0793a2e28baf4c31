"""Records in the order of their creation, which no later change moves, with a position at which to go on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Record
from salesloft_mcp.salesloft.requests import OLDEST_FIRST, PAGE_SIZE, Query, is_moment

MOST_AT_ONCE = 30  # pages of records that were created in one moment
_BY_CREATION: Query = (("sort_by", "created_at"), ("sort_direction", "ASC"))
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SUPPORT = "tell Salesloft's support."


@dataclass(frozen=True, slots=True)
class Position:
    """How far a list was looked at: in microseconds since 1970 when the next record was created, or later, and the last
    id of that moment which was looked at. Users are asked for by page, which stands in place of the moment.
    """

    since: int = 0
    after: int = 0

    @property
    def order(self) -> tuple[int, int]:
        """Earlier positions come first."""
        return self.since, self.after


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some records with their positions, in order; and where the next stretch begins, None after the last."""

    records: tuple[tuple[Position, Record], ...]
    following: Position | None


async def walk(api: Salesloft, object_type: ObjectType, query: Query, start: Position) -> AsyncIterator[Stretch]:
    """The records that Salesloft finds by `query`, each once, from `start` on: a point for about a hundred.

    A record that is changed or removed meanwhile hides no other, and one that is created meanwhile comes at the end.

    Raises:
        BrokenAnswerError: they come without a time, or in another order than was asked for.
    """
    position: Position | None = start
    while position is not None:
        if object_type == "users":
            stretch = await _page(api, query, position)
        else:
            stretch = await _stretch(api, object_type, query, position)
        yield stretch
        position = stretch.following


async def _page(api: Salesloft, query: Query, position: Position) -> Stretch:
    """Users are never removed, so their pages stay as they are when the oldest come first."""
    number = max(position.since, 1)
    found = await api.list_objects("users", (*query, *OLDEST_FIRST), page=number, per_page=PAGE_SIZE)
    records = tuple((Position(number, row.id), row) for row in found.rows if row.id > position.after)
    return Stretch(records, Position(number + 1) if found.next_page is not None and found.rows else None)


async def _stretch(api: Salesloft, object_type: ObjectType, query: Query, position: Position) -> Stretch:
    """A page without the records of its last moment, of which there may be more on the next one: the next stretch
    begins with that moment. A moment that fills a page is read to its end.
    """
    since: Query = (("created_at[gte]", _written(position.since)),) if position.since else ()
    positions: list[tuple[Position, Record]] = []
    more, page = True, 0
    while more and (not positions or positions[0][0].since == positions[-1][0].since):
        if page == MOST_AT_ONCE:
            what = f"more than {MOST_AT_ONCE * PAGE_SIZE:,} {object_type} were created in one moment."
            raise BrokenAnswerError(what, next_step="narrow the search by another field.")
        page += 1
        found = await api.list_objects(object_type, (*query, *_BY_CREATION, *since), page=page, per_page=PAGE_SIZE)
        positions += [(Position(_created(object_type, row), row.id), row) for row in found.rows]
        more = found.next_page is not None and bool(found.rows)
    moments = [position.since, *(one.since for one, _ in positions)]
    if moments != sorted(moments):
        what = f"Salesloft did not answer with {object_type} in the order of their creation, which was asked for."
        raise BrokenAnswerError(what, next_step=_SUPPORT)
    following = Position(moments[-1]) if more else None
    kept = [one for one in positions if one[0].since < moments[-1] or not more]
    records = sorted((one for one in kept if one[0].order > position.order), key=lambda one: one[0].order)
    return Stretch(tuple(records), following)


def _created(object_type: ObjectType, row: Record) -> int:
    text = str(row.shown("created_at") or "")
    if not is_moment(text):
        what = f"{SINGULAR[object_type]} {row.id} has no usable created_at, so {object_type} cannot be read in order."
        raise BrokenAnswerError(what, next_step=_SUPPORT)
    when = datetime.fromisoformat(text)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _START) // _MICROSECOND


def _written(since: int) -> str:
    return (_START + timedelta(microseconds=since)).isoformat()
