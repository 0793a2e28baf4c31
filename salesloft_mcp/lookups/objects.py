"""Which object a row means: by Salesloft id, e-mail, domain or CRM id, a hundred for a point where the API can."""

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Literal

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, Record
from salesloft_mcp.salesloft.requests import Query, objects

By = Literal["object_id", "email", "domain", "crm_id"]
BY: dict[ObjectType, tuple[By, ...]] = {
    "people": ("object_id", "email", "crm_id"),
    "accounts": ("object_id", "domain", "crm_id"),
    "users": ("object_id", "email"),
}
PAGE = 100
MAX_QUERY_BYTES = 6_000
FEW = 25  # so many accounts are asked for by domain, one a call; for more, all accounts are read
_PARAMETERS: dict[By, str] = {
    "object_id": "ids[]",
    "email": "email_addresses[]",
    "crm_id": "crm_id[]",
    "domain": "domain",
}
_FIELDS: dict[By, tuple[str, ...]] = {
    "object_id": ("id",),
    "email": ("email_address", "secondary_email_address", "personal_email_address", "email"),
    "domain": ("domain",),
    "crm_id": ("crm_id",),
}


async def find_objects(
    api: Salesloft, object_type: ObjectType, by: By, refs: Iterable[str], count: int
) -> AsyncIterator[list[tuple[str, int]]]:
    """The (reference, object id) pairs that exist, batch by batch; a reference that is missing is in no batch.

    `count` is how many references there are. One that stands for several objects comes several times.
    """
    if (by == "domain" and count > FEW) or (by == "email" and object_type == "users"):
        async for rows in _all(api, object_type):
            yield _pairs(by, rows)
        return
    for batch in _batches(object_type, by, refs):
        asked = {value for _, value in batch}
        page: int | None = 1
        while page is not None:
            found = await api.list_objects(object_type, batch, page=page, per_page=PAGE)
            yield [pair for pair in _pairs(by, found.rows) if pair[0] in asked]
            page = found.next_page


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
        while more and last == since:
            page += 1
            found = await api.list_objects(object_type, _changed_since(since), page=page, per_page=PAGE)
            yield tuple(row for row in found.rows if row.id not in seen)
            seen.update(row.id for row in found.rows)
            here.update(row.id for row in found.rows if _updated(row) == since)
            more = found.next_page is not None and bool(found.rows)
            last = _updated(found.rows[-1]) if found.rows else since
        if page > 1 and here != before:
            before = here
        elif not more:
            return
        else:
            seen = {row.id for row in found.rows if _updated(row) == last}
            since = last


def _changed_since(since: str) -> Query:
    order = (("sort_by", "updated_at"), ("sort_direction", "ASC"))
    return (*order, ("updated_at[gte]", since)) if since else order


async def _all(api: Salesloft, object_type: ObjectType) -> AsyncIterator[tuple[Record, ...]]:
    if object_type != "users":
        async for rows in scan(api, object_type):
            yield rows
        return
    page: int | None = 1
    while page is not None:
        found = await api.list_objects(object_type, (), page=page, per_page=PAGE)
        yield found.rows
        page = found.next_page


def _batches(object_type: ObjectType, by: By, refs: Iterable[str]) -> Iterator[Query]:
    """As many references a call as fit the page and the query; a domain is asked for by itself."""
    refs, parameter = iter(refs), _PARAMETERS[by]
    while batch := tuple((parameter, ref) for ref in islice(refs, 1 if by == "domain" else PAGE)):
        while batch:
            fits = len(batch)
            while fits > 1 and len(objects(object_type, batch[:fits], 1, PAGE).target) > MAX_QUERY_BYTES:
                fits //= 2
            yield batch[:fits]
            batch = batch[fits:]


def _pairs(by: By, rows: Iterable[Record]) -> list[tuple[str, int]]:
    values = ((getattr(row, name, None), row.id) for row in rows for name in _FIELDS[by])
    fold = by in ("email", "domain")
    return [(str(value).lower() if fold else str(value), found) for value, found in values if value not in (None, "")]


def _updated(row: Record) -> str:
    return str(getattr(row, "updated_at", "") or "")
