"""Reading: every live mapping once, every object once, at the least cost, and never beyond a bound."""

from typing import Any

import httpx
import pytest

from salesloft_mcp.audit import scan
from salesloft_mcp.audit.findings import Row
from salesloft_mcp.audit.scan import audit
from salesloft_mcp.errors import BrokenAnswerError, InputError, MissingError, SalesloftMcpError, UpstreamError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from tests.audit.conftest import fill, opened, vanish

pytestmark = pytest.mark.anyio

PERSON, OTHER = 578495206, 207550815


async def spoil(api: Salesloft, box: Sandbox) -> None:
    """One finding of each kind, and one more near duplicate."""
    await api.create_mapping("crm_lead", "people", "SHARED", PERSON)  # the person has CONTACT3456 as well
    await api.create_mapping("crm_lead", "people", "SHARED", OTHER)
    await api.create_mapping("sdfc_account", "accounts", "abc", 9872)  # account 13 is ABC
    vanish(box, "users", 14)


async def test_the_seeded_team_is_clean(api: Salesloft, box: Sandbox) -> None:
    found = await audit(api, Scope())
    assert found.findings == ()
    assert found.deleted == 6
    assert sum(one.mappings for one in found.coverage) == 160
    assert {(one.external_type, one.objects, one.of) for one in found.coverage if one.object_type != "people"} == {
        ("billing", 0, 62),
        ("crm", 2, 24),
        ("marketing", 29, 62),
        ("sdfc_account", 1, 62),
    }
    assert {request.method for request in box.requests} == {"GET"}


async def test_it_costs_a_point_for_each_hundred_mappings_and_objects(api: Salesloft, box: Sandbox) -> None:
    await audit(api, Scope())
    assert len(box.requests) == 1 + 2 + 3 + 3 + 1  # configurations, mappings, totals, objects, deleted
    box.requests.clear()
    await audit(api, Scope("crm", "users"))
    assert len(box.requests) == 1 + 1 + 1 + 1 + 2  # none is deleted: is one of others?


async def test_everything_that_is_wrong_is_found(api: Salesloft, box: Sandbox) -> None:
    await spoil(api, box)
    found = await audit(api, Scope())
    assert found.found == {"shared_ids": 1, "several_ids": 1, "orphans": 1, "near_duplicates": 1, "suspicious_ids": 0}
    named = {one.kind: {(row.external_id, row.object_id) for row in one.rows} for one in found.findings}
    assert named == {
        "shared_ids": {("SHARED", PERSON), ("SHARED", OTHER)},
        "several_ids": {("CONTACT3456", PERSON), ("SHARED", PERSON)},
        "orphans": {("abd", 14)},
        "near_duplicates": {("ABC", 13), ("abc", 9872)},
    }
    assert found.reached["users"] == 1
    assert found.totals["users"] == 23


async def test_a_scope_narrows_everything(api: Salesloft, box: Sandbox) -> None:
    await spoil(api, box)
    assert [one.kind for one in (await audit(api, Scope("sdfc_account"))).findings] == ["near_duplicates"]
    users = await audit(api, Scope(object_type="users"))
    assert [one.kind for one in users.findings] == ["orphans"]
    assert list(users.totals) == ["users"]
    assert [one.external_type for one in users.coverage] == ["crm"]


async def test_a_deleted_mapping_is_no_finding(api: Salesloft, box: Sandbox) -> None:
    await api.create_mapping("crm_lead", "people", "SECOND", PERSON)
    assert len((await audit(api, Scope())).findings) == 1
    row = box.store.select("mappings")[-1]
    await api.delete_mapping(row["id"])
    found = await audit(api, Scope())
    assert (found.findings, found.deleted) == ((), 7)


async def test_mappings_of_a_deleted_configuration_are_looked_at_and_said_to_be_unconfigured(api: Salesloft) -> None:
    await api.delete_configuration(228)
    found = await audit(api, Scope())
    assert {one.external_type for one in found.coverage if not one.configured} == {"crm"}


async def test_a_long_list_is_read_by_type_so_that_no_page_is_dear(
    api: Salesloft, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "CHEAP_PAGES", 3)
    fill(box, "sdfc_lead", "people", 250, 50)
    fill(box, "sdfc_contact", "people", 120, 50)
    found = await audit(api, Scope())
    pages = [int(httpx.QueryParams(one.query.decode()).get("page", 1)) for one in box.requests]
    assert max(pages) == 3
    assert sum(one.mappings for one in found.coverage) == 530
    assert {one.external_type: one.mappings for one in found.coverage}["sdfc_lead"] == 251
    assert found.found["several_ids"] == 100
    assert found.found["orphans"] == 0


async def test_a_list_that_its_types_do_not_add_up_to_is_read_whole(
    api: Salesloft, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A type whose configuration has left no trace."""
    monkeypatch.setattr(scan, "CHEAP_PAGES", 2)
    fill(box, "forgotten", "people", 150, 150)
    found = await audit(api, Scope())
    assert {one.external_type: one.mappings for one in found.coverage}["forgotten"] == 150


async def test_without_counts_it_reads_on_until_the_end(box: Sandbox) -> None:
    def uncounted(_: httpx.Request, body: dict[str, Any]) -> None:
        body["metadata"]["paging"].pop("total_count", None)

    found = await audit(opened(box, uncounted), Scope())
    assert sum(one.mappings for one in found.coverage) == 160
    assert set(found.totals.values()) == {None}
    assert found.deleted == 6
    assert "of" not in found.data()["coverage"][0]


async def test_rows_that_come_twice_while_the_list_moves_count_once(box: Sandbox) -> None:
    held: list[dict[str, Any]] = []

    def moving(request: httpx.Request, body: dict[str, Any]) -> None:
        """The last row of the first page comes again on the second."""
        if request.url.path == "/v2/external/mappings" and request.url.params.get("deleted") == "false":
            body["data"] = [*held, *body["data"]]
            held[:] = body["data"][-1:]

    found = await audit(opened(box, moving), Scope())
    assert sum(one.mappings for one in found.coverage) == 160
    assert found.findings == ()


async def test_an_ids_filter_that_does_not_work_is_an_error_and_nobody_is_called_gone(box: Sandbox) -> None:
    def ignoring(request: httpx.Request, body: dict[str, Any]) -> None:
        if "ids[]" in request.url.params:
            body["data"] = [*body["data"], {"id": 999_999}]

    with pytest.raises(BrokenAnswerError, match="a filter does not work"):
        await audit(opened(box, ignoring), Scope())


@pytest.mark.parametrize(("scope", "near"), [(Scope("crm_led"), "crm_lead"), (Scope("crm_lead", "users"), '"crm"')])
async def test_a_type_that_does_not_exist_is_not_called_clean(
    api: Salesloft, box: Sandbox, scope: Scope, near: str
) -> None:
    with pytest.raises(MissingError, match="is not configured") as raised:
        await audit(api, scope)
    assert near in str(raised.value)
    assert len(box.requests) <= 4


async def test_an_external_type_that_cannot_be_one_is_refused(api: Salesloft) -> None:
    with pytest.raises(InputError, match="external_type"):
        await audit(api, Scope("a\nb"))


async def test_what_costs_too_much_is_refused_before_it_is_spent(api: Salesloft, box: Sandbox) -> None:
    fill(box, "crm_lead", "people", 1_000, 100)
    with pytest.raises(SalesloftMcpError, match="would spend about 29 of the team's points") as raised:
        await audit(api, Scope(), most_points=20)
    assert "salesloft-mcp audit" in str(raised.value)
    assert len(box.requests) == 2
    assert (await audit(api, Scope(), most_points=29)).found["several_ids"] == 100


async def test_more_than_fits_in_memory_is_refused(api: Salesloft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_ROWS", 150)
    with pytest.raises(SalesloftMcpError, match=r"more mappings \(160\) than an audit holds"):
        await audit(api, Scope())
    assert (await audit(api, Scope("crm"))).deleted == 0


async def test_the_first_failure_is_told_alone(api: Salesloft, box: Sandbox) -> None:
    box.faults.add(Fault("status", status=500, path="/v2/people", times=None))
    with pytest.raises(UpstreamError):
        await audit(api, Scope())


def test_a_row_is_small() -> None:
    assert Row._fields == ("external_type", "object_type", "external_id", "object_id", "mapping_id")


async def test_rows_that_cannot_be_read_hide_no_other_and_are_told(api: Salesloft, box: Sandbox) -> None:
    box._odd = frozenset({"null-rows"})
    with open_call():
        found = await audit(api, Scope("crm_lead", "people"))
    assert found.reached["people"] > 0
    assert "of Salesloft's answers cannot be read: a record that counts as gone may be there." in found.sentence


async def test_a_configuration_that_cannot_be_read_is_passed_over_and_counted(
    api: Salesloft, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ODD_VALUES, ("configurations", 228), {"object_type": "opportunities"})
    box._odd = frozenset({"odd-values"})
    with open_call():
        assert (await audit(api, Scope("crm_lead"))).unread == 1
