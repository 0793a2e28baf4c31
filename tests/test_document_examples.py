"""The document's examples: each is read as printed, sent as printed, and served alike by the sandbox."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from salesloft_mcp import errors
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import Mapping, Page
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.document import printed, printed_json, proves
from tests.test_document import CONFIGURATIONS, IDS, MAPPINGS, raw, refused, rows, stub

pytestmark = pytest.mark.anyio

Row = dict[str, Any]
Verb = Callable[[Salesloft], Awaitable[BaseModel]]
PERSON = PersonFields(**printed_json("upsert_person_request"))
NEVER_YET = (
    "last_contacted_at",
    "last_replied_at",
    "owner",
    "last_contacted_by",
    "most_recent_cadence",
    "last_completed_step_cadence",
    "last_completed_step",
)
BROKEN: dict[str, tuple[str, Row]] = {
    "view_configurations_answer": ("list_external_id_configurations", {}),
    "view_mappings_multiple_answer": ("list_external_id_mappings", {"object_id": 207550815}),
    "list_objects_answer": (
        "get_records_by_external_id",
        {"external_type": "crm", "object_type": "users", "external_ids": ["abc", "abd"]},
    ),
}
SENT: dict[str, Verb] = {
    "create_configuration_request": lambda api: api.create_configuration("external_id", "accounts"),
    "create_mapping_request": lambda api: api.create_mapping("crm_lead", "people", "CONTACT3456", 578495206),
    "upsert_person_request": lambda api: api.upsert_person("crm_lead", "CONTACT3456", PERSON),
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


def answering(name: str, status: int = 200) -> httpx.AsyncClient:
    """A Salesloft that answers with an example of the document, as printed."""
    return stub(lambda _: httpx.Response(status, text=printed(name)))


def mended(name: str) -> list[Row]:
    """The rows that a broken example stands for: without its trailing comma, or its two objects as a list."""
    text = re.sub(r",\n}", "\n}", printed(name))
    if '"data":\n{' in text:
        text = text.replace('"data":\n{', '"data": [{', 1).removesuffix("}\n") + "]}"
    found: list[Row] = json.loads(text)["data"]
    return found


def looks_like(served: object, shown: object, may_be_null: tuple[str, ...] = ()) -> bool:
    """Whether `served` has every key of `shown`, with a value of the same type."""
    if isinstance(shown, dict) and isinstance(served, dict):
        return all(
            key in served and (looks_like(served[key], value) or (served[key] is None and key in may_be_null))
            for key, value in shown.items()
        )
    return type(served) is type(shown)


# Read


@proves("CREATE-CONFIGURATION-API-KEY", "GLOSSARY-SOURCE-TYPE")
async def test_the_api_key_answer_is_read_as_a_configuration_without_source() -> None:
    async with answering("create_configuration_api_key_answer", 201) as http:
        read = await Salesloft(http).create_configuration("external_id", "accounts")
    assert read.model_dump() == printed_json("create_configuration_api_key_answer")["data"]
    assert (read.source_type, read.source_id) == (None, None)


@proves("CREATE-CONFIGURATION-OAUTH", "CONFIGURATION-SOURCE-TYPE", "CONFIGURATION-SOURCE-ID", "GLOSSARY-SOURCE-ID")
async def test_the_oauth_answer_is_read_with_its_source_the_right_way_round() -> None:
    shown = printed_json("create_configuration_oauth_answer")["data"]
    async with answering("create_configuration_oauth_answer", 201) as http:
        read = await Salesloft(http).create_configuration("external_id", "accounts")
    assert (read.source_type, read.source_id) == ("integration", 1121) == (shown["source_id"], shown["source_type"])


@proves("CREATE-MAPPING-ANSWER", "MAPPING-INSERTED-AT")
async def test_the_answer_of_a_new_mapping_is_read_whole_and_without_an_id() -> None:
    async with answering("create_mapping_answer", 201) as http:
        read = await Salesloft(http).create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
    assert read.model_dump() == {"id": None, **printed_json("create_mapping_answer")["data"]}


@proves("VIEW-MAPPINGS-SINGLE")
async def test_a_lone_mapping_in_data_is_read_as_a_list_of_one() -> None:
    async with answering("view_mappings_single_answer") as http:
        read = await Salesloft(http).list_mappings(external_type="sdfc_account", external_id="ABC")
    assert read == Page((Mapping(**printed_json("view_mappings_single_answer")["data"]),))


@proves("UPSERT-ANSWER")
async def test_the_answer_of_an_upsert_is_read_with_every_field_kept() -> None:
    async with answering("upsert_person_answer", 201) as http:
        read = await Salesloft(http).upsert_person("crm_lead", "CONTACT3456", PERSON)
    assert read.model_dump().items() >= printed_json("upsert_person_answer")["data"].items()


@proves("VIEW-CONFIGURATIONS-ANSWER", "VIEW-MAPPINGS-MULTIPLE", "LIST-OBJECTS-ANSWER")
async def test_the_lists_that_broken_examples_stand_for_are_read() -> None:
    texts = {name: json.dumps({"data": mended(name)}) for name in BROKEN}
    paths = {CONFIGURATIONS: "view_configurations_answer", MAPPINGS: "view_mappings_multiple_answer"}
    async with stub(
        lambda got: httpx.Response(200, text=texts[paths.get(got.url.path, "list_objects_answer")])
    ) as http:
        api = Salesloft(http)
        configurations = (await api.list_configurations()).rows
        mappings = (await api.list_mappings(object_id=207550815)).rows
        users = (await api.list_records("crm", "users", ["abc", "abd"])).rows
    assert [row.external_type for row in configurations] == ["crm", "marketing"]
    assert [row.external_type for row in mappings] == ["sdfc_lead", "sdfc_contact"]
    assert [user.model_dump(exclude_unset=True) for user in users] == mended("list_objects_answer")


@proves("VIEW-CONFIGURATIONS-ANSWER", "VIEW-MAPPINGS-MULTIPLE", "LIST-OBJECTS-ANSWER")
@pytest.mark.parametrize("name", BROKEN)
async def test_an_example_that_is_not_json_is_an_error_with_its_status_and_first_bytes(
    sandbox: Sandbox, connect: Connect, name: str
) -> None:
    text = printed(name)
    sandbox.faults.add(Fault("raw", status=200, body=text.encode()))
    tool, arguments = BROKEN[name]
    async with connect() as client:
        words = await refused(client, tool, **arguments)
    beginning = text[:40].replace("\n", "\\u{a}").replace('"', "'")
    assert f'answered 200 with {len(text)} bytes that are no JSON, beginning "{beginning}' in words
    assert len(sandbox.requests) == 1


@proves("VIEW-CONFIGURATIONS-ANSWER", "VIEW-MAPPINGS-MULTIPLE", "LIST-OBJECTS-ANSWER")
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_example_is_a_broken_answer_to_the_typed_client(name: str) -> None:
    async with answering(name) as http:
        with pytest.raises(errors.BrokenAnswerError):
            await Salesloft(http).list_configurations()


# Sent


@proves("CREATE-CONFIGURATION-REQUEST", "CREATE-MAPPING-REQUEST", "UPSERT-REQUEST")
@pytest.mark.parametrize("name", SENT)
async def test_the_client_sends_the_body_of_the_document(name: str) -> None:
    seen: list[object] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(404, json={"error": "Not Found"})

    async with stub(refuse) as http:
        with pytest.raises(errors.NotFoundError):
            await SENT[name](Salesloft(http))
    assert seen == [printed_json(name)]


@proves("CREATE-CONFIGURATION-STATUS", "CREATE-MAPPING-STATUS", "UPSERT-STATUS")
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_is_a_success_whatever_its_number(status: int) -> None:
    async with answering("create_configuration_api_key_answer", status) as http:
        assert (await Salesloft(http).create_configuration("external_id", "accounts")).id == 123
    async with answering("create_mapping_answer", status) as http:
        assert (await SENT["create_mapping_request"](Salesloft(http))).model_dump()["object_id"] == 578495206
    async with answering("upsert_person_answer", status) as http:
        assert (await SENT["upsert_person_request"](Salesloft(http))).model_dump()["id"] == 1


# Served


async def posted(sandbox: Sandbox, path: str, name: str, token: str | None = None) -> Row:
    """The answer to an example sent as printed, which is a 201."""
    async with raw(sandbox, token) as api:
        answer = await api.post(path, content=printed(name))
    assert (answer.status_code, list(answer.json())) == (201, ["data"])
    row: Row = answer.json()["data"]
    return row


def same(served: object, shown: object) -> None:
    """With the same rows and the same keys in the same order, as text tells."""
    assert json.dumps(served) == json.dumps(shown)


@proves("CREATE-CONFIGURATION-REQUEST", "CREATE-CONFIGURATION-STATUS", "CREATE-CONFIGURATION-API-KEY")
async def test_the_sandbox_creates_the_configuration_of_the_document_for_an_api_key(sandbox: Sandbox) -> None:
    served = await posted(sandbox, CONFIGURATIONS, "create_configuration_request")
    same({**served, "id": 123}, printed_json("create_configuration_api_key_answer")["data"])


@proves("CREATE-CONFIGURATION-REQUEST", "CREATE-CONFIGURATION-STATUS", "CREATE-CONFIGURATION-OAUTH")
async def test_the_sandbox_creates_the_configuration_of_the_document_for_an_oauth_app(sandbox: Sandbox) -> None:
    served = await posted(sandbox, CONFIGURATIONS, "create_configuration_request", sandbox.oauth_token)
    same({**served, "id": 123}, printed_json("create_configuration_oauth_answer")["data"])


@proves("CREATE-MAPPING-REQUEST", "CREATE-MAPPING-STATUS", "CREATE-MAPPING-ANSWER", "MAPPING-INSERTED-AT")
async def test_the_sandbox_creates_the_mapping_of_the_document() -> None:
    """The seed holds this mapping already, so the sandbox must not mind; the clock stands at the printed time."""
    with Sandbox(dialect="guide", enforce_unique=False, clock=lambda: 1706788800.0) as sandbox:
        served = await posted(sandbox, MAPPINGS, "create_mapping_request")
    same(served, printed_json("create_mapping_answer")["data"])


@proves("UPSERT-REQUEST", "UPSERT-STATUS", "UPSERT-ANSWER")
async def test_the_sandbox_upserts_the_person_of_the_document(sandbox: Sandbox) -> None:
    shown, request = printed_json("upsert_person_answer")["data"], printed_json("upsert_person_request")
    made = await posted(sandbox, f"{IDS}/crm_lead/people/NEW", "upsert_person_request")
    assert {name: made[name] for name in request if name != "account_id"}.items() <= request.items()
    assert made["account"] == {"id": 9872, "_href": "https://api.salesloft.com/v2/accounts/9872"}
    again = await posted(sandbox, f"{IDS}/crm_lead/people/NEW", "upsert_person_request")
    assert again["id"] == made["id"]
    for served in (made, again):
        assert looks_like(served, {**shown, "custom_fields": {}}, NEVER_YET)
        assert [name for name in served if name in shown] == list(shown)


@proves("VIEW-CONFIGURATIONS-ANSWER", "VIEW-CONFIGURATIONS-STATUS")
async def test_the_sandbox_lists_the_configurations_of_the_document(sandbox: Sandbox) -> None:
    async with raw(sandbox) as api:
        answer = await api.get(CONFIGURATIONS, params={"per_page": 2})
    assert answer.status_code == 200
    same(answer.json()["data"], mended("view_configurations_answer"))


@proves("VIEW-MAPPINGS-SINGLE", "VIEW-MAPPINGS-STATUS")
async def test_the_sandbox_shows_the_lone_mapping_of_the_document(sandbox: Sandbox) -> None:
    async with raw(sandbox) as api:
        answer = await api.get(f"{MAPPINGS}?external_type=sdfc_account&external_id=ABC")
    assert answer.status_code == 200
    same(answer.json()["data"], printed_json("view_mappings_single_answer")["data"])


@proves("VIEW-MAPPINGS-MULTIPLE", "VIEW-MAPPINGS-OF-OBJECT")
async def test_the_sandbox_lists_the_mappings_of_the_document(sandbox: Sandbox) -> None:
    served = await rows(sandbox, MAPPINGS, object_id=207550815)
    same(served, mended("view_mappings_multiple_answer"))


@proves("LIST-OBJECTS-ANSWER", "LIST-OBJECTS-STATUS", "LIST-OBJECTS-ARRAY")
async def test_the_sandbox_lists_the_users_of_the_document(sandbox: Sandbox) -> None:
    shown = mended("list_objects_answer")
    async with raw(sandbox) as api:
        answer = await api.get(f"{IDS}/crm/users?external_ids[1]=abc&external_ids[2]=abd")
    assert answer.status_code == 200
    same([dict(islice(user.items(), len(shown[0]))) for user in answer.json()["data"]], shown)
