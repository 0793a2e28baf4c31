"""What was mapped by others after a plan was made: nobody has agreed to a row that would stand beside it."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Settings
from tests.crowd import FIRST_OF_CROWD, crowd
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import writes

from .working import NOBODY, YES, Gate, finished, undone

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

MAPS = Aim("crm_lead", "people")
UPSERTS = Aim("crm_lead", "people", "upsert")
MEANWHILE = "since the plan was made. Nothing was written."


async def planned(app: App, aim: Aim, **row: object) -> str:
    """A plan of one row that asks nobody."""
    plan = await app.jobs.plan(aim, partial(load_rows, rows=[row]), "rows")
    status = await app.jobs.wait(plan, HANG_SECONDS)
    assert (status.state, dict(status.plan.counts), dict(status.plan.asks)) == ("planned", {"create": 1}, {})
    return plan


async def mapped(app: App, external_id: str, object_id: int) -> None:
    """Somebody maps an external id with a single call."""
    change = mappings.creation(MappingKey("crm_lead", "people", external_id), object_id)
    assert (await app.changes.apply(Operation("a test", (change,)), NOBODY)).error is None


async def note(app: App, status: Status) -> str:
    assert status.outcomes == {"conflict": 1}
    (line,) = await app.changes.log.lines(status.plan.operation)
    return line.note


@pytest.mark.parametrize("aim", [UPSERTS, MAPS])
async def test_of_two_plans_with_nearly_the_same_new_id_the_second_writes_nothing(
    app: App, sandbox: Sandbox, aim: Aim
) -> None:
    one, other = {"object_id": FIRST_OF_CROWD}, {"object_id": FIRST_OF_CROWD + 1}
    if aim.intent:
        one, other = {"email_address": "ann@new.test"}, {"email_address": "ann@other.test"}  # type: ignore[dict-item]
    first = await planned(app, aim, external_id="KUNDE-0042", **one)
    second = await planned(app, aim, external_id="kunde-0042", **other)
    assert (await finished(app, first)).outcomes == {"created": 1}
    told = await note(app, await finished(app, second))
    assert told == f'"KUNDE-0042", which is nearly this external id, was mapped {MEANWHILE}'
    assert len(writes(sandbox)) == 1


async def test_of_two_such_runs_at_once_one_writes(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await planned(app, UPSERTS, external_id="KUNDE-0042", email_address="ann@new.test")
    second = await planned(app, UPSERTS, external_id="kunde-0042", email_address="ann@other.test")
    gate = Gate(app.salesloft, monkeypatch, 0, "upsert_person")
    await app.jobs.start(operation_of(await app.plans.status(first)), NOBODY)
    await gate.wait()
    assert MEANWHILE in await note(app, await finished(app, second))
    gate.open()
    assert (await app.jobs.wait(first, HANG_SECONDS)).outcomes == {"created": 1}


async def test_a_single_call_after_the_plan_holds_its_row_back_too(app: App) -> None:
    plan = await planned(app, UPSERTS, external_id="KUNDE-0042", email_address="ann@new.test")
    await mapped(app, "KUNDE-42 ", FIRST_OF_CROWD)
    await mapped(app, "kunde-0042", FIRST_OF_CROWD + 1)
    assert '"kunde-0042"' in await note(app, await finished(app, plan))


async def test_a_record_that_got_an_external_id_meanwhile_gets_no_second_one_unasked(app: App) -> None:
    first = await planned(app, MAPS, external_id="Q77", object_id=FIRST_OF_CROWD)
    second = await planned(app, MAPS, external_id="R88", object_id=FIRST_OF_CROWD)
    await finished(app, first)
    told = await note(app, await finished(app, second))
    assert told == f'person {FIRST_OF_CROWD} was given the external id "Q77" {MEANWHILE}'


async def test_what_was_taken_back_before_the_run_is_in_nobodys_way(app: App) -> None:
    near = await planned(app, MAPS, external_id="q77", object_id=FIRST_OF_CROWD + 1)
    second = await planned(app, MAPS, external_id="R88", object_id=FIRST_OF_CROWD)
    first = await planned(app, MAPS, external_id="Q77", object_id=FIRST_OF_CROWD)
    await undone(app, (await finished(app, first)).plan.operation)
    assert (await finished(app, near)).outcomes == {"created": 1}
    assert (await finished(app, second)).outcomes == {"created": 1}


async def test_rows_to_which_a_person_agreed_are_written_beside_it(app: App) -> None:
    rows = [{"external_id": one, "object_id": FIRST_OF_CROWD} for one in ("Q77", "R88")]
    plan = await app.jobs.plan(MAPS, partial(load_rows, rows=rows), "rows")
    await app.jobs.wait(plan, HANG_SECONDS)
    await mapped(app, "S99", FIRST_OF_CROWD)
    assert (await finished(app, plan, YES)).outcomes == {"created": 2}


@pytest.mark.parametrize("aim", [UPSERTS, MAPS])
async def test_a_type_that_was_deleted_meanwhile_stops_the_run_with_the_way_on(app: App, aim: Aim) -> None:
    aim = Aim("short_lived", aim.object_type, aim.intent)
    made = await app.salesloft.create_configuration("short_lived", "people")
    rows = [{"external_id": f"N{n}", "object_id": FIRST_OF_CROWD + n} for n in range(20)]
    if aim.intent:
        rows = [{"external_id": f"N{n}", "email_address": f"n{n}@new.test"} for n in range(20)]
    plan = await app.jobs.plan(aim, partial(load_rows, rows=rows), "rows")
    await app.jobs.wait(plan, HANG_SECONDS)
    await app.salesloft.delete_configuration(made.id)
    status = await finished(app, plan)
    assert (status.state, status.left) == ("stopped", 20)
    assert '"short_lived" is not configured for people' in status.problem
    await app.salesloft.create_configuration("short_lived", "people")
    assert (await finished(app, plan)).outcomes == {"created": 20}


@pytest.fixture
async def odd_app(settings: Settings) -> AsyncIterator[App]:
    """Salesloft as it may be: it takes an external id for several records, and hides those of user 5 from the token."""
    with Sandbox(rate_limit=0, enforce_unique=False, odd=["hidden-records"]) as sandbox:
        crowd(sandbox, 300)
        async with open_app(settings, sandbox) as app:
            yield app


async def test_an_external_id_that_others_mapped_meanwhile_is_not_given_to_a_second_record(odd_app: App) -> None:
    app = odd_app
    rows = [{"external_id": f"N-{n}", "object_id": FIRST_OF_CROWD + n} for n in range(150)]
    plan = await app.jobs.plan(MAPS, partial(load_rows, rows=rows), "rows")
    await app.jobs.wait(plan, HANG_SECONDS)
    await app.salesloft.create_mapping("crm_lead", "people", "N-149", FIRST_OF_CROWD + 200)
    await app.salesloft.create_mapping("crm_lead", "people", "N-148", FIRST_OF_CROWD + 148)
    status = await finished(app, plan)
    assert status.outcomes == {"created": 148, "unchanged": 1, "conflict": 1}
    (line,) = await app.changes.log.lines(status.plan.operation, {"conflict"})
    assert line.note == f"it was mapped to person {FIRST_OF_CROWD + 200} {MEANWHILE}"


async def test_a_hidden_record_that_got_an_external_id_meanwhile_is_not_overwritten(odd_app: App) -> None:
    app = odd_app
    plan = await planned(app, UPSERTS, external_id="N-1", email_address="ann@new.test")
    hidden = await app.salesloft.upsert_person("crm_lead", "Old", PersonFields(email_address="b@b.test", owner_id=5))
    await app.salesloft.create_mapping("crm_lead", "people", "N-1", hidden.id)
    assert await note(app, await finished(app, plan)) == f"it was mapped to person {hidden.id} {MEANWHILE}"
