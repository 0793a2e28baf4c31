"""An answer that never comes to its end is lost after a while, however steadily its bytes arrive."""

from collections.abc import AsyncIterator, Callable, Coroutine

import anyio
import httpx
import pytest

from salesloft_mcp import errors
from salesloft_mcp.salesloft.budget import ANSWER_SECONDS
from salesloft_mcp.salesloft.call import open_call

from .opened import answering, over

pytestmark = [pytest.mark.anyio, pytest.mark.steady]


Serve = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


class Dripping(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await anyio.sleep(1)
            yield b" "


async def drip_the_body(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Dripping())


async def drip_the_head(_: httpx.Request) -> httpx.Response:
    await anyio.sleep(80_000)
    raise AssertionError("nobody waits so long")


@pytest.mark.parametrize("serve", [drip_the_body, drip_the_head])
@pytest.mark.parametrize(("seconds", "most"), [(1e9, 2 * ANSWER_SECONDS), (20.0, 20.0)])
async def test_a_write_whose_answer_drips_is_unknown_in_time(serve: Serve, seconds: float, most: float) -> None:
    begun = anyio.current_time()
    async with over(httpx.MockTransport(serve)) as api:
        with open_call(seconds), pytest.raises(errors.UnknownOutcomeError):
            await api.delete_mapping(5)
    assert anyio.current_time() - begun <= most


@pytest.mark.parametrize("serve", [drip_the_body, drip_the_head])
async def test_a_read_whose_answer_drips_ends_with_its_call(serve: Serve) -> None:
    begun = anyio.current_time()
    async with over(httpx.MockTransport(serve)) as api:
        with open_call(20.0), pytest.raises(errors.UnreachableError):
            await api.list_mappings()
    assert anyio.current_time() - begun <= 20.5


async def test_a_write_for_which_no_time_is_left_is_not_sent() -> None:
    sent = []

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(204)

    async with answering(serve) as api:
        with open_call(4.0), pytest.raises(errors.UnreachableError, match=r"was over before DELETE .* was sent"):
            await api.delete_mapping(5)
    assert sent == []


class Breaking(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx.RemoteProtocolError("the other side has closed the connection")


def breaking(sent: list[httpx.Request], times: int, half: bool) -> Callable[[httpx.Request], httpx.Response]:
    """Breaks off in the body of so many answers, or ends in the `half` of each as if that were all."""

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        whole = httpx.Response(200, json={"data": []})
        broken = httpx.Response(200, content=b'{"data": [') if half else httpx.Response(200, stream=Breaking())
        return broken if len(sent) <= times else whole

    return serve


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("enduring", "times"), [(False, 3), (True, 40)])
async def test_a_read_whose_answer_breaks_off_is_sent_again(enduring: bool, times: int, half: bool) -> None:
    sent: list[httpx.Request] = []
    async with over(httpx.MockTransport(breaking(sent, times, half))) as api:
        with open_call(enduring=enduring):
            assert (await api.list_mappings()).rows == ()
    assert len(sent) == times + 1


@pytest.mark.parametrize("half", [False, True])
async def test_a_write_whose_answer_breaks_off_is_unknown_and_not_sent_again(half: bool) -> None:
    sent: list[httpx.Request] = []
    async with over(httpx.MockTransport(breaking(sent, 9, half))) as api:
        with pytest.raises(errors.UnknownOutcomeError):
            await api.delete_mapping(5)
    assert len(sent) == 1
