"""What the server is measured against, each a process of its own: `python benchmarks/peers.py NAME`.

one-tool         one empty tool on mcp's MCPServer: the floor of any server on this library
openapi          FastMCP.from_openapi on the same eight endpoints, as a host would start it; nothing is ever sent
openapi-sandbox  the same, over a sandbox in its own process
openapi-limited  the same, where a minute has room for 60 calls
openapi-http     the same, over the address and with the key of the environment
plain-http       a hand-written server, one shared client and one id a call, over that address too
plain-limited    the same, where a minute has room for 60 calls
sandbox-alone    no server: prints the milliseconds the sandbox itself takes for the look-up of the benchmark
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

EXTERNAL_ID = "CONTACT1001"  # one of the sandbox's seed
LOOK_UP = f"/v2/external/mappings?external_id={EXTERNAL_ID}&deleted=false&page=1&per_page=25"
BASE_URL = "http://sandbox.localhost"
TIMES = 200


def one_tool() -> None:
    """The floor."""
    from mcp.server import MCPServer

    server = MCPServer("one-tool")

    @server.tool()
    def nothing() -> str:
        """Does nothing."""
        return "done"

    server.run("stdio")


def openapi() -> None:
    """The generated peer, pointed at the live address. It builds its own TLS context, like any httpx client."""
    import httpx2  # type: ignore[import-not-found,unused-ignore]

    _serve_openapi(httpx2.AsyncClient(base_url="https://api.salesloft.com", headers=_bearer("ak" + "0" * 64)))


def openapi_limited() -> None:
    """The generated peer where a minute has room for 60 calls."""
    openapi_sandbox(rate_limit=60)


def openapi_sandbox(rate_limit: int = 0) -> None:
    """The generated peer over the sandbox, by the library it prefers."""
    import httpx2  # type: ignore[import-not-found,unused-ignore]

    from salesloft_mcp.sandbox import Sandbox

    sandbox = Sandbox(rate_limit=rate_limit)
    wire = httpx2.ASGITransport(app=sandbox)
    _serve_openapi(httpx2.AsyncClient(base_url=BASE_URL, headers=_bearer(sandbox.api_key), transport=wire))


def openapi_http() -> None:
    """The generated peer, pointed at the address in SALESLOFT_BASE_URL."""
    import httpx2  # type: ignore[import-not-found,unused-ignore]

    _serve_openapi(httpx2.AsyncClient(**_address()))


def plain_http() -> None:
    """The hand-written peer, over the address in SALESLOFT_BASE_URL."""
    import httpx

    _serve_plain(httpx.AsyncClient(**_address()))


def plain_limited() -> None:
    """The hand-written peer over a sandbox in its own process, where a minute has room for 60 calls."""
    import httpx

    from salesloft_mcp.sandbox import Sandbox

    sandbox = Sandbox(rate_limit=60)
    wire = httpx.ASGITransport(app=sandbox)
    _serve_plain(httpx.AsyncClient(base_url=BASE_URL, headers=_bearer(sandbox.api_key), transport=wire))


def sandbox_alone() -> None:
    """The sandbox's own work, without a client around it: what is subtracted from a call."""
    sys.stdout.write(f"{statistics.median(asyncio.run(_sandbox_times())):.4f}\n")


async def _sandbox_times() -> list[float]:
    import httpx

    from salesloft_mcp.sandbox import Sandbox

    times = []
    with Sandbox(rate_limit=0) as sandbox:
        wire = httpx.ASGITransport(app=sandbox)
        for _ in range(TIMES):
            request = httpx.Request("GET", BASE_URL + LOOK_UP, headers=_bearer(sandbox.api_key))
            begun = time.perf_counter()
            response = await wire.handle_async_request(request)
            body = await response.aread()
            times.append(1000 * (time.perf_counter() - begun))
            if len(json.loads(body)["data"]) != 1:
                raise RuntimeError(f"{LOOK_UP} should find one row")
    return times


def _serve_openapi(client: Any) -> None:  # noqa: ANN401 - of a library the type checker need not find
    from fastmcp import FastMCP  # type: ignore[import-not-found,unused-ignore]

    document = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    FastMCP.from_openapi(document, client=client, name="openapi").run("stdio", show_banner=False)


def _serve_plain(client: "httpx.AsyncClient") -> None:
    """What one writes in an afternoon: tools on the library, one shared client, one id a call."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server = MCPServer("plain")

    async def ask(method: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - what httpx takes
        response = await client.request(method, "/v2/external/mappings", **options)
        if response.is_error:
            raise ToolError(f"Salesloft answered {response.status_code}")
        found: dict[str, Any] = response.json()
        return found

    @server.tool()
    async def look_up(external_type: str, external_id: str) -> dict[str, Any]:
        """The mappings of an external id."""
        return await ask("GET", params={"external_type": external_type, "external_id": external_id})

    @server.tool()
    async def create_mapping(external_type: str, object_type: str, external_id: str, object_id: int) -> dict[str, Any]:
        """Map an external id to an object."""
        names = ("external_type", "object_type", "external_id", "object_id")
        values = (external_type, object_type, external_id, object_id)
        return await ask("POST", json=dict(zip(names, values, strict=True)))

    server.run("stdio")


def _address() -> dict[str, Any]:
    base_url, token = os.environ["SALESLOFT_BASE_URL"], os.environ["SALESLOFT_API_KEY"]
    return {"base_url": base_url, "headers": _bearer(token)}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


PEERS: dict[str, Callable[[], None]] = {
    "one-tool": one_tool,
    "openapi": openapi,
    "openapi-sandbox": openapi_sandbox,
    "openapi-limited": openapi_limited,
    "openapi-http": openapi_http,
    "plain-http": plain_http,
    "plain-limited": plain_limited,
    "sandbox-alone": sandbox_alone,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]]()
