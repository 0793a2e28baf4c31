"""Whoever looks again and again how far a plan is reads little, and misses nothing that a person has to know."""

from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from mcp_types import TextContent

from salesloft_mcp.bulk.status import PlanRow, State, Status
from salesloft_mcp.bulk.views import plan_sentence
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.server import answers
from salesloft_mcp.server.tools.plans import SHORT_TEAM, PlanAnswer

PROBLEM = "Salesloft cannot be reached.\nNext: resume it later."
ROW = PlanRow(
    id="0a1b2c3d",
    at=0.0,
    state="running",
    external_type="marketing_automation",
    object_type="accounts",
    intent="upsert",
    new_external_type="",
    source=f"file {'long ' * 40}.csv",
    digest="f" * 64,
    team="100013",
    counts=Counter(
        {
            "create": 12_000,
            "update": 9_500,
            "unchanged": 1_200,
            "duplicate": 310,
            "suspicious": 120,
            "conflict": 45,
            "object unknown": 300,
            "invalid": 12,
        }
    ),
    asks=Counter({"second id": 12, "do_not_contact": 7}),
    notes=("Read as UTF-16.", "Not used: the columns A, B and C."),
    suspicious=False,
    operation=1234,
    undoes=0,
    agreed=21_500,
    problem="",
    cancelled=0,
)
OUTCOMES: Counter[ChangeState] = Counter(
    {"created": 11_111, "updated": 8_888, "unchanged": 77, "conflict": 6, "intended": 126}
)
BEGUN = {"agreed": "asked through the client", "environment": "SANDBOX", "team": f"{'N' * SHORT_TEAM} (100013)"}


def polled(status: Status, **more: str) -> str:
    """The text of an answer to a poll."""
    (content,) = answers.answer(plan_sentence(status, short=True), PlanAnswer.short(status, 570, **more)).content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("state", get_args(State))
def test_a_poll_is_short_in_every_state(state: State) -> None:
    failed = state in ("paused", "stopped", "failed")
    operation = 0 if state in ("planning", "planned", "failed") else 1234
    row = replace(ROW, state=state, operation=operation, notes=(), asks=Counter())
    status = Status(row, state, PROBLEM if failed else "", Counter(OUTCOMES) if operation else Counter())
    assert len(polled(status, **(BEGUN if operation else {}))) / 4 <= 120
    assert state in polled(status)
    assert ("cannot be reached" in polled(status)) is failed
    assert '"writes":0' not in polled(status)


def test_before_it_is_run_a_poll_tells_what_a_person_has_to_know() -> None:
    text = polled(Status(replace(ROW, state="planned", operation=0), "planned", "", Counter()))
    for told in (*ROW.notes, "do_not_contact", '"object unknown":300'):
        assert told in text


def test_what_a_host_cuts_off_is_what_matters_least() -> None:
    status = Status(ROW, "stopped", PROBLEM, Counter(OUTCOMES))
    rows = [{"line": 1, "external_id": "x" * 400, "plan": "create"}] * 3
    view = PlanAnswer.of(status, 570, rows=rows, next_cursor="7", **BEGUN)
    (content,) = answers.answer(plan_sentence(status), view).content
    assert isinstance(content, TextContent)
    kept = content.text[:839]
    for told in (
        '"state":"stopped"',
        "cannot be reached",
        "1,200 unchanged",
        '"asks":',
        '"outcomes":',
    ):
        assert told in kept
    assert content.text.index('"next_cursor"') < content.text.index('"rows"')
