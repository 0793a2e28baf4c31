"""Answers in every shape the documents show, and in shapes nobody should send."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from salesloft_mcp.errors import ApiError, BrokenAnswerError, UnknownOutcomeError, UnreachableError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import MAX_ANSWER_BYTES, Salesloft
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import User
from salesloft_mcp.salesloft.paging import read_all

from .opened import TOKEN, always, answering, mapping

pytestmark = pytest.mark.anyio


def data(found: object, paging: object = None) -> bytes:
    metadata = {} if paging is None else {"metadata": {"paging": paging}}
    return json.dumps({"data": found, **metadata}).encode()


@pytest.mark.parametrize(
    ("found", "count"), [(None, 0), ([], 0), (mapping(), 1), ([mapping()], 1), ([mapping(), mapping(id=2)], 2)]
)
async def test_data_may_be_null_an_object_or_a_list(found: object, count: int) -> None:
    async with answering(always(200, data(found))) as api:
        assert len((await api.list_mappings()).rows) == count


@pytest.mark.parametrize("word", ["person", "people", "Person", "PEOPLE"])
async def test_an_object_type_is_read_in_any_number_and_case(word: str) -> None:
    async with answering(always(200, data([mapping(object_type=word)]))) as api:
        assert (await api.list_mappings(object_type="people")).rows[0].object_type == "people"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"source_type": "integration", "source_id": 1121}, ("integration", 1121)),
        ({"source_type": 1121, "source_id": "integration"}, ("integration", 1121)),
        ({"source_type": "integration", "source_id": "1121"}, ("integration", 1121)),
        ({"source_type": None, "source_id": None}, (None, None)),
        ({}, (None, None)),
    ],
)
async def test_the_source_of_a_configuration_is_read_either_way_round(
    source: dict[str, Any], expected: tuple[str | None, int | None]
) -> None:
    row = {"id": 1, "external_type": "crm", "object_type": "users", "deleted": False, **source}
    async with answering(always(200, data([row]))) as api:
        (found,) = (await api.list_configurations()).rows
        assert (found.source_type, found.source_id) == expected


@pytest.mark.parametrize("role", ["Executive", {"id": "Executive"}, None])
async def test_the_role_of_a_user_may_be_a_word_an_object_or_nothing(role: object) -> None:
    async with answering(always(200, data([{"id": 13, "role": role}]))) as api:
        (user,) = (await api.list_records("crm", "users", ["abc"])).rows
        assert isinstance(user, User)
        assert user.role == (role and "Executive")


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_status_is_a_success(status: int) -> None:
    async with answering(always(status, data(mapping()))) as api:
        assert (await api.create_mapping("crm_lead", "people", "A", 7)).id == 1


async def test_a_deletion_is_proven_by_a_204() -> None:
    async with answering(always(204)) as api:
        await api.delete_mapping(1)
        await api.delete_configuration(1)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 205, 206])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": null}', b'{"error": "no"}', b"<html>Please sign in</html>"])
async def test_no_other_success_proves_a_deletion(status: int, body: bytes) -> None:
    async with answering(always(status, body)) as api:
        for delete in (api.delete_mapping, api.delete_configuration):
            with pytest.raises(UnknownOutcomeError, match="unknown") as caught:
                await delete(1)
            assert f"was answered {status} with" in caught.value.what


async def test_a_list_without_paging_goes_on_while_its_pages_are_full() -> None:
    rows = [mapping(id=number, external_id=str(number)) for number in range(1, 8)]

    def serve(request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params["page"]), int(request.url.params["per_page"])
        return httpx.Response(200, content=data(rows[(page - 1) * size : page * size]))

    async with answering(serve) as api:
        pages = [(await api.list_mappings(page=number, per_page=3)).next_page for number in (1, 2, 3)]
    assert pages == [2, 3, None]


@pytest.mark.parametrize("next_page", [1, 2, 0, -1, True, "3"])
async def test_a_list_never_leads_back_to_where_it_was(next_page: object) -> None:
    paging = {"per_page": 25, "current_page": 2, "next_page": next_page}
    async with answering(always(200, data([mapping()], paging))) as api:
        with pytest.raises(BrokenAnswerError, match="next page"):
            await api.list_mappings(page=2)


async def test_records_are_read_to_the_last_page_when_a_server_answers_in_small_ones() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("page", "1"))
        paging = {"per_page": 1, "current_page": page, "next_page": page + 1 if page < 3 else None}
        assert [name for name in request.url.params if name.startswith("external_ids")] == [
            "external_ids[1]",
            "external_ids[2]",
            "external_ids[3]",
        ]
        return httpx.Response(200, content=data([{"id": page}], paging))

    async with answering(serve) as api:
        ask = partial(api.list_records, "crm", "users", ["a", "b", "c"])
        assert [one.id for one in await read_all(ask)] == [1, 2, 3]


async def test_rows_nobody_asked_for_are_dropped_from_a_complete_list() -> None:
    rows = [mapping(), mapping(id=2, external_id="B"), mapping(id=3, external_type="Crm_lead")]
    async with answering(always(200, data(rows, {"next_page": None}))) as api:
        found = await api.list_mappings(external_type="crm_lead", external_id="A")
        assert [row.id for row in found.rows] == [1]


@pytest.mark.parametrize(
    "asked", [{"external_id": "B"}, {"external_type": "x"}, {"object_type": "users"}, {"object_id": 8}], ids=str
)
async def test_a_filter_that_does_not_work_on_a_longer_list_is_an_error(asked: dict[str, Any]) -> None:
    async with answering(always(200, data([mapping()], {"next_page": 2}))) as api:
        with pytest.raises(BrokenAnswerError, match="filter does not work"):
            await api.list_mappings(**asked)


async def test_deleted_rows_are_dropped_when_the_server_ignores_that_filter() -> None:
    rows = [mapping(), mapping(id=2, deleted=True)]
    async with answering(always(200, data(rows, {"next_page": 2}))) as api:
        found = await api.list_mappings(deleted=False)
        assert ([row.id for row in found.rows], found.next_page) == ([1], 2)


UNREADABLE = [
    b"",
    b"<html><body>502 Bad Gateway</body></html>",
    b'{"data": {"id": 1}, {"id": 2}}',  # as the guide prints it
    b'{"data": [',
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b'{"data": ' + b"[" * 200_000,
    b'{"nothing": 1}',
    b'{"error": "no"}',
    b'{"errors": {"base": ["no"]}, "data": null}',
    "{'é'}".encode("latin-1"),
]


@pytest.mark.steady
@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[:20]))
async def test_a_success_that_cannot_be_read_names_its_status_and_first_bytes(body: bytes) -> None:
    async with answering(always(200, body)) as api:
        with pytest.raises(BrokenAnswerError) as caught:
            await api.list_mappings()
        error = caught.value
        assert error.what.startswith("GET /v2/external/mappings was answered 200 with")
        assert "no answer of the API" in error.what
        assert error.next_step
        assert len(str(error)) < 320


@pytest.mark.steady
@pytest.mark.parametrize(
    ("body", "told", "advice"),
    [
        (b"", "0 bytes", "try again"),
        (b'{"data": [', "10 bytes that are no JSON, beginning \"{'data': [\"", "try again"),
        (b"\xff\xfe\x00", '3 bytes that are no JSON, beginning "\\xff\\xfe', "try again"),
        (b"\xef\xbb\xbf <!doctype html>", "19 bytes of a page, beginning", "SALESLOFT_BASE_URL"),
        (b"<html><TITLE lang=en>A &amp; \nB</TITLE>", 'of a page with the title "A & B"', "a proxy"),
        (b"<html><input type='password'>", "29 bytes of a sign-in page, beginning", "in a browser"),
        (b"<title " * 9_000, "of a page, beginning", "a proxy"),
        (b'{"nothing": 1}', "14 bytes of other JSON", "SALESLOFT_BASE_URL"),
        (b'{"error": "no team"}', '200 with "no team"', "correct what it names"),
        (b'{"errors": {"page": ["too deep"]}, "data": null}', '"page": "too deep"', "correct what it names"),
    ],
)
async def test_a_success_that_is_none_says_what_it_is_and_what_may_help(body: bytes, told: str, advice: str) -> None:
    async with answering(always(200, body)) as api:
        with pytest.raises(BrokenAnswerError) as caught:
            await api.list_mappings()
    assert told in caught.value.what
    assert advice in caught.value.next_step


async def test_a_token_that_a_server_repeats_is_read_by_nobody() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        echo = {"headers": dict(request.headers)}
        return httpx.Response(200, content=data([mapping(), mapping(id=2, external_id=json.dumps(echo))]))

    async with answering(serve) as api:
        rows = (await api.list_mappings()).rows
    assert TOKEN not in repr(rows)
    assert "[token]" in rows[1].external_id


@pytest.mark.parametrize("write", [False, True])
async def test_a_token_in_the_bytes_of_a_broken_answer_is_read_by_nobody(write: bool) -> None:
    def hidden(said: bytes) -> Callable[[httpx.Request], httpx.Response]:
        return lambda _: httpx.Response(422, content=said)

    letters = "".join(f"\\u{ord(char):04x}" for char in TOKEN)
    escaped = hidden(f'{{"error": "Bearer {letters}"}}'.encode())
    slashed = hidden(f'{{"error": "\\/ Bearer {TOKEN}"}}'.encode())
    wide = hidden(f'{{"error": "Bearer {TOKEN}"}}'.encode("utf-16"))

    def break_off(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError(f"illegal status line: 'Bearer {TOKEN}'", request=request)

    for serve in (escaped, slashed, wide, break_off):
        async with answering(serve) as api:
            with open_call(6.0), pytest.raises(ApiError) as caught:
                await (api.delete_mapping(5) if write else api.list_mappings())
        assert TOKEN not in caught.value.what


@pytest.mark.parametrize("body", [*UNREADABLE, data(None), data({"id": 1}), data(mapping(external_id="B"))])
async def test_after_a_write_an_unreadable_answer_leaves_the_outcome_unknown(body: bytes) -> None:
    async with answering(always(201, body)) as api:
        with pytest.raises(UnknownOutcomeError, match="unknown") as caught:
            await api.create_mapping("crm_lead", "people", "A", 7)
        assert caught.value.next_step


async def test_a_row_without_its_key_is_named_without_its_values() -> None:
    row = {**mapping(title="secret"), "object_id": "Ann Secret"}
    async with answering(always(200, data([row]))) as api:
        with pytest.raises(BrokenAnswerError, match="object_id") as caught:
            await api.list_mappings()
    assert "secret" not in str(caught.value).lower()


class Endless(httpx.AsyncByteStream):
    """A body that never ends, and knows how much of it was read."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> Any:
        while True:
            self.sent += 1024 * 1024
            yield b"[" * 1024 * 1024


@pytest.mark.parametrize("status", [200, 422, 500])
async def test_an_endless_body_is_cut(status: int) -> None:
    body = Endless()

    def serve(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=body)

    async def write(api: Salesloft) -> object:
        return await api.upsert_person("crm_lead", "A", PersonFields(title="CFO"))

    async with answering(serve) as api:
        with pytest.raises(UnknownOutcomeError):
            await write(api)
        assert body.sent <= MAX_ANSWER_BYTES + 1024 * 1024
        if status == 200:
            with pytest.raises(UnreachableError, match="nothing changed"):
                await api.list_mappings()
        with pytest.raises(ApiError):
            await api.delete_mapping(1)
