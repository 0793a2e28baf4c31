"""What resolving one id passes on its way: few functions of ours, and one check of the id."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

import salesloft_mcp
from salesloft_mcp.intake.values import external_id
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.requests import checked
from tests.conftest import Connect
from tests.server.calling import call

pytestmark = pytest.mark.anyio

OURS = str(Path(salesloft_mcp.__file__).parent)
TOOL = "resolve_external_ids"
ONE = {"external_ids": ["CONTACT3456"], "external_type": "crm_lead", "object_type": "people"}


@contextmanager
def watching(see: Callable[[FrameType], None]) -> Iterator[None]:
    """Show `see` the frame of every function that is entered."""

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            see(frame)

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


def passed(frame: FrameType | None) -> list[str]:
    """The functions of ours that led here, from the tool on."""
    names: list[str] = []
    while frame is not None and names[-1:] != [TOOL]:
        if frame.f_code.co_filename.startswith(OURS):
            names.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return names[::-1]


async def test_at_most_eight_functions_of_ours_stand_between_the_tool_and_the_wire(connect: Connect) -> None:
    ways: set[tuple[str, ...]] = set()

    def see(frame: FrameType) -> None:
        if frame.f_code is InProcess.handle_async_request.__code__:
            ways.add(tuple(passed(frame.f_back)))

    async with connect() as client:
        with watching(see):
            reply = await call(client, TOOL, **ONE)
    assert reply.data["points_spent"] == 3
    assert len(ways) == 2  # the mapping; and the person and the account
    for way in ways:
        assert way[0] == TOOL
        assert len(way) <= 8, " > ".join(way)


async def test_an_id_is_checked_once(connect: Connect) -> None:
    checks: list[str] = []

    def see(frame: FrameType) -> None:
        if frame.f_code is external_id.__code__ and frame.f_locals["value"] in ONE["external_ids"]:
            checks.append(frame.f_locals["field"])
        if frame.f_code is checked.__code__ and frame.f_locals["value"] in ONE["external_ids"]:
            checks.append("what is to be sent")

    async with connect() as client:
        with watching(see):
            await call(client, TOOL, **ONE)
    assert checks == ["external_id"]
