"""Which object is meant: by Salesloft id, e-mail, domain, CRM id or name.

"Unknown filter names are silently ignored, so a typo lists everything": every row is held against the question.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Literal

from salesloft_mcp.errors import BrokenAnswerError, InputError
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, Page, Record
from salesloft_mcp.salesloft.paging import pages
from salesloft_mcp.salesloft.requests import MAX_QUERY_BYTES, PAGE_SIZE, Query, objects

By = Literal["object_id", "email", "domain", "crm_id"]
BY: dict[ObjectType, tuple[By, ...]] = {
    "people": ("object_id", "email", "crm_id"),
    "accounts": ("object_id", "domain", "crm_id"),
    "users": ("object_id", "email"),
}
_BY_CHANGE: Query = (("sort_by", "updated_at"), ("sort_direction", "ASC"))
FEW = 25  # so many accounts are asked for by domain, one a call; for more, all accounts are read


@dataclass(frozen=True, slots=True)
class Term:
    """One way to search: Salesloft's parameter, and the fields of a row that must then hold the value."""

    parameter: str
    fields: tuple[str, ...]
    whole: bool = True

    def fits(self, record: Record, value: str) -> bool:
        """Whether the row holds what was asked for. Salesloft compares these without regard to case."""
        held = [str(getattr(record, name, None) or "").casefold() for name in self.fields]
        if self.whole:
            return value.casefold() in held
        return all(word in " ".join(held) for word in value.casefold().split())


_EMAIL = Term("email_addresses[]", ("email_address", "secondary_email_address", "personal_email_address", "email"))
_DOMAIN = Term("domain", ("domain",))
_CRM_ID = Term("crm_id[]", ("crm_id",))
_REFERENCES = {"object_id": Term("ids[]", ("id",)), "email": _EMAIL, "domain": _DOMAIN, "crm_id": _CRM_ID}
_USER = Term("search", ("name", "first_name", "last_name", "email"), whole=False)
TERMS: dict[ObjectType, dict[str, Term]] = {
    "people": {"email": _EMAIL, "crm_id": _CRM_ID},
    "accounts": {"name": Term("name[]", ("name",)), "domain": _DOMAIN, "crm_id": _CRM_ID},
    "users": {"name": _USER, "email": _USER},
}


async def search(
    api: Salesloft, object_type: ObjectType, terms: Mapping[str, str], *, page: int = 1, per_page: int = 25
) -> Page[Record]:
    """One page of the records that hold every term; the names of terms are those of `TERMS[object_type]`.

    Raises:
        InputError: no term, one that Salesloft cannot search these records by, or two that it cannot combine.
        BrokenAnswerError: records that were not asked for, on a list that does not end with this page.
    """
    usable = TERMS[object_type]
    for name in terms:
        if name not in usable:
            what = f"Salesloft cannot search {object_type} by {name}."
            raise InputError(name, what, next_step=f"use {' or '.join(usable)} for {object_type}.")
    if not terms:
        raise InputError("search", "nothing to search for.", next_step=f"give {' or '.join(usable)}.")
    filters = tuple((usable[name].parameter, value) for name, value in terms.items())
    if len(dict(filters)) < len(filters):
        what = f"Salesloft searches {object_type} by one of these at a time."
        raise InputError(next(iter(terms)), what, next_step=f"give one of {' and '.join(usable)}.")
    found = await api.list_objects(object_type, filters, page=page, per_page=per_page)
    rows = tuple(row for row in found.rows if all(usable[name].fits(row, value) for name, value in terms.items()))
    if len(rows) < len(found.rows) and found.next_page is not None:
        raise _not_asked_for(object_type)
    return replace(found, rows=rows)


async def find_objects(
    api: Salesloft, object_type: ObjectType, by: By, refs: Iterable[str], count: int
) -> AsyncIterator[list[tuple[str, int]]]:
    """The (reference, object id) pairs that exist, batch by batch, a hundred for a point where Salesloft can.

    A reference that is missing is in no batch; one that stands for several objects comes several times. `count` is how
    many references there are.

    Raises:
        BrokenAnswerError: objects of other ids than were asked for.
    """
    if (by == "domain" and count > FEW) or (by == "email" and object_type == "users"):
        every_user = partial(api.list_objects, "users", (), per_page=PAGE_SIZE)  # users have no cursor, and are few
        async for rows in pages(every_user) if object_type == "users" else scan(api, object_type):
            yield _pairs(by, rows)
        return
    for batch in _batches(object_type, by, refs):
        asked = {value for _, value in batch}
        async for rows in pages(partial(api.list_objects, object_type, batch, per_page=PAGE_SIZE)):
            if by == "object_id" and not asked.issuperset(str(row.id) for row in rows):
                raise _not_asked_for(object_type)
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
        while more and last == since:
            page += 1
            filters = (*_BY_CHANGE, ("updated_at[gte]", since)) if since else _BY_CHANGE
            found = await api.list_objects(object_type, filters, page=page, per_page=PAGE_SIZE)
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


def _not_asked_for(object_type: ObjectType) -> BrokenAnswerError:
    what = f"Salesloft answered with {object_type} that were not asked for, so a filter does not work."
    return BrokenAnswerError(what, next_step="tell Salesloft's support.")


def _batches(object_type: ObjectType, by: By, refs: Iterable[str]) -> Iterator[Query]:
    """As many references a call as fit the page and the query; a domain is asked for by itself."""
    refs, parameter = iter(refs), _REFERENCES[by].parameter
    while batch := tuple((parameter, ref) for ref in islice(refs, 1 if by == "domain" else PAGE_SIZE)):
        while batch:
            fits = len(batch)
            while fits > 1 and len(objects(object_type, batch[:fits], 1, PAGE_SIZE).target) > MAX_QUERY_BYTES:
                fits //= 2
            yield batch[:fits]
            batch = batch[fits:]


def _pairs(by: By, rows: Iterable[Record]) -> list[tuple[str, int]]:
    values = ((getattr(row, name, None), row.id) for row in rows for name in _REFERENCES[by].fields)
    fold = by in ("email", "domain")
    return [(str(value).lower() if fold else str(value), found) for value, found in values if value not in (None, "")]


def _updated(row: Record) -> str:
    return str(getattr(row, "updated_at", "") or "")
