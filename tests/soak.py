"""Mixed work for a long time over a wire that fails now and then: nothing leaks, and the log stays true.

    python -m tests.soak [--rounds 300] [--seed 1]

Every round maps, looks up, upserts, re-keys, moves, deletes and undoes, and every tenth runs a small plan and takes it
back. At the end what stands in the sandbox is held against the change log, and the memory of the process against what
it was after the first tenth.
"""

import argparse
import gc
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp_types import CallToolResult

from salesloft_mcp.app import App, open_app
from salesloft_mcp.changes import history
from salesloft_mcp.changes.history import Search
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.faults import FaultKind
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.server.human import YES, Human, text

TYPE, OF = "crm_lead", "people"
WRONG = 0.02  # of all calls, for each kind of fault
FAULTS: tuple[FaultKind, ...] = ("reset", "lost_answer", "truncated")
MOST_GROWTH = 1.35


async def soak(rounds: int, seed: int) -> Sequence[str]:
    """What is wrong after so many rounds; nothing when all is well."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, Sandbox(rate_limit=0) as sandbox:
        sandbox.faults.add(*(Fault(kind, times=None, probability=WRONG) for kind in FAULTS))
        async with open_app(Settings(state_dir=Path(folder), rate_limit=600), sandbox) as app:
            app.changes.quiet = 0.0
            said: Counter[str] = Counter()
            early = 0.0
            for number in range(rounds):
                async with Client(
                    build_server(app, chosen("full")),
                    mode=chance.choice(["auto", "legacy"]),
                    elicitation_callback=Human(YES),
                ) as client:
                    await _round(client, number, said)
                if number == rounds // 10:
                    early = _resident()
            sandbox.faults.clear()
            problems = [words for words in said if "inside the server" in words]
            problems += await _untrue(app)
            if early and _resident() > MOST_GROWTH * early:
                problems.append(f"memory grew from {early:.0f} to {_resident():.0f} MB")
    print(f"{rounds} rounds, {_resident():.0f} MB; refused, each with the number of times:")
    for words, times in said.most_common():
        print(f"  {times} {words}")
    return problems


async def _round(client: Client, number: int, said: Counter[str]) -> None:
    async def call(tool: str, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        if result.is_error:
            said[text(result).split("\n")[0]] += 1
        return result.structured_content or {}

    one, other = {"external_type": TYPE, "object_type": OF}, f"SOAK-{number}-B"
    name = f"SOAK-{number}"
    await call("create_external_id_mapping", **one, external_id=name, object_id=578495206)
    await call("resolve_external_ids", external_ids=[name, "NOBODY"])
    await call("create_external_id_mapping", **one, external_id=other, object_id=578495206, instead_of=name)
    await call("create_external_id_mapping", **one, external_id=other, object_id=207550815, move_from=578495206)
    person = {"last_name": f"Soak {number}", "email_address": f"soak{number}@example.test"}
    await call("upsert_person_by_external_id", external_type=TYPE, external_id=f"{name}-P", person=person)
    gone = await call("delete_external_id_mapping", **one, external_id=other)
    if "change_id" in gone:
        await call("undo_change", change=gone["change_id"])
    if number % 10 == 0:
        rows = [{"external_id": f"{name}-{row}", "object_id": 207550815} for row in range(5)]
        plan = await call("plan_backfill", **one, rows=rows)
        run = await call("run_plan", plan=plan.get("plan", ""))
        await call("undo_change", change=run.get("change_id", 0))


async def _untrue(app: App) -> list[str]:
    """Changes in the log that what stands in the sandbox contradicts: the newest one of each external id counts."""
    newest: dict[str, tuple[str, str]] = {}
    for row in reversed(await history.find(app.database, Search(tenant=app.environment))):
        for line in await app.changes.log.lines(row.id):
            if line.state in ("created", "deleted", "unchanged"):
                newest[line.change.key.external_id] = (line.state, str(line.change.object_id))
    wrong = []
    for external_id, (state, object_id) in newest.items():
        found = await app.salesloft.list_mappings(external_type=TYPE, external_id=external_id, deleted=False)
        if (state != "deleted") != bool(found.rows) or len(found.rows) > 1:
            wrong.append(f"{external_id}: the log says {state} ({object_id}), and {len(found.rows)} mappings stand")
    return wrong


def _resident() -> float:
    """Resident memory of this process in megabytes; Linux only, 0 elsewhere."""
    gc.collect()
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(one for one in status.read_text(encoding="utf-8").splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Soak as long as the command line says; exit code 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    problems = anyio.run(soak, options.rounds, options.seed)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
