"""The verbs: one method an endpoint, all through one `_send`.

Guide: "Mapping External Identifiers", https://developers.salesloft.com/docs/platform/guides/mapping-external-identifiers/
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio
import httpx
from pydantic import BaseModel

from salesloft_mcp.salesloft import models, requests, responses
from salesloft_mcp.salesloft.budget import ANSWER_SECONDS, MINUTE
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.fields import AccountFields, Fields, PersonFields
from salesloft_mcp.salesloft.models import (
    Account,
    Configuration,
    CustomField,
    Mapping,
    ObjectType,
    Page,
    Person,
    Record,
    Team,
    User,
)
from salesloft_mcp.salesloft.pages import leads_to
from salesloft_mcp.salesloft.received import Received, is_metered, seconds_ahead, wait_asked, without
from salesloft_mcp.salesloft.requests import PAGE_SIZE, MappingFilter, Query, Request, checked, objects, paged
from salesloft_mcp.salesloft.retry import ATTEMPTS, LONG_ATTEMPTS, NOT_SENT
from salesloft_mcp.salesloft.rights import (
    CREATE_CONFIGURATIONS,
    DELETE_CONFIGURATIONS,
    DELETE_MAPPINGS,
    READ_CONFIGURATIONS,
    READ_CUSTOM_FIELDS,
    READ_MAPPINGS,
    WRITE_MAPPINGS,
    Right,
    writes,
)
from salesloft_mcp.salesloft.spellings import AS_THE_GUIDE, Spellings
from salesloft_mcp.salesloft.token_shape import doubt_of

MAX_ANSWER_BYTES = 16 * 1024 * 1024
PAUSE_SECONDS = 0.5  # before a read is sent again whose answer broke off in the middle

_CONFIGURATIONS = "/v2/external/configurations"
_MAPPINGS = "/v2/external/mappings"
_FIELD_TYPES: dict[ObjectType, str] = {"people": "person", "accounts": "company"}

ReadT = TypeVar("ReadT")
RowT = TypeVar("RowT", bound=BaseModel)


class Salesloft:
    """Salesloft's External IDs API, typed. `http` brings the base URL, the token and the layers beneath.

    Every method raises a member of `errors.ApiError`, and `errors.InputError` before anything is sent.
    """

    def __init__(self, http: httpx.AsyncClient, spellings: Spellings = AS_THE_GUIDE) -> None:
        self._http = http
        self.spellings = spellings

    async def list_configurations(self, *, page: int = 1, per_page: int = PAGE_SIZE) -> Page[Configuration]:
        """One page of the team's configurations, deleted ones among them."""
        ask = Request("GET", _CONFIGURATIONS, paged((), page, per_page), scopes=(READ_CONFIGURATIONS,))
        return await self._page(ask, Configuration)

    async def create_configuration(self, external_type: str, object_type: ObjectType) -> Configuration:
        """Allow external ids of a type for one kind of object.

        Guide: "Set the name of your external identifier and choose the Salesloft object it will be related to".
        """
        wanted = checked("external_type", external_type, requests.MAX_EXTERNAL_TYPE)
        body = {"external_type": wanted, "object_type": object_type}
        ask = Request("POST", _CONFIGURATIONS, body=body, scopes=(CREATE_CONFIGURATIONS,))
        return await self._row(ask, Configuration)

    async def delete_configuration(self, configuration_id: int) -> None:
        """Delete a configuration by its id, with the errors of `delete_mapping`."""
        ask = Request("DELETE", f"{_CONFIGURATIONS}/{configuration_id:d}", scopes=(DELETE_CONFIGURATIONS,))
        await self._send(ask, responses.deleted)

    async def list_mappings(
        self,
        *,
        external_type: str = "",
        external_id: str = "",
        object_type: ObjectType | None = None,
        object_id: int | None = None,
        deleted: bool | None = None,
        page: int = 1,
        per_page: int = PAGE_SIZE,
        counts: bool = False,
        ascending: bool = False,
    ) -> Page[Mapping]:
        """One page of the mappings that fit every filter which is given.

        Guide: "Can be used with Object_Type, External ID, and External_Type interchangeably". Salesloft ignores a
        filter it does not know, so every row is held against the question.

        Raises:
            BrokenAnswerError: rows that were not asked for, on a list that does not end with this page.
        """
        asked = MappingFilter(external_type, object_type, external_id, object_id, deleted)
        more = (requests.COUNTS if counts else ()) + (requests.OLDEST_FIRST if ascending else requests.NEWEST_FIRST)
        for word in self.spellings.words(asked.sent.object_type):
            sent = asked.sent if word else replace(asked.sent, object_type=None)
            ask = Request("GET", _MAPPINGS, paged(sent.query(word), page, per_page) + more, scopes=(READ_MAPPINGS,))
            found = responses.only_asked(ask, asked, sent, await self._page(ask, Mapping))
            if found.rows or found.next_page is not None or found.unread or page > 1:
                break
        if found.rows and word == object_type:
            self.spellings = replace(self.spellings, object_type="plural")  # so it is, whatever was seen earlier
        return found

    async def create_mapping(
        self, external_type: str, object_type: ObjectType, external_id: str, object_id: int
    ) -> Mapping:
        """Give an external id to an object. Guide: "Once a mapping is created, it cannot be updated"."""
        body = {
            "external_type": checked("external_type", external_type, requests.MAX_EXTERNAL_TYPE),
            "object_type": object_type,
            "external_id": checked("external_id", external_id),
            "object_id": object_id,
        }
        return await self._row(Request("POST", _MAPPINGS, body=body, scopes=(WRITE_MAPPINGS,)), Mapping)

    async def delete_mapping(self, mapping_id: int) -> None:
        """Delete a mapping by its own id.

        Raises:
            NotFoundError: there is none of that id. UnknownOutcomeError: the answer does not prove that it was deleted.
        """
        ask = Request("DELETE", f"{_MAPPINGS}/{mapping_id:d}", scopes=(DELETE_MAPPINGS,))
        await self._send(ask, responses.deleted)

    async def list_records(
        self, external_type: str, object_type: ObjectType, external_ids: Sequence[str], *, page: int = 1
    ) -> Page[Record]:
        """One page of the people, accounts or users behind external ids.

        Guide: "Returns multiple Salesloft objects matching with that external type and ID". The answer does not say
        which object belongs to which id.

        Raises:
            InputError: more ids than one call takes (mostly 100, or about 6 kB of query).
        """
        ask = requests.records(external_type, object_type, external_ids, page, self.spellings.ids_a_call)
        return await self._page(ask, models.RECORDS[object_type])

    async def upsert_person(self, external_type: str, external_id: str, fields: PersonFields) -> Person:
        """Update the person behind an external id, or create one together with the mapping.

        Guide: "If so, it'll proxy the request to that object's UPDATE endpoint in the public API. If not, it will
        insert a row for that external_id mapping and proxy the request to […] CREATE".
        """
        return await self._row(_upsert(external_type, "people", external_id, fields), Person)

    async def upsert_account(self, external_type: str, external_id: str, fields: AccountFields) -> Account:
        """The same for an account."""
        return await self._row(_upsert(external_type, "accounts", external_id, fields), Account)

    async def list_objects(
        self, object_type: ObjectType, filters: Query, *, page: int = 1, per_page: int = 25
    ) -> Page[Record]:
        """One page of people, accounts or users by their own fields: `(("email_addresses[]", "a@b.test"),)`.

        Users who are deactivated are among them; `active` tells.
        """
        return await self._page(objects(object_type, filters, page, per_page), models.RECORDS[object_type])

    async def get_object(self, object_type: ObjectType, object_id: int) -> Record | None:
        """The object with that Salesloft id; None when it is gone, or hidden from this token.

        Raises:
            BrokenAnswerError: its row cannot be read.
        """
        found = await self.list_objects(object_type, (("ids[]", str(object_id)),))
        record = next((record for record in found.rows if record.id == object_id), None)
        if record is None:
            responses.complete(found)
        return record

    async def count_objects(self, object_type: ObjectType) -> int | None:
        """How many people, accounts or users the team has; None when Salesloft does not count them."""
        return (await self._page(objects(object_type, (), 1, 1, counts=True), models.RECORDS[object_type])).total

    async def custom_fields(
        self, object_type: ObjectType, *, page: int = 1, per_page: int = PAGE_SIZE
    ) -> Page[CustomField]:
        """One page of the custom fields of people or of accounts; users have none.

        Reference: "field_type" is person, company or opportunity. Salesloft ignores a filter it does not know, so
        every row is held against the question.
        """
        kind = _FIELD_TYPES.get(object_type, "")
        query = paged((("field_type", kind),), page, per_page)
        found = await self._page(Request("GET", "/v2/custom_fields", query, scopes=(READ_CUSTOM_FIELDS,)), CustomField)
        return replace(found, rows=tuple(row for row in found.rows if row.field_type == kind))

    async def me(self) -> User:
        """Whose token this is."""
        return await self._row(Request("GET", "/v2/me"), User)

    async def team(self) -> Team:
        """Which team every call works on."""
        return await self._row(Request("GET", "/v2/team"), Team)

    async def answered(self, ask: Request) -> Received:
        """What a read is answered with, as it comes: for whoever wants to know how this Salesloft answers."""
        return await self._send(ask, lambda _, got: got)

    def _page(self, ask: Request, kind: type[RowT]) -> Awaitable[Page[RowT]]:
        return self._send(ask, partial(_page_read, kind=kind))

    def _row(self, ask: Request, kind: type[RowT]) -> Awaitable[RowT]:
        return self._send(ask, partial(responses.row, kind=kind))

    async def _send(self, ask: Request, read: Callable[[Request, Received], ReadT]) -> ReadT:
        call, base = current(), self._http.base_url
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + ask.target.encode("ascii"))
        attempts = 1 if ask.writes else LONG_ATTEMPTS if call.enduring else ATTEMPTS
        for attempt in range(1, attempts + 1):
            if call.patience(ask.writes) <= 0:
                raise responses.too_late(ask)
            try:
                async with self._http.stream(ask.method, url, json=ask.body) as response:
                    with anyio.fail_after(min(ANSWER_SECONDS, call.patience())):
                        content = await _content(response)
                if not _is_half(content) or attempt == attempts or call.patience() <= PAUSE_SECONDS:
                    break
                await anyio.sleep(PAUSE_SECONDS)
            except _CutOffError as error:  # which the layer beneath, that sends reads again, does not see
                if attempt == attempts or call.patience() <= PAUSE_SECONDS:
                    raise responses.lost(ask, error.error) from error.error
                await anyio.sleep(PAUSE_SECONDS)
            except NOT_SENT as error:
                raise responses.never_sent(error) from error
            except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
                raise responses.lost(ask, error) from error
        asked = wait_asked(response.headers, time.time())
        wait = MINUTE if asked is None else asked
        ahead = seconds_ahead(response.headers, time.time())
        doubt = doubt_of(_token(response)) if response.status_code == 401 else ""
        metered, elsewhere = is_metered(response.headers), leads_to(response)
        got = Received(response.status_code, content, wait, metered, ahead, doubt, elsewhere)
        if call.answers is not None:
            call.answers.append((ask, got))
        return read(ask, got)


def _page_read(ask: Request, got: Received, kind: type[RowT]) -> Page[RowT]:
    page = responses.page(ask, got, kind=kind)
    current().unread += page.unread
    return page


class _CutOffError(Exception):
    """The head of an answer came, and its body broke off."""

    def __init__(self, error: httpx.TransportError) -> None:
        self.error = error


async def _content(response: httpx.Response) -> bytes:
    content = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise httpx.DecodingError("the answer is larger than any page can be")
    except (httpx.NetworkError, httpx.ProtocolError) as error:
        raise _CutOffError(error) from error
    return without(bytes(content), _token(response))


def _token(response: httpx.Response) -> str:
    """What was sent with the request."""
    return str(response.request.headers.get("Authorization", "")).removeprefix("Bearer ")


def _is_half(content: bytes) -> bool:
    """Whether something in between has cut an answer, and counted its bytes anew."""
    return content[:1] == b"{" and content.rstrip()[-1:] != b"}"


def _upsert(external_type: str, object_type: ObjectType, external_id: str, fields: Fields) -> Request:
    path = f"{requests.ids_path(external_type, object_type)}/{requests.segment('external_id', external_id)}"
    body, one = fields.body(), models.SINGULAR[object_type]
    scopes = (WRITE_MAPPINGS, writes(object_type))
    crm: tuple[Right, ...] = ((f"{one}:set_crm_id",),) if "crm_id" in body else ()
    return Request("POST", path, body=body, scopes=scopes + crm)
