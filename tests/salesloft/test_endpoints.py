"""Every endpoint of the document, read in both dialects."""

import pytest

from salesloft_mcp.errors import InputError, NotFoundError, RejectedError
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import ObjectType, Person, User
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Dialect

from .opened import opened

pytestmark = pytest.mark.anyio


async def test_configurations_are_listed_with_the_source_fields_the_right_way_round(api: Salesloft) -> None:
    rows = {row.id: row for row in (await api.list_configurations()).rows}
    assert (rows[228].external_type, rows[228].object_type, rows[228].source_type) == ("crm", "users", None)
    assert (rows[221].source_type, rows[221].source_id) == ("integration", 1121)


async def test_a_configuration_is_created_listed_and_deleted(api: Salesloft) -> None:
    made = await api.create_configuration("erp", "accounts")
    assert (made.external_type, made.object_type, made.deleted) == ("erp", "accounts", False)
    await api.delete_configuration(made.id)
    rows = (await api.list_configurations()).rows
    assert [row.deleted for row in rows if row.id == made.id] == [True]


async def test_an_oauth_app_is_named_as_the_source_of_what_it_creates(sandbox: Sandbox) -> None:
    async with opened(sandbox, token=sandbox.oauth_token) as api:
        made = await api.create_configuration("erp", "accounts")
    assert (made.source_type, made.source_id) == ("integration", 1121)


async def test_configurations_come_in_pages(api: Salesloft) -> None:
    first = await api.list_configurations(per_page=5)
    second = await api.list_configurations(per_page=5, page=first.next_page or 0)
    assert (len(first.rows), first.next_page) == (5, 2)
    assert (len(second.rows), second.next_page) == (3, None)


async def test_one_mapping_is_found_by_its_external_id(api: Salesloft, dialect: Dialect) -> None:
    found = await api.list_mappings(external_type="crm_lead", object_type="people", external_id="CONTACT3456")
    (row,) = found.rows
    assert (row.object_id, row.object_type, row.tenant_id) == (578495206, "people", 100013)
    assert (row.id is None) == (dialect == "guide")


async def test_all_mappings_of_a_shared_external_id_are_found(api: Salesloft) -> None:
    rows = (await api.list_mappings(external_id="CONTACT3456")).rows
    assert {row.external_type for row in rows} == {"crm_lead", "sdfc_lead", "sdfc_contact"}


async def test_all_mappings_of_an_object_are_found(api: Salesloft) -> None:
    rows = (await api.list_mappings(object_type="people", object_id=207550815)).rows
    assert {row.external_type for row in rows} == {"sdfc_lead", "sdfc_contact"}


async def test_mappings_are_counted_only_when_asked(api: Salesloft) -> None:
    assert (await api.list_mappings(external_type="crm_lead")).total is None
    assert (await api.list_mappings(external_type="crm_lead", counts=True, per_page=1)).total == 91


async def test_deleted_mappings_are_listed_apart(api: Salesloft) -> None:
    deleted = (await api.list_mappings(external_type="crm_lead", deleted=True)).rows
    live = (await api.list_mappings(external_type="crm_lead", deleted=False)).rows
    assert {row.deleted for row in deleted} == {True}
    assert {row.deleted for row in live} == {False}
    assert len(deleted) + len(live) == 91


async def test_a_page_past_the_end_is_empty(api: Salesloft) -> None:
    found = await api.list_mappings(external_type="crm_lead", page=50)
    assert (found.rows, found.next_page) == ((), None)


async def test_a_mapping_is_created_and_deleted(api: Salesloft, dialect: Dialect, sandbox: Sandbox) -> None:
    made = await api.create_mapping("crm_lead", "people", "NEW-1", 207550001)
    assert (made.external_id, made.object_id, made.deleted) == ("NEW-1", 207550001, False)
    assert sandbox.requests[-1].status == (201 if dialect == "guide" else 200)
    # The guide never shows an id; the seed has 166 mappings from 5001 on.
    await api.delete_mapping(made.id or 5167)
    assert (await api.list_mappings(external_id="NEW-1", deleted=False)).rows == ()


async def test_deleting_what_is_not_there_is_not_found(api: Salesloft) -> None:
    with pytest.raises(NotFoundError):
        await api.delete_mapping(1)
    with pytest.raises(NotFoundError):
        await api.delete_configuration(1)


@pytest.mark.parametrize(
    ("external_type", "object_type", "ids", "expected"),
    [
        ("crm", "users", ["abc", "abd", "nobody"], {13, 14}),
        ("crm", "users", ["abc"], {13}),
        ("sdfc_account", "accounts", ["ABC"], {13}),
        ("crm_lead", "people", ["CONTACT3456"], {578495206}),
        ("crm_lead", "people", ["nobody"], set()),
    ],
)
async def test_records_are_listed_by_external_id(
    api: Salesloft, external_type: str, object_type: ObjectType, ids: list[str], expected: set[int]
) -> None:
    assert {record.id for record in (await api.list_records(external_type, object_type, ids)).rows} == expected


async def test_the_role_of_a_user_is_a_word_in_both_shapes(api: Salesloft) -> None:
    (user,) = (await api.list_records("crm", "users", ["abc"])).rows
    assert isinstance(user, User)
    assert user.role == "Sales Representative"


async def test_a_hundred_ids_fit_one_call_and_one_more_is_refused(api: Salesloft, sandbox: Sandbox) -> None:
    ids = [f"CONTACT{1001 + number}" for number in range(100)]
    assert len((await api.list_records("crm_lead", "people", ids)).rows) == 87
    assert len(sandbox.requests) == 1
    with pytest.raises(InputError, match="external_ids"):
        await api.list_records("crm_lead", "people", [*ids, "one more"])
    with pytest.raises(InputError, match="external_ids"):
        await api.list_records("crm_lead", "people", ["x" * 1_000] * 7)
    assert len(sandbox.requests) == 1


async def test_fields_that_nobody_named_are_kept(api: Salesloft) -> None:
    (person,) = (await api.list_records("crm_lead", "people", ["CONTACT3456"])).rows
    assert person.model_extra is not None
    assert person.model_extra["counts"]["calls"] == 0


async def test_a_person_is_created_and_then_updated(api: Salesloft) -> None:
    fields = PersonFields(email_address="new@externalid.com", first_name="Noor", account_id=9872)
    made = await api.upsert_person("crm_lead", "NEW-1", fields)
    assert (made.email_address, made.account and made.account.id) == ("new@externalid.com", 9872)
    changed = await api.upsert_person("crm_lead", "NEW-1", PersonFields(title="CFO"))
    assert (changed.id, changed.first_name, changed.title) == (made.id, "Noor", "CFO")


async def test_an_account_is_created_and_then_updated(api: Salesloft) -> None:
    made = await api.upsert_account("marketing", "NEW-1", AccountFields(name="New", domain="new.test"))
    changed = await api.upsert_account("marketing", "NEW-1", AccountFields(name="Newer"))
    assert (changed.id, changed.name, changed.domain) == (made.id, "Newer", "new.test")


async def test_only_the_fields_that_were_set_are_sent_and_null_clears(api: Salesloft) -> None:
    made = await api.upsert_person("crm_lead", "N", PersonFields(email_address="n@externalid.com", title="CFO"))
    cleared = await api.upsert_person("crm_lead", "N", PersonFields(title=None))
    assert (made.title, cleared.title, cleared.email_address) == ("CFO", None, "n@externalid.com")


async def test_an_unconfigured_type_is_refused_by_field(api: Salesloft) -> None:
    with pytest.raises(RejectedError) as caught:
        await api.create_mapping("nowhere", "people", "A", 207550001)
    assert list(caught.value.fields) == ["external_type"]


async def test_objects_are_found_by_their_own_fields_and_by_id(api: Salesloft) -> None:
    (user,) = (await api.list_objects("users", (("search", "christopher.doe@"),))).rows
    assert user.id == 13
    person = await api.get_object("people", 578495206)
    assert isinstance(person, Person)
    assert await api.get_object("people", 1) is None


async def test_custom_fields_are_listed_by_the_kind_of_record(api: Salesloft, sandbox: Sandbox) -> None:
    people, accounts = (await api.custom_fields("people")).rows, (await api.custom_fields("accounts")).rows
    assert [row.name for row in accounts] == ["Legacy Account ID", "Renewal Quarter"]
    assert {row.field_type for row in people} == {"person"}
    assert sandbox.requests[0].query == b"field_type=person&per_page=100&page=1"


async def test_the_token_and_the_team_are_named(api: Salesloft) -> None:
    assert (await api.me()).id == 1
    team = await api.team()
    assert (team.id, team.name) == (100013, "Northwind Software (sandbox)")
