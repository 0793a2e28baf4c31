"""A process that plans or runs a backfill, to be killed at any moment: `python -m tests.bulk.chaos_runner …`.

It has the layers of the real program, with a shorter patience.
"""

import json
import sys
from functools import partial
from pathlib import Path

import anyio
import httpx
from pydantic import SecretStr
from salesloft_mcp.state.local import LocalState

from salesloft_mcp.app import log_rows
from salesloft_mcp.bulk.jobs import Backfills, open_backfills
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.http import Bearer, Network, open_http

AIM = Aim("marketing_automation", "people")
ENVIRONMENT = "chaos"
PATIENCE_SECONDS = 0.2
QUIET_SECONDS = 1.5
PLENTY = 1_000_000


async def main(url: str, token: str, folder: Path, backfill_id: str) -> None:
    """Run the backfill of that id, or plan the rows in the folder when there is none; print how it stands."""
    auth = Bearer(SecretStr(token), url)
    async with open_http(url, auth, Network(tls=False), Budget(PLENTY), agent="chaos") as http:
        http.timeout = httpx.Timeout(PATIENCE_SECONDS)
        with LocalState(folder) as state:
            log = partial(log_rows, state, ENVIRONMENT)
            async with open_backfills(folder, ENVIRONMENT, Salesloft(http), log, QUIET_SECONDS) as backfills:
                await work(backfills, folder, backfill_id)


async def work(backfills: Backfills, folder: Path, backfill_id: str) -> None:
    """One plan, or one run."""
    if backfill_id:
        backfills.start(backfill_id)
        print("running", flush=True)
    else:
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        backfill_id = backfills.plan(AIM, partial(load_rows, rows=rows), "chaos")
    status = await backfills.wait(backfill_id, 600)
    print(backfill_id, status.state, flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "")
