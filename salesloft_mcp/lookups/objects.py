"""Which object is meant: by Salesloft id, e-mail, domain or CRM id; and all objects of a kind."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Literal

from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.intake import emails
from salesloft_mcp.intake.domains import host, in_letters, spellings
from salesloft_mcp.lookups.terms import CRM_ID, DOMAIN, EMAIL, EMAIL_FIELDS
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Record
from salesloft_mcp.salesloft.paging import as_far_as_read, pages
from salesloft_mcp.salesloft.requests import MAX_QUERY_BYTES, PAGE_SIZE, Query, is_magic, is_moment, objects

By = Literal["object_id", "email", "domain", "crm_id"]
BY: dict[ObjectType, tuple[By, ...]] = {
    "people": ("object_id", "email", "crm_id"),
    "accounts": ("object_id", "domain", "crm_id"),
    "users": ("object_id", "email"),
}
_PARAMETERS: dict[By, str] = {
    "object_id": "ids[]",
    "email": EMAIL.parameter,
    "domain": DOMAIN.parameter,
    "crm_id": CRM_ID.parameter,
}
_HELD: dict[By, tuple[str, ...]] = {
    "object_id": ("id",),
    "email": EMAIL_FIELDS,
    "domain": ("domain",),
    "crm_id": ("crm_id",),
}
_BY_CHANGE: Query = (("sort_by", "updated_at"), ("sort_direction", "ASC"))
FEW = 25  # so many accounts are asked for by domain, one a call; for more, all accounts are read


async def find_objects(
    api: Salesloft, object_type: ObjectType, by: By, refs: Iterable[str], count: int
) -> AsyncIterator[list[tuple[str, int]]]:
    """The (reference, object id) pairs that exist, batch by batch, a hundred for a point where Salesloft can.

    A reference that is missing is in no batch; one that stands for several objects comes several times. `count` is how
    many references there are. Domains are the same when their hosts are, e-mails in both forms of their domains. Rows
    that cannot be read are passed over, and counted by the call (`Call.unread`): they hide no other.

    Raises:
        BrokenAnswerError: objects of other ids than were asked for.
    """
    if by == "domain" and count <= FEW:
        yield await _by_domain(api, list(refs))
        return
    if by == "domain" or (by == "email" and object_type == "users"):
        every_user = partial(api.list_objects, "users", (), per_page=PAGE_SIZE)  # users have no cursor, and are few
        async for rows in pages(as_far_as_read(every_user)) if object_type == "users" else scan(api, object_type):
            yield _pairs(by, rows)
        return
    forms = (form for ref in refs for form in emails.forms(ref)) if by == "email" else refs
    for batch in _batches(object_type, by, forms):
        asked = {value for _, value in batch}
        ask = partial(api.list_objects, object_type, batch, per_page=PAGE_SIZE)
        async for rows in pages(as_far_as_read(ask)):
            if by == "object_id" and not asked.issuperset(str(row.id) for row in rows):
                raise not_asked_for(object_type)
            yield [pair for pair in _pairs(by, rows) if pair[0] in asked]


async def scan(api: Salesloft, object_type: ObjectType) -> AsyncIterator[tuple[Record, ...]]:
    """Every person or account, by a cursor over `updated_at`: each once, and again when it is changed meanwhile.

    Deep pages would cost 30 points each, and rows that change while one pages would be skipped: a row that is changed
    meanwhile moves to the end of this order and is met again there. Only when a whole page shares one moment does
    paging go deeper, and then the moment is read until two readings are the same.
    """
    since, seen, before = "", set[int](), set[int]()
    while True:
        page, here = 0, set[int]()
        more, last = True, since
        while more and _moment(last) == _moment(since):
            page += 1
            filters = (*_BY_CHANGE, ("updated_at[gte]", since)) if since else _BY_CHANGE
            found = await api.list_objects(object_type, filters, page=page, per_page=PAGE_SIZE)
            yield tuple(row for row in found.rows if row.id not in seen)
            seen.update(row.id for row in found.rows)
            here.update(row.id for row in found.rows if _moment(_updated(row)) == _moment(since))
            more = found.next_page is not None and bool(found.rows)
            last = _updated(found.rows[-1]) if found.rows else since
            if more and not _moment(last):
                raise _no_time(object_type, found.rows[-1])
        if page > 1 and here != before:
            before = here
        elif not more:
            return
        else:
            seen = {row.id for row in found.rows if _moment(_updated(row)) == _moment(last)}
            since = last


async def _by_domain(api: Salesloft, refs: list[str]) -> list[tuple[str, int]]:
    """As they are given; then, whichever costs less, in other spellings or with all accounts read."""
    found = {pair for ref in refs for pair in await _with_domain(api, ref, ref)}
    missing = set(refs) - {ref for ref, _ in found}
    tries = [(ref, other) for ref in missing for other in spellings(ref)]
    total = await api.count_objects("accounts") if tries else None
    if total is not None and total <= len(tries) * PAGE_SIZE:
        async for rows in scan(api, "accounts"):
            hosts = {ref: host(ref) for ref in missing}
            held = [(host(str(row.shown("domain") or "")), row.id) for row in rows]
            found.update((ref, one) for ref, name in hosts.items() for of, one in held if of == name)
    else:
        for ref, other in tries:
            found.update(await _with_domain(api, ref, other))
    return sorted(found)


async def _with_domain(api: Salesloft, ref: str, spelled: str) -> list[tuple[str, int]]:
    if is_magic(spelled):
        return []
    filters: Query = ((DOMAIN.parameter, spelled),)
    ask = partial(api.list_objects, "accounts", filters, per_page=PAGE_SIZE)
    return [(ref, row.id) async for rows in pages(as_far_as_read(ask)) for row in rows if DOMAIN.fits(row, ref)]


def _no_time(object_type: ObjectType, row: Record) -> BrokenAnswerError:
    what = f"{SINGULAR[object_type]} {row.id} has no usable updated_at, so all {object_type} cannot be read."
    return BrokenAnswerError(what, next_step="tell Salesloft's support.")


def not_asked_for(object_type: ObjectType) -> BrokenAnswerError:
    """That rows of an answer do not hold what was asked for: an unknown filter is ignored, and everything is listed."""
    what = f"Salesloft answered with {object_type} that were not asked for, so a filter does not work."
    return BrokenAnswerError(what, next_step="tell Salesloft's support.")


def _batches(object_type: ObjectType, by: By, refs: Iterable[str]) -> Iterator[Query]:
    """As many references a call as fit the page and the query. Nobody has one that Salesloft takes for a command."""
    refs = (ref for ref in refs if not is_magic(ref))
    while batch := tuple((_PARAMETERS[by], ref) for ref in islice(refs, PAGE_SIZE)):
        while batch:
            fits = len(batch)
            while fits > 1 and len(objects(object_type, batch[:fits], 1, PAGE_SIZE).target) > MAX_QUERY_BYTES:
                fits //= 2
            yield batch[:fits]
            batch = batch[fits:]


def _pairs(by: By, rows: Iterable[Record]) -> list[tuple[str, int]]:
    found: dict[tuple[str, int], None] = {}
    for row in rows:
        for value in (row.shown(name) for name in _HELD[by]):
            if value not in (None, ""):
                found.update(dict.fromkeys((one, row.id) for one in _keys(by, str(value))))
    return list(found)


def _keys(by: By, held: str) -> tuple[str, ...]:
    """What a record may be named by: a domain by its host, too, and both of them in either form."""
    if by == "domain":
        return held.lower(), host(held), in_letters(host(held))
    return (held.lower(), *emails.forms(held)) if by == "email" else (held,)


def _updated(row: Record) -> str:
    return str(row.shown("updated_at") or "")


def _moment(text: str) -> datetime | None:
    """The time, whatever its offset: one moment is written in several ways."""
    if not is_moment(text):
        return None
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
