"""A process that plans, runs or takes back bulk work, to be killed: `python -m tests.bulk.chaos_runner …`.

It has the layers of the real program, with a shorter patience.
"""

import json
import logging
import sys
from functools import partial
from pathlib import Path

import anyio
import httpx
from pydantic import SecretStr

from salesloft_mcp.bulk.jobs import Jobs, open_jobs
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.planning import Reads
from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.errors import ApiError, ConflictError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.network import Network
from salesloft_mcp.state.database import Database

ENVIRONMENT = "chaos"
YES = Author("chaos", "agreed in a test")
PATIENCE_SECONDS = 0.2
QUIET_SECONDS = 1.0
PLENTY = 1_000_000


async def main(url: str, token: str, folder: Path, what: str) -> None:
    """Plan what is given in the folder, run the plan of that id, or take change `undo N` back; print how it stands."""
    logging.getLogger("stamina").setLevel(logging.ERROR)
    database = Database(folder)
    key = Key(SecretStr(token))
    async with open_http(url, key, Network(url), Budget(PLENTY), agent="chaos") as http:
        http.timeout = httpx.Timeout(PATIENCE_SECONDS)
        api = Salesloft(http)
        log = ChangeLog(database, ENVIRONMENT)
        changes = Changes(api, log, Configurations(api), ENVIRONMENT, quiet=QUIET_SECONDS)
        plans = Plans(folder, database, ENVIRONMENT)
        reads = Reads(Lookups(api, changes.known, Budget(PLENTY)), CustomFields(api))
        async with open_jobs(plans, changes, reads, QUIET_SECONDS) as jobs:
            plan = await begun(jobs, plans, changes, database, folder, what)
            status = await jobs.wait(plan, 600)
            print(plan, status.state, status.plan.operation, flush=True)
    database.close()


async def begun(jobs: Jobs, plans: Plans, changes: Changes, database: Database, folder: Path, what: str) -> str:
    """The plan that is worked on now."""
    if not what:
        given = json.loads((folder / "given.json").read_text(encoding="utf-8"))
        return await jobs.plan(Aim(**given["aim"]), partial(load_rows, rows=given["rows"]), "chaos")
    plan = what.replace(" ", "-")
    while True:
        try:
            if what.startswith("undo "):
                await jobs.start_undo(await undo(changes, database, int(what.removeprefix("undo "))), YES)
            else:
                await jobs.start(operation_of(await plans.status(what)), YES)
        except ApiError:  # the wire fails before the run, too
            continue
        except ConflictError as error:  # it was killed after its end
            if not {"finished", "already"} & set(error.what.replace(".", "").split()):
                raise
        print("running", flush=True)
        return plan


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], Path(sys.argv[3]), " ".join(sys.argv[4:]))
