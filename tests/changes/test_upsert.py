"""Upsert by external id: created, updated or unchanged, and never a second record by accident."""

from collections.abc import AsyncIterator

import httpx
import pytest

from salesloft_mcp import errors
from salesloft_mcp.changes.upsert import holds, read_target, upsert
from salesloft_mcp.changes.writes import create_mapping
from salesloft_mcp.salesloft import Account, AccountFields, Person, PersonFields, Salesloft
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Dialect
from tests.salesloft.opened import answering, opened

from .test_writes import loss

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LEAD = MappingKey("crm_lead", "people", "CONTACT3456")
NEW = MappingKey("crm_lead", "people", "NEW-1")
COMPANY = MappingKey("marketing", "accounts", "NEW-1")
FIELDS = PersonFields(email_address="new@externalid.com", title="CFO", account_id=9872)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Salesloft]:
    async with opened(sandbox, seconds=0.05) as api:
        yield api


def lose(sandbox: Sandbox, fault: Fault) -> None:
    path = "/v2/external/ids/*"
    sandbox.faults.add(
        Fault(fault.kind, "POST", path, times=fault.times, status=fault.status, seconds=fault.seconds, body=fault.body)
    )


@loss
async def test_a_person_is_created_exactly_once(sandbox: Sandbox, api: Salesloft, fault: Fault) -> None:
    lose(sandbox, fault)
    written = await upsert(api, await read_target(api, NEW, "upsert"), FIELDS, quiet=0)
    assert written.status == "created"
    assert holds(written.row, FIELDS)
    found = (await api.list_objects("people", (("email_addresses[]", "new@externalid.com"),))).rows
    assert [one.id for one in found] == [written.row.id]
    rows = (await api.list_mappings(external_id="NEW-1", deleted=False)).rows
    assert [row.object_id for row in rows] == [written.row.id]


@loss
async def test_a_person_is_updated_whatever_happens_to_the_answer(
    sandbox: Sandbox, api: Salesloft, fault: Fault
) -> None:
    lose(sandbox, fault)
    written = await upsert(api, await read_target(api, LEAD, "update_only"), PersonFields(title="CFO"), quiet=0)
    assert (written.status, written.row.id) == ("updated", 578495206)
    assert holds(written.row, PersonFields(title="CFO"))


@pytest.mark.parametrize("fault", [Fault("lost_answer"), Fault("reset"), None], ids=str)
async def test_an_account_is_created_with_its_domain_in_any_case(
    sandbox: Sandbox, api: Salesloft, fault: Fault | None
) -> None:
    if fault:
        lose(sandbox, fault)
    fields = AccountFields(name="New", domain="New.TEST")
    assert (await upsert(api, await read_target(api, COMPANY, "create_only"), fields, quiet=0)).status == "created"
    sandbox.requests.clear()
    assert (await upsert(api, await read_target(api, COMPANY, "upsert"), fields, quiet=0)).status == "unchanged"
    assert {one.method for one in sandbox.requests} == {"GET"}


async def test_the_same_values_again_are_unchanged_and_not_written(sandbox: Sandbox, api: Salesloft) -> None:
    fields = PersonFields(title="CFO", account_id=9872, tags=["b", "a"], custom_fields={"Lead Source": "Web"})
    assert (await upsert(api, await read_target(api, LEAD, "upsert"), fields, quiet=0)).status == "updated"
    again = fields.model_copy(update={"tags": ["a", "b"]})
    sandbox.requests.clear()
    assert (await upsert(api, await read_target(api, LEAD, "upsert"), again, quiet=0)).status == "unchanged"
    assert {one.method for one in sandbox.requests} == {"GET"}


async def test_create_only_refuses_a_mapped_id_and_update_only_an_unmapped_one(
    sandbox: Sandbox, api: Salesloft
) -> None:
    with pytest.raises(errors.ConflictError, match="578495206"):
        await read_target(api, LEAD, "create_only")
    with pytest.raises(errors.MissingError, match="not mapped"):
        await read_target(api, NEW, "update_only")
    assert {one.method for one in sandbox.requests} == {"GET"}


async def test_an_id_of_several_objects_is_a_conflict(dialect: Dialect) -> None:
    with Sandbox(dialect=dialect, enforce_unique=False) as sandbox:
        async with opened(sandbox) as api:
            await api.create_mapping("crm_lead", "people", "CONTACT3456", 207550001)
            with pytest.raises(errors.ConflictError, match="207550001, 578495206"):
                await read_target(api, LEAD, "upsert")


async def test_a_mapping_whose_record_is_gone_is_missing() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        row = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456", "object_id": 7}
        return httpx.Response(200, json={"data": row if "mappings" in request.url.path else []})

    async with answering(serve) as api:
        with pytest.raises(errors.MissingError, match="people 7"):
            await read_target(api, LEAD, "upsert")


async def test_an_email_that_is_taken_names_its_record_and_the_way_out(sandbox: Sandbox, api: Salesloft) -> None:
    ann = await api.get_object("people", 207550001)
    assert isinstance(ann, Person)
    fields = PersonFields(email_address=(ann.email_address or "").upper(), title="CFO")
    with pytest.raises(errors.ConflictError, match="207550001") as caught:
        await upsert(api, await read_target(api, NEW, "upsert"), fields, quiet=0)
    assert "create_external_id_mapping" in caught.value.next_step
    assert (await api.list_mappings(external_id="NEW-1")).rows == ()
    # The way out works.
    await create_mapping(api, NEW, 207550001, quiet=0)
    assert (await upsert(api, await read_target(api, NEW, "upsert"), fields, quiet=0)).row.id == 207550001


async def test_a_domain_that_is_taken_names_its_record(api: Salesloft) -> None:
    taken = await api.get_object("accounts", 9872)
    assert isinstance(taken, Account)
    fields = AccountFields(name="Other", domain=(taken.domain or "").upper())
    with pytest.raises(errors.ConflictError, match="9872"):
        await upsert(api, await read_target(api, COMPANY, "upsert"), fields, quiet=0)


async def test_another_refusal_of_a_create_stays_a_refusal(api: Salesloft) -> None:
    with pytest.raises(errors.RejectedError) as caught:
        await upsert(api, await read_target(api, NEW, "upsert"), PersonFields(title="CFO"), quiet=0)
    assert list(caught.value.fields) == ["email_address"]


@pytest.mark.parametrize("people", [403, 200])
async def test_a_taken_email_whose_record_cannot_be_found_blames_nobody(people: int) -> None:
    """The search may be forbidden, or ignore its filter and list strangers."""

    def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(422, json={"errors": {"email_address": ["has already been taken"]}})
        stranger = {"id": 5, "email_address": "stranger@b.test"}
        rows = [stranger] if request.url.path == "/v2/people" else []
        return httpx.Response(people if rows else 200, json={"data": rows})

    async with answering(serve) as api:
        with pytest.raises(errors.RejectedError, match="already been taken"):
            await upsert(api, await read_target(api, NEW, "upsert"), FIELDS, quiet=0)


async def test_an_update_that_hits_another_record_is_a_conflict() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        row = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456", "object_id": 7}
        record = {"id": 8 if request.method == "POST" else 7}
        return httpx.Response(200, json={"data": row if "mappings" in request.url.path else record})

    async with answering(serve) as api:
        with pytest.raises(errors.ConflictError, match="8"):
            await upsert(api, await read_target(api, LEAD, "upsert"), PersonFields(title="CFO"), quiet=0)


async def test_an_unknown_outcome_that_cannot_be_looked_up_stays_unknown(sandbox: Sandbox, api: Salesloft) -> None:
    target = await read_target(api, NEW, "upsert")
    sandbox.faults.add(Fault("lost_answer", "POST"), Fault("status", "GET", times=None))
    with pytest.raises(errors.UnknownOutcomeError):
        await upsert(api, target, FIELDS, quiet=0)


async def test_a_late_commit_is_waited_for(sandbox: Sandbox, api: Salesloft) -> None:
    sandbox.faults.add(Fault("late_commit", "POST", seconds=0.1))
    written = await upsert(api, await read_target(api, NEW, "upsert"), FIELDS, quiet=0.2)
    assert written.status == "created"
    assert [one.method for one in sandbox.requests].count("POST") == 1


def test_a_record_holds_what_it_has() -> None:
    record = Person.model_validate(
        {"id": 1, "title": None, "owner": {"id": 4}, "person_stage": {"id": 9}, "custom_fields": {"A": "1"}}
    )
    assert holds(record, PersonFields())
    assert holds(record, PersonFields(title=None, owner_id=4, person_stage_id=9, account_id=None))
    assert holds(record, PersonFields(custom_fields={"A": "1", "B": None}))
    assert not holds(record, PersonFields(custom_fields={"A": "2"}))
    assert not holds(record, PersonFields(owner_id=5))
    assert not holds(record, PersonFields(person_stage_id=None))
    assert not holds(record, PersonFields(do_not_contact=False))
