"""The verbs: one method an endpoint, all through one `_send`.

Guide: "Mapping External Identifiers", https://developers.salesloft.com/docs/platform/guides/mapping-external-identifiers/
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import anyio
import httpx
from pydantic import BaseModel, TypeAdapter

from salesloft_mcp.salesloft import requests, responses
from salesloft_mcp.salesloft.budget import ANSWER_SECONDS
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.fields import AccountFields, Fields, PersonFields
from salesloft_mcp.salesloft.models import (
    RECORDS,
    Account,
    Configuration,
    Mapping,
    ObjectType,
    Page,
    Person,
    Record,
    Team,
    User,
)
from salesloft_mcp.salesloft.received import Received, is_metered, wait_asked
from salesloft_mcp.salesloft.requests import Request

MAX_ANSWER_BYTES = 16 * 1024 * 1024
WRITE_SECONDS = 5.0  # a write is not begun when less of a call's time is left

ReadT = TypeVar("ReadT")
RowT = TypeVar("RowT", bound=BaseModel)
_CONFIGURATION = TypeAdapter(Configuration)
_MAPPING = TypeAdapter(Mapping)
_PERSON = TypeAdapter(Person)
_ACCOUNT = TypeAdapter(Account)
_USER = TypeAdapter(User)
_TEAM = TypeAdapter(Team)


class Salesloft:
    """Salesloft's External IDs API, typed. `http` brings the base URL, the token and the layers beneath.

    Every method raises a member of `errors.ApiError`, and `errors.InputError` before anything is sent.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def list_configurations(self, *, page: int = 1, per_page: int = requests.PAGE_SIZE) -> Page[Configuration]:
        """One page of the team's configurations, deleted ones among them."""
        return await self._page(requests.configurations(page, per_page), _CONFIGURATION)

    async def create_configuration(self, external_type: str, object_type: ObjectType) -> Configuration:
        """Allow external ids of a type for one kind of object."""
        return await self._row(requests.create_configuration(external_type, object_type), _CONFIGURATION)

    async def delete_configuration(self, configuration_id: int) -> None:
        """Delete a configuration by its id, with the errors of `delete_mapping`."""
        await self._send(requests.delete_configuration(configuration_id), responses.deleted)

    async def list_mappings(
        self,
        *,
        external_type: str = "",
        external_id: str = "",
        object_type: ObjectType | None = None,
        object_id: int | None = None,
        deleted: bool | None = None,
        page: int = 1,
        per_page: int = requests.PAGE_SIZE,
        counts: bool = False,
        ascending: bool = False,
    ) -> Page[Mapping]:
        """One page of the mappings that fit every filter which is given.

        Guide: "Can be used with Object_Type, External ID, and External_Type interchangeably". Salesloft ignores a
        filter it does not know, so every row is held against the question.

        Raises:
            BrokenAnswerError: rows that were not asked for, on a list that does not end with this page.
        """
        asked = requests.MappingFilter(external_type, external_id, object_type, object_id, deleted)
        ask = requests.mappings(asked, page, per_page, counts, ascending)
        return responses.only_asked(ask, asked, await self._page(ask, _MAPPING))

    async def create_mapping(
        self, external_type: str, object_type: ObjectType, external_id: str, object_id: int
    ) -> Mapping:
        """Give an external id to an object. Guide: "Once a mapping is created, it cannot be updated"."""
        return await self._row(requests.create_mapping(external_type, object_type, external_id, object_id), _MAPPING)

    async def delete_mapping(self, mapping_id: int) -> None:
        """Delete a mapping by its own id.

        Raises:
            NotFoundError: there is none of that id. UnknownOutcomeError: the answer does not prove that it was deleted.
        """
        await self._send(requests.delete_mapping(mapping_id), responses.deleted)

    async def list_records(
        self, external_type: str, object_type: ObjectType, external_ids: Sequence[str], *, page: int = 1
    ) -> Page[Record]:
        """One page of the people, accounts or users behind external ids, at most 100 of them.

        The answer does not say which object belongs to which id.
        """
        ask = requests.records(external_type, object_type, external_ids, page)
        return await self._page(ask, RECORDS[object_type])

    async def upsert_person(self, external_type: str, external_id: str, fields: PersonFields) -> Person:
        """Update the person behind an external id, or create one together with the mapping.

        Guide: "If so, it'll proxy the request to that object's UPDATE endpoint in the public API. If not, it will
        insert a row for that external_id mapping and proxy the request to […] CREATE".
        """
        return await self._row(_upsert(external_type, "people", external_id, fields), _PERSON)

    async def upsert_account(self, external_type: str, external_id: str, fields: AccountFields) -> Account:
        """The same for an account."""
        return await self._row(_upsert(external_type, "accounts", external_id, fields), _ACCOUNT)

    async def list_objects(
        self, object_type: ObjectType, filters: requests.Query, *, page: int = 1, per_page: int = 25
    ) -> Page[Record]:
        """One page of people, accounts or users by their own fields: `(("email_addresses[]", "a@b.test"),)`."""
        return await self._page(requests.objects(object_type, filters, page, per_page), RECORDS[object_type])

    async def get_object(self, object_type: ObjectType, object_id: int) -> Record | None:
        """The object with that Salesloft id, or None when there is none (any more)."""
        found = await self.list_objects(object_type, (("ids[]", str(object_id)),))
        return next((record for record in found.rows if record.id == object_id), None)

    async def count_objects(self, object_type: ObjectType) -> int | None:
        """How many people, accounts or users the team has; None when Salesloft does not count them."""
        return (await self._page(requests.objects(object_type, (), 1, 1, counts=True), RECORDS[object_type])).total

    async def me(self) -> User:
        """Whose token this is."""
        return await self._row(requests.me(), _USER)

    async def team(self) -> Team:
        """Which team every call works on."""
        return await self._row(requests.team(), _TEAM)

    def _page(self, ask: Request, adapter: TypeAdapter[RowT]) -> Awaitable[Page[RowT]]:
        return self._send(ask, partial(responses.page, adapter=adapter))

    def _row(self, ask: Request, adapter: TypeAdapter[RowT]) -> Awaitable[RowT]:
        return self._send(ask, partial(responses.row, adapter=adapter))

    async def _send(self, ask: Request, read: Callable[[Request, Received], ReadT]) -> ReadT:
        call = current()
        if call.patience() <= (WRITE_SECONDS if ask.writes else 0.0):
            raise responses.too_late(ask)
        base = self._http.base_url
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + ask.target.encode("ascii"))
        try:
            async with self._http.stream(ask.method, url, json=ask.body) as response:
                with anyio.fail_after(min(ANSWER_SECONDS, call.patience())):
                    content = await _content(response)
            asked = wait_asked(response.headers, time.time())
            return read(ask, Received(response.status_code, content, asked, is_metered(response.headers)))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise responses.never_sent(ask, error) from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise responses.lost(ask, error) from error


async def _content(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise httpx.RemoteProtocolError("the answer is larger than any page can be")
    # Some servers repeat the headers of a request. Nobody who reads an answer may find the token in it.
    token = response.request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    return bytes(content).replace(token, b"[token]") if token else bytes(content)


def _upsert(external_type: str, object_type: ObjectType, external_id: str, fields: Fields) -> Request:
    return requests.upsert(external_type, object_type, external_id, fields.body())
