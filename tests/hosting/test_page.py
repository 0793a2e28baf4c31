"""The program itself opens the page, and ends as quickly as ever while one is open."""

import signal
from pathlib import Path

import anyio
import pytest

from tests.browser.desk import Desk, Visitor
from tests.conftest import one_era

from .conftest import Start
from .program import Era, Program

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
pytestmark = pytest.mark.anyio
era = one_era  # what clients of both versions are told stands in tests/server/test_page.py


@pytest.fixture
def start(start: Start, env: dict[str, str], tmp_path: Path) -> Start:
    """A server at which somebody sits."""
    env.pop("SSH_CONNECTION")
    env["DISPLAY"] = ":99"
    return start


@pytest.fixture
def own_desk(env: dict[str, str], desk: Desk) -> Desk:
    env["BROWSER"] = desk.command
    return desk


def answer_to(program: Program, number: int) -> dict[str, object]:
    """The answer to a call, whatever is told meanwhile."""
    while (message := program.receive()).get("id") != number:
        pass
    return dict(message["result"])


async def test_a_click_lets_a_call_over_a_pipe_through_and_the_browser_gets_none_of_its_ends(
    start: Start, own_desk: Desk, era: Era, log: Path
) -> None:
    with start() as program:
        program.shake_hands(era)
        program.call(7, "delete_external_id_mapping", **CONTACT)
        opened = await own_desk.opened()
        assert opened.ends == "/dev/null /dev/null /dev/null"
        async with Visitor() as person:
            await person.visit(opened.address)
            await person.press("yes")
        answer = await anyio.to_thread.run_sync(answer_to, program, 7)
        assert not answer.get("isError"), answer
        assert program.stop(None) == 0
    secret = opened.address.rpartition("/")[2].encode()
    assert secret not in program.raw
    assert secret not in log.read_bytes()
    assert log.read_text() == ""


@pytest.mark.parametrize(("how", "code"), [(None, 0), (signal.SIGTERM, 143)], ids=["the input ends", "SIGTERM"])
async def test_a_call_that_waits_for_a_person_does_not_hold_the_end_up_and_leaves_no_file(
    start: Start, own_desk: Desk, era: Era, state_dir: Path, how: signal.Signals | None, code: int
) -> None:
    with start() as program:
        program.shake_hands(era)
        program.call(7, "delete_external_id_mapping", **CONTACT)
        opened = await own_desk.opened()
        assert opened.file.exists()
        assert await anyio.to_thread.run_sync(program.stop, how) == code
    assert not opened.file.exists()
    assert [one.name for one in (state_dir / "browser").iterdir()] == ["lock"]
