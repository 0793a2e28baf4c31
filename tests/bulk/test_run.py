"""A run brings every row to its end, once, whatever happens to it on the way."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from salesloft_mcp import errors
from salesloft_mcp.bulk import run as running
from salesloft_mcp.bulk.run import Outcome
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Fault

from .running import AIM, FIRST_PERSON, QUIET_SECONDS, creations, planned

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

UNIQUE_OR_NOT = pytest.mark.parametrize("enforce_unique", [True, False], ids=["unique", "not unique"])


async def test_every_row_is_created_once_and_told_before_it_is_written_down(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(150)) as one:
        told: list[Outcome] = []

        def tell(outcomes: Sequence[Outcome]) -> None:
            assert {one.journal.lines(after=outcome.line.line - 1, limit=1)[0].state for outcome in outcomes} == {
                "intended"
            }
            told.extend(outcomes)

        assert await one.run(settled=tell).finish()
        assert one.states() == ["created"] * 150
        assert sorted(outcome.line.line for outcome in told) == list(range(1, 151))
        assert one.sent == 150
        assert await one.mapped("new 150") == [FIRST_PERSON + 150]


async def test_an_intent_is_written_before_the_request_leaves(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(1)) as one:
        seen: list[str] = []
        send = one.api.create_mapping

        async def create(*arguments: object) -> object:
            seen.extend(one.states())
            return await send(*arguments)  # type: ignore[arg-type]

        one.api.create_mapping = create  # type: ignore[assignment,method-assign]
        await one.run().finish()
        assert seen == ["intended"]


@UNIQUE_OR_NOT
async def test_what_a_dead_process_announced_is_looked_up_before_it_is_sent(
    tmp_path: Path, enforce_unique: bool
) -> None:
    async with planned(tmp_path, creations(3), enforce_unique=enforce_unique) as one:
        one.journal.intend([1, 2], 0.0)
        await one.api.create_mapping(AIM.external_type, AIM.object_type, "new 1", FIRST_PERSON + 1)
        assert await one.run().finish()
        assert one.states() == ["created"] * 3
        assert one.sent == 3
        assert [await one.mapped(f"new {number}") for number in (1, 2, 3)] == [
            [FIRST_PERSON + number] for number in (1, 2, 3)
        ]


@UNIQUE_OR_NOT
@pytest.mark.parametrize("kind", ["lost_answer", "truncated", "late_commit", "delay", "reset", "status"])
async def test_whatever_becomes_of_an_answer_the_row_is_there_once(
    tmp_path: Path, kind: str, enforce_unique: bool
) -> None:
    async with planned(tmp_path, creations(2), enforce_unique=enforce_unique) as one:
        one.sandbox.faults.add(Fault(kind, method="POST", seconds=0.3, status=500))  # type: ignore[arg-type]
        assert await one.run().finish()
        assert one.states() == ["created"] * 2
        assert await one.mapped("new 1") == [FIRST_PERSON + 1]
        assert await one.mapped("new 2") == [FIRST_PERSON + 2]


async def test_the_quiet_time_counts_from_the_request_and_not_from_its_announcement(tmp_path: Path) -> None:
    """The last row of a batch is sent long after the batch was announced, and commits late."""
    async with planned(tmp_path, creations(8), enforce_unique=False) as one:
        one.sandbox.faults.add(Fault("delay", method="POST", times=7, seconds=QUIET_SECONDS / 5))
        one.sandbox.faults.add(Fault("late_commit", method="POST", seconds=QUIET_SECONDS * 0.8))
        assert await one.run(at_once=1).finish()
        assert await one.mapped("new 8") == [FIRST_PERSON + 8]


async def test_a_look_that_cannot_be_read_leaves_the_row_for_another_look(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(1), enforce_unique=False) as one:
        one.sandbox.faults.add(Fault("lost_answer", method="POST"))
        one.sandbox.faults.add(Fault("raw", method="GET", status=200, body=b"<html>", times=2))
        assert await one.run(quiet=0.05).finish()
        assert (one.states(), one.sent) == (["created"], 1)


async def test_what_somebody_else_mapped_since_the_plan_is_unchanged_or_a_conflict(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(3)) as one:
        await one.api.create_mapping(AIM.external_type, AIM.object_type, "new 1", FIRST_PERSON + 1)
        await one.api.create_mapping(AIM.external_type, AIM.object_type, "new 2", FIRST_PERSON)
        assert await one.run().finish()
        assert one.states() == ["unchanged", "conflict", "created"]
        assert one.journal.lines()[1].note == f"is mapped to {FIRST_PERSON}"


async def test_a_refusal_is_reported_in_salesloft_s_words_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(3)) as one:
        one.sandbox._store.remove("people", FIRST_PERSON + 2)
        assert await one.run().finish()
        assert one.states() == ["created", "failed", "created"]
        assert "does not exist" in one.journal.lines()[1].note


async def test_a_refusal_that_nobody_expects_fails_its_row_alone(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(2)) as one:
        one.sandbox.faults.add(Fault("status", method="POST", status=400))
        assert await one.run(at_once=1).finish()
        assert one.states() == ["failed", "created"]


@pytest.mark.parametrize("status", [302, 408, 409])
async def test_a_status_that_proves_nothing_is_looked_up(tmp_path: Path, status: int) -> None:
    async with planned(tmp_path, creations(2)) as one:
        one.sandbox.faults.add(Fault("status", method="POST", status=status))
        assert await one.run(at_once=1).finish()
        assert one.states() == ["created", "created"]


@UNIQUE_OR_NOT
async def test_a_token_that_ends_in_the_middle_stops_the_run_which_goes_on_later(
    tmp_path: Path, enforce_unique: bool
) -> None:
    async with planned(tmp_path, creations(100), enforce_unique=enforce_unique) as one:
        one.sandbox.faults.add(Fault("delay", method="POST", times=30, seconds=0.01))
        one.sandbox.faults.add(Fault("status", method="POST", times=None, status=401))
        with pytest.raises(errors.UnauthorizedError):
            await one.run().finish()
        assert one.states().count("created") >= 30 - running.AT_ONCE
        assert one.states().count("intended") <= running.AT_ONCE
        assert one.states().count("") >= 50
        one.sandbox.faults.clear()
        assert await one.run(quiet=0.05).finish()
        assert one.states() == ["created"] * 100
        assert [await one.mapped(f"new {number}") for number in range(1, 101)] == [
            [FIRST_PERSON + number] for number in range(1, 101)
        ]


async def test_a_cancelled_run_ends_after_what_is_in_flight(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(100)) as one:
        assert not await one.run(cancelled=lambda: one.sent >= 20).finish()
        left = one.states().count("")
        assert 100 - 20 - running.AT_ONCE <= left <= 80
        assert one.states().count("created") == 100 - left == one.sent
        assert {line.tries for line in one.journal.lines() if not line.state} == {0}
        assert await one.run().finish()
        assert (one.states(), one.sent) == (["created"] * 100, 100)


async def test_a_run_that_is_torn_down_leaves_what_it_knows_and_what_it_does_not(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(60), enforce_unique=False) as one:
        one.sandbox.faults.add(Fault("delay", method="POST", times=None, seconds=0.02))
        with anyio.move_on_after(0.06):
            await one.run().finish()
        assert {"", "intended"} < set(one.states()) <= {"", "intended", "created"}
        one.sandbox.faults.clear()
        assert await one.run(quiet=0.05).finish()
        assert one.states() == ["created"] * 60
        assert [await one.mapped(f"new {number}") for number in range(1, 61)] == [
            [FIRST_PERSON + number] for number in range(1, 61)
        ]


async def test_it_gives_up_when_nothing_goes_through_and_may_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise errors.RateLimitedError("no points.", request="POST /v2/external/mappings", retry_after_seconds=1)

    async with planned(tmp_path, creations(150)) as one:
        with monkeypatch.context() as patched:
            patched.setattr(running, "GIVE_UP_AFTER", 2)
            patched.setattr(Salesloft, "create_mapping", refused)
            with pytest.raises(errors.UnreachableError, match="no points"):
                await one.run(quiet=0.01).finish()
        assert one.states() == [""] * 150
        assert await one.run().finish()
        assert one.states() == ["created"] * 150


async def test_an_outage_does_not_send_row_after_row_into_the_void(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GIVE_UP_AFTER", 0)
    monkeypatch.setattr(running, "BATCH", 10)
    async with planned(tmp_path, creations(150)) as one:
        one.sandbox.faults.add(Fault("reset", method="POST", times=None))
        with pytest.raises(errors.UnreachableError):
            await one.run().finish()
        assert one.states().count("unknown") == one.sent <= 10 + running.AT_ONCE


async def test_a_row_that_is_never_answered_fails_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_TRIES", 2)
    async with planned(tmp_path, creations(1)) as one:
        one.sandbox.faults.add(Fault("reset", method="POST", times=None))
        assert await one.run(quiet=0.02).finish()
        assert (one.states(), one.sent) == (["failed"], 2)
        assert "no answer to 2 tries" in one.journal.lines()[0].note


async def test_one_plan_may_name_an_object_twice_and_not_an_id(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"external_id": name, "object_id": FIRST_PERSON} for name in ("a", "b", "a")]
    async with planned(tmp_path, rows, enforce_unique=False) as one:
        assert await one.run().finish()
        assert one.states() == ["created", "created", ""]
        assert await one.mapped("a") == [FIRST_PERSON]
