"""A rename of an external type through tools: planned, agreed to, run, refused in words, and taken back."""

from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

RENAME: dict[str, Any] = {"external_type": "sdfc_lead", "object_type": "people", "new_external_type": "erp"}


async def mapped(client: Client, external_type: str) -> int:
    found = await call(client, "list_external_id_mappings", external_type=external_type, object_type="people")
    return int(found.data["total"])


async def test_a_type_is_renamed_after_one_yes_and_taken_back_after_another(connect: Connect, app: App) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        count = await mapped(client, "sdfc_lead")
        made = await call(client, "plan_type_rename", **RENAME)
        assert made.words == f"planned: of {count} mapping{'s' * (count > 1)}, {count} to rename. Nothing written."
        assert made.data["asks"] == {
            "configurations to create first": 1,
            "mappings to delete under the old type": count,
        }
        assert made.data["notes"][0] == 'The configuration of "sdfc_lead" stays; it can be deleted afterwards.'
        await refused(client, "run_plan", plan=made.data["plan"])
        assert await mapped(client, "sdfc_lead") == count
        human.action, human.answer = "accept", YES
        app.approvals.passed_over.clear()  # the same client is asked again
        run = await call(client, "run_plan", plan=made.data["plan"])
        assert run.words == f"finished: {2 * count} of {2 * count} done ({count} created, {count} deleted)."
        assert run.tokens <= 120
        assert (await mapped(client, "sdfc_lead"), await mapped(client, "erp")) == (0, count)
        rows = (await call(client, "get_plan", plan=made.data["plan"], rows="all")).data["rows"]
        assert [(one["plan"], one["outcome"]) for one in rows] == [("rename", "renamed")] * count
        listed = (await call(client, "list_changes", limit=2)).data["changes"]
        assert [one["did"] for one in listed] == [
            "the configuration that the run before it needed",
            f"{count} created, {count} deleted",
        ]
        back = await call(client, "undo_change", change=run.data["change_id"])
        assert (back.data["run"]["state"], back.data["status"]) == ("finished", "renamed")
        assert (await mapped(client, "sdfc_lead"), await mapped(client, "erp")) == (count, 0)
    _, asked, undoing = human.questions
    assert asked.startswith("Rename an external type in ")
    assert {'external type: "sdfc_lead"', 'new external type: "erp"'} <= set(asked.splitlines())
    assert undoing.startswith(f"Undo change {run.data['change_id']}: rename an external type in ")
    assert {'external type: "erp"', 'new external type: "sdfc_lead"'} <= set(undoing.splitlines())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"new_external_type": "sdfc_lead"}, 'new_external_type: "sdfc_lead" is the name that the type has.'),
        ({"new_external_type": ".."}, "new_external_type: "),
        (
            {"external_type": "sdfc_leed"},
            'external_type: no people have an external id of type "sdfc_leed".\nNext: existing are "sdfc_lead", ',
        ),
    ],
)
async def test_what_cannot_be_renamed_is_refused_in_words(
    connect: Connect, sandbox: Sandbox, given: dict[str, str], told: str
) -> None:
    async with connect() as client:
        assert (await refused(client, "plan_type_rename", **{**RENAME, **given})).startswith(told)
    assert writes(sandbox) == []


async def test_where_nothing_may_be_deleted_the_plan_says_so_and_is_not_run(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    async with (
        open_app(settings.model_copy(update={"mode": "no-delete"}), sandbox) as app,
        Client(build_server(app, chosen("no-delete")), mode=era, elicitation_callback=Human(YES)) as client,
    ):
        made = await call(client, "plan_type_rename", **RENAME)
        words = await refused(client, "run_plan", plan=made.data["plan"])
    switched_off = "deletions are switched off here (mode no-delete)"
    assert any(switched_off in note for note in made.data["notes"])
    assert switched_off in words
