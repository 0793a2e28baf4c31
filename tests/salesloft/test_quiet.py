"""What happens beneath a call is not printed over what a person reads."""

import logging
from collections.abc import Iterator

import pytest
import stamina

from salesloft_mcp.app import open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    logging.getLogger("stamina").setLevel(logging.NOTSET)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def test_a_request_that_is_sent_again_prints_nothing(
    settings: Settings, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add(Fault("status", status=503))
    async with open_app(settings, sandbox) as app:
        await app.salesloft.me()
    assert len(sandbox.requests) == 2
    assert caplog.text == ""
