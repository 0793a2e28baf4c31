"""The plan of a bulk upsert says what the plainest reading of the same rows and the same team says."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.bulk import plan_records
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load
from salesloft_mcp.changes.records import Intent
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.store import equal
from salesloft_mcp.state.staging import StagedRow, Staging
from tests.crowd import FIRST_OF_CROWD, crowd
from tests.salesloft.opened import PLENTY, opened

from .naive_records import Given, World, verdicts

NAMES = ("A1", "a1", "A 1", "B1", "b1", "C1", "N/A")
EMAILS = ("one@x.test", "ONE@x.test", "two@x.test", "new@x.test", "New@x.test")
PEOPLE = {
    FIRST_OF_CROWD: {"email_address": "One@x.test", "title": "T", "do_not_contact": True},
    FIRST_OF_CROWD + 1: {"email_address": "two@x.test", "title": "U", "do_not_contact": False},
    FIRST_OF_CROWD + 2: {"email_address": "three@x.test", "title": "T", "do_not_contact": False},
}
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "email_address": st.sampled_from(EMAILS),
        "title": st.sampled_from(["T", "U"]),
        "do_not_contact": st.just(True),
    },
)
ROWS = st.lists(st.builds(Given, st.sampled_from(NAMES), FIELDS), max_size=8)
HELD = st.lists(st.tuples(st.sampled_from(NAMES[:-1]), st.sampled_from(list(PEOPLE))), max_size=4, unique=True)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A team with these people."""
    sandbox = Sandbox(rate_limit=0)
    crowd(sandbox, len(PEOPLE))
    for one, fields in PEOPLE.items():
        sandbox.store.update("people", {"fields": {"last_name": "X", **fields}}, equal("id", one))
    return sandbox


def mapped(sandbox: Sandbox, held: Sequence[tuple[str, int]]) -> None:
    """Exactly these are mapped."""
    store = sandbox.store
    store.update("mappings", {"deleted": 1}, equal("external_type", "sdfc_contact"))
    for external_id, one in held:
        key = {"external_type": "sdfc_contact", "object_type": "people", "external_id": external_id}
        store.insert("mappings", {**key, "object_id": one, "deleted": 0, "inserted_at": "2024-02-01T00:00:00Z"})


async def planned(sandbox: Sandbox, file: Path, rows: Sequence[Given], intent: Intent) -> list[StagedRow]:
    aim = Aim("sdfc_contact", "people", intent)
    with Staging(file) as staging:
        async with opened(sandbox) as api:
            load(staging, ((n, {"external_id": row.external_id, **row.fields}) for n, row in enumerate(rows, 1)), aim)
            lookups = Lookups(api, Configurations(api), Budget(PLENTY))
            await plan_records.plan(api, staging, aim, lookups, CustomFields(api))
        return staging.lines()


@given(rows=ROWS, held=HELD, intent=st.sampled_from(["upsert", "create_only", "update_only"]))
def test_verdicts_are_those_of_the_plainest_reading(
    team: Sandbox,
    rows: list[Given],
    held: list[tuple[str, int]],
    intent: Intent,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    mapped(team, held)
    lines = anyio.run(planned, team, tmp_path_factory.mktemp("staging") / "one.db", rows, intent)
    expected = verdicts(rows, World(PEOPLE, held), intent)
    assert [(line.verdict, line.asks != "") for line in lines] == expected
    assert all(line.note for line in lines if line.verdict not in ("create", "update", "unchanged"))
