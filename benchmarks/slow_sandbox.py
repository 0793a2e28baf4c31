"""A sandbox over HTTP that takes 30 ms for a call, holds 5,000 mappings of one type and grants 600 points a minute.

python benchmarks/slow_sandbox.py PORT
"""

import asyncio
import sys
from typing import Any

import uvicorn

from salesloft_mcp.sandbox import Sandbox

CALL_SECONDS = 0.030
TYPE, HELD = "crm_lead", 5_000


def main(port: int) -> None:
    """Serve until killed."""
    sandbox = Sandbox(rate_limit=600)
    store = sandbox.store
    with store.transaction():
        for number in range(HELD):
            row = {"external_type": TYPE, "object_type": "people", "external_id": external_id(number), "deleted": 0}
            store.insert("mappings", {**row, "object_id": 207550001 + number % 158, "inserted_at": "2024-02-01"})

    async def slow(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - the types of ASGI
        if scope["type"] == "http" and not scope["path"].startswith("/_sandbox"):
            await asyncio.sleep(CALL_SECONDS)
        await sandbox(scope, receive, send)

    uvicorn.run(slow, port=port, log_level="error", access_log=False)


def external_id(number: int) -> str:
    """The ids that are mapped."""
    return f"LEAD-{number:05}"


if __name__ == "__main__":
    main(int(sys.argv[1]))
