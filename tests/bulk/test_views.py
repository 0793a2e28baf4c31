"""What is said of a plan in one line: every row is counted once, and so is every write that is done."""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.bulk.status import PlanRow, State, Status, operation_of
from salesloft_mcp.bulk.views import plan_sentence
from salesloft_mcp.changes.change import OPEN
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.state.staging import Verdict

VERDICTS: tuple[Verdict, ...] = (
    *("create", "update", "unchanged", "duplicate", "suspicious", "conflict", "object unknown", "invalid"),
)
ENDS: tuple[ChangeState, ...] = ("created", "updated", "unchanged", "conflict", "failed", "lost", "unknown", "planned")
SOME = st.integers(0, 12_000)
COUNTS = st.fixed_dictionaries(dict.fromkeys(VERDICTS, SOME))
OUTCOMES = st.fixed_dictionaries(dict.fromkeys(ENDS, SOME))


def status(counts: dict[Verdict, int], state: State, outcomes: dict[ChangeState, int], suspicious: bool) -> Status:
    row = PlanRow(
        id="abc",
        at=0.0,
        state=state,
        external_type="crm_lead",
        object_type="people",
        intent="upsert",
        new_external_type="",
        source="rows",
        digest="",
        team="1",
        counts=Counter({str(name): number for name, number in counts.items()}),
        asks=Counter(),
        notes=(),
        suspicious=suspicious,
        operation=int(state != "planned"),
        undoes=0,
        agreed=0,
        problem="",
        cancelled=0,
    )
    return Status(row, state, "", Counter(outcomes))


def test_suspicious_rows_are_asked_about_only_where_a_plan_has_some() -> None:
    for suspicious, asks in ((0, 0), (3, 1)):
        planned = status({"create": 2, "suspicious": suspicious}, "planned", {}, False)
        assert operation_of(planned, suspicious=True).by_run.asks == asks


def numbers(text: str) -> list[int]:
    return [int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*\d|\d", text)]


@given(COUNTS)
def test_the_rows_of_a_plan_add_up_to_those_that_were_read(counts: dict[Verdict, int]) -> None:
    read, *each = numbers(plan_sentence(status(counts, "planned", {}, False)))
    assert read == sum(each) == sum(counts.values())


@given(COUNTS, OUTCOMES, st.sampled_from(["running", "stopped", "finished", "undone"]), st.booleans())
def test_the_writes_of_a_run_add_up_and_so_does_what_was_left_out(
    counts: dict[Verdict, int], outcomes: dict[ChangeState, int], state: State, suspicious: bool
) -> None:
    found = status(counts, state, outcomes, suspicious)
    told, _, left_out = plan_sentence(found).partition(" Left out of ")
    done, writes, *ended = numbers(told)
    read, *each = numbers(left_out) or [writes]
    assert done == sum(ended) == sum(number for name, number in outcomes.items() if name not in OPEN)
    assert writes + sum(each) == read == sum(counts.values())
