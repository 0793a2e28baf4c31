"""The redirect of a sign-in comes to this program, or nobody waits for it."""

import socket

import httpx
import pytest

from salesloft_mcp.browser.loopback import HOST
from salesloft_mcp.browser.redirect import awaited_redirect, checked_redirect
from salesloft_mcp.errors import InputError
from tests.hosting.program import free_port

pytestmark = pytest.mark.anyio


def second() -> str:
    """The other address of localhost; where there is none, the first."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return HOST
    return "[::1]"


SECOND = second()


async def made(query: dict[str, str]) -> str:
    return query["code"]


async def test_the_name_localhost_is_served_on_both_addresses_that_it_stands_for() -> None:
    port = free_port()
    redirect = checked_redirect(f"http://localhost:{port}/callback", here=True)
    async with awaited_redirect(redirect, made) as coming, httpx.AsyncClient() as browser:
        own = {"Host": f"localhost:{port}"}
        assert (await browser.get(f"http://127.0.0.1:{port}/callback?code=1")).status_code == 421
        answer = await browser.get(f"http://{SECOND}:{port}/callback?code=1", headers=own)
        assert "You are signed in" in answer.text
        assert await coming.result() == "1"


@pytest.mark.skipif(SECOND == HOST, reason="localhost has one address without IPv6")
async def test_where_another_program_has_taken_one_of_them_nobody_is_sent_there() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        redirect = checked_redirect(f"http://localhost:{taken.getsockname()[1]}/callback", here=True)
        with pytest.raises(InputError, match="cannot listen on port"):
            async with awaited_redirect(redirect, made):
                raise AssertionError("it waits")
