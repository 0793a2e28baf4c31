"""Where the client cannot ask, a page opens in the person's own browser, and the call waits for what is answered."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from tests.browser.desk import Desk, Visitor, sit_down
from tests.conftest import Connect
from tests.server.calling import Reply, call, writes

pytestmark = pytest.mark.anyio

UNMAP = "delete_external_id_mapping"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk")
    sit_down(monkeypatch, desk)
    yield desk
    desk.close()


@pytest.mark.parametrize("choice", ["yes", "no"])
async def test_the_call_waits_for_a_click_on_the_page_and_does_or_leaves_it(
    desk: Desk, connect: Connect, app: App, sandbox: Sandbox, choice: str
) -> None:
    replies: list[Reply] = []

    async def calling() -> None:
        async with connect() as client:
            replies.append(await call(client, UNMAP, **CONTACT))

    async with anyio.create_task_group() as tasks, Visitor() as person:
        tasks.start_soon(calling)
        opened = await desk.opened()
        shown = await person.visit(opened.address)
        assert "Delete this external id mapping?" in shown
        told = await person.press(choice)
    (reply,) = replies
    if choice == "yes":
        assert "Answered: Delete" in told
        assert reply.data["agreed"] == "agreed on a page in the browser"
        assert len(writes(sandbox)) == 1
    else:
        assert "Answered: Keep" in told
        assert reply.words.startswith(
            "not confirmed: a person refused it on a page in the browser. Nothing was changed."
        )
        assert writes(sandbox) == []
    assert await app.approvals.pending() == []
