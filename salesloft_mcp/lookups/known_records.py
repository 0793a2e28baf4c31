"""What is there already: records of an e-mail or a domain, and mappings of nearly the same external id. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from salesloft_mcp import errors
from salesloft_mcp.intake import domains, emails
from salesloft_mcp.intake.near import spellings
from salesloft_mcp.lookups.near_misses import Near, Neighbours
from salesloft_mcp.lookups.objects import By, find_objects, not_asked_for
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import ObjectType, Page, Record, Scope, name_of, one_record
from salesloft_mcp.salesloft.paging import as_far_as_read
from salesloft_mcp.salesloft.requests import PAGE_SIZE
from salesloft_mcp.text import quoted

MOST_SPELLINGS = 6  # of one external id that are asked for, at a point each
EMAILS = ("email_address", "secondary_email_address", "personal_email_address")
# "unique on the team": the field that no two records share, and how a record is looked up by it.
UNIQUE: dict[ObjectType, str] = {"people": "email_address", "accounts": "domain"}
UNIQUE_BY: dict[ObjectType, By] = {"people": "email", "accounts": "domain"}

_NOT_READABLE = (errors.ForbiddenError, errors.NotFoundError)


async def near_ids(
    api: Salesloft, scope: Scope, external_ids: Iterable[str]
) -> tuple[dict[str, list[Near]], list[str]]:
    """The live mappings in `scope` that are nearly one of these external ids, at most six points for each id; and the
    spellings of them that are mapped in rows which cannot be read.

    An id without any is left out. Where the list of the scope was read anyway, `Neighbours` tells the same for nothing.
    """
    wanted = list(dict.fromkeys(external_ids))
    others = dict.fromkeys(other for one in wanted for other in spellings(one)[:MOST_SPELLINGS])
    lists = partial(as_far_as_read(api.list_mappings), external_type=scope.external_type, deleted=False)
    pages = await gather_limited([partial(lists, external_id=one) for one in others])
    neighbours = Neighbours((row for page in pages for row in page.rows), scope)
    unclear = [one for one, page in zip(others, pages, strict=True) if page.unread]
    return {one: near for one in wanted if (near := neighbours.of(one))}, unclear


async def records_with(
    api: Salesloft, object_type: ObjectType, values: Iterable[str], crm_ids: Iterable[str] = ()
) -> dict[str, list[Record]]:
    """The people who have one of these e-mails, whichever of their addresses it is, or the accounts of these domains;
    and the records of these CRM ids.

    A hundred e-mails or CRM ids cost a point, a domain costs one for each spelling that is tried, and a hundred records
    that are found cost one more. A value that nobody has is left out, and all are where the token may not read the
    records. Rows that cannot be read are passed over: Salesloft itself refuses a second record of one e-mail or domain.
    """
    by = UNIQUE_BY[object_type]
    spelled: dict[By, dict[str, str]] = {by: {one: compared(object_type, one) for one in values}}
    spelled["crm_id"] = {one: one for one in crm_ids}
    found: dict[str, set[int]] = {}
    try:
        for kind, wanted in spelled.items():
            refs = list(dict.fromkeys(wanted.values()))
            async for pairs in find_objects(api, object_type, kind, refs, len(refs)):
                for ref, object_id in pairs:
                    found.setdefault(compared(object_type, ref), set()).add(object_id)
    except _NOT_READABLE:
        return {}
    given = [one for wanted in spelled.values() for one in wanted]
    ids = {one: sorted(held) for one in given if (held := found.get(compared(object_type, one)))}
    records = await records_of(api, object_type, (one for held in ids.values() for one in held))
    return {value: rows for value, held in ids.items() if (rows := [records[one] for one in held if one in records])}


async def records_of(api: Salesloft, object_type: ObjectType, ids: Iterable[int]) -> dict[int, Record]:
    """The records of these Salesloft ids that the token may read: a point for each hundred."""
    try:
        return {row.id: row for _, page in await _pages_of(api, object_type, ids) for row in page.rows}
    except _NOT_READABLE:
        return {}


async def records_by_id(api: Salesloft, object_type: ObjectType, ids: Sequence[int]) -> dict[int, Record]:
    """The records of at most a hundred Salesloft ids, in their order, for one point. Those that are missing are gone,
    or hidden from this token; rows that cannot be read are left out, and counted by the call.

    Raises:
        BrokenAnswerError: no row can be read; or other records than were asked for, on a list that does not end with
            this page.
    """
    filters = tuple(("ids[]", str(one)) for one in ids)
    page = await api.list_objects(object_type, filters, per_page=PAGE_SIZE)
    found = {row.id: row for row in page.rows}
    if page.next_page is not None and not found.keys() <= set(ids):
        raise not_asked_for(object_type)
    return {one: found[one] for one in dict.fromkeys(ids) if one in found}


async def read_records(
    api: Salesloft, object_type: ObjectType, ids: Iterable[int]
) -> tuple[dict[int, Record], set[int]]:
    """The records of these Salesloft ids, a point for each hundred, and those that are there and cannot be read, a
    point each. All others that are missing are gone, or hidden from this token.
    """
    found, unread = dict[int, Record](), set[int]()
    for batch, page in await _pages_of(api, object_type, ids):
        found |= {row.id: row for row in page.rows}
        for one in [one for one in batch if one not in found] if page.unread else []:
            try:
                record = await api.get_object(object_type, one)
            except errors.BrokenAnswerError:
                unread.add(one)
            else:
                found |= {} if record is None else {one: record}
    return found, unread


async def _pages_of(
    api: Salesloft, object_type: ObjectType, ids: Iterable[int]
) -> list[tuple[list[int], Page[Record]]]:
    """At most a hundred ids at a time, and what comes back of them."""
    wanted = list(dict.fromkeys(ids))
    batches = [wanted[start : start + PAGE_SIZE] for start in range(0, len(wanted), PAGE_SIZE)]

    async def ask(batch: list[int]) -> tuple[list[int], Page[Record]]:
        try:
            filters = tuple(("ids[]", str(one)) for one in batch)
            page = await api.list_objects(object_type, filters, per_page=PAGE_SIZE)
        except errors.BrokenAnswerError:  # not one row of it is a record
            return batch, Page((), unread=len(batch))
        return batch, replace(page, rows=tuple(row for row in page.rows if row.id in batch))

    return await gather_limited([partial(ask, batch) for batch in batches])


def compared(object_type: ObjectType, value: str) -> str:
    """An e-mail of people, or a domain of accounts, in the one spelling in which it is compared; a CRM id, whose 18
    characters no case tells apart, in small letters.
    """
    return domains.host(value) if object_type == "accounts" else emails.compared(value)


def named(object_type: ObjectType, object_id: int, records: Mapping[int, Record]) -> str:
    """A record in words, with its name where that is known: `"Beatriz Haddad" (person 578495206)`."""
    record, number = records.get(object_id), one_record(object_type, object_id)
    name = "" if record is None else name_of(record)
    return f"{quoted(name)} ({number})" if name else number
