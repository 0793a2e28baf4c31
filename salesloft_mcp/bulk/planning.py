"""From an input to a plan: its rows are staged, judged and counted. Nothing is written to Salesloft."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import anyio.to_thread

from salesloft_mcp.bulk import plan_mappings, plan_records, plan_renames
from salesloft_mcp.bulk.plan import BATCH, Aim, Load
from salesloft_mcp.bulk.status import RENAMED, SUSPICIOUS_UPDATE, Fact
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.state.staging import Staging
from salesloft_mcp.text import quoted

_UNREAD = " of Salesloft's answers cannot be read: a record that was not found may be there."
_NEAR_UNKNOWN = (
    "Whether external ids are nearly others that are mapped to other records was not looked up: the list of the type is"
    " too long for so few rows."
)
_NEW_UNKNOWN = (
    "Salesloft does not tell which mappings are new, so the run looks each new external id up once more, a point each."
)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a plan is held against."""

    lookups: Lookups
    custom_fields: CustomFields


async def make(changes: Changes, reads: Reads, staging: Staging, aim: Aim, load: Load) -> dict[str, Fact]:
    """Stage what `load` brings and judge it; the facts of the plan, named as in `PlanRow`.

    Raises:
        InputError: the input cannot be read. ApiError: Salesloft does not answer, or refuses.
    """
    digest, notes = await load(staging, aim)
    team = (await changes.place(fresh=True)).team_key
    near_types = await changes.known.nearest(aim.target.external_type, aim.object_type)
    if aim.new_external_type:
        await plan_renames.plan(changes.api, staging, aim)
        notes += plan_renames.notes(aim, changes.limits)
    elif aim.intent is None:
        notes += () if await plan_mappings.plan(changes.api, staging, aim) else (_NEAR_UNKNOWN,)
    else:
        await plan_records.plan(changes.api, staging, aim, reads.lookups, reads.custom_fields)
        await _doubt_taken_off(changes, staging, aim)
    asks = await anyio.to_thread.run_sync(staging.asks)
    if updates := await anyio.to_thread.run_sync(staging.suspicious_updates):
        asks[SUSPICIOUS_UPDATE] = updates
    counts = await anyio.to_thread.run_sync(staging.verdicts)
    asks += Counter({RENAMED: counts["rename"] + counts["delete"]})
    if near_types is not None:
        runs = any(counts[name] for name in ("create", "update", "rename", "suspicious"))
        asks["configuration"] = int(runs)
        notes = (*notes, _not_configured(aim.target, near_types, runs))
    if (
        any(counts[name] for name in ("create", "rename", "suspicious"))
        and await anyio.to_thread.run_sync(staging.newest) is None
    ):
        notes = (*notes, _NEW_UNKNOWN)
    if taken := await anyio.to_thread.run_sync(staging.taken):
        notes = (
            *notes,
            f"{taken:,} key{'s were' if taken > 1 else ' was'} trimmed, unwrapped or completed before being looked up.",
        )
    if unread := current().unread:
        notes = (*notes, f"{unread:,} row{'s' if unread > 1 else ''}{_UNREAD}")
    return {"counts": counts, "asks": asks, "notes": notes, "digest": digest, "team": team}


async def _doubt_taken_off(changes: Changes, staging: Staging, aim: Aim) -> None:
    """Hold back the rows that would create a record under an external id which was taken off one here."""
    created = staging.distinct("external_id", verdict="create")
    while batch := list(islice(created, BATCH)):
        for external_id, line in (await changes.taken_off(map(aim.key, batch))).items():
            was = line.change.key.external_id
            near = "" if was == external_id else f"nearly {quoted(was)}, which "
            why = f"{near}was the external id of record {line.change.object_id} until change {line.operation}"
            await anyio.to_thread.run_sync(staging.doubt, external_id, why)


def _not_configured(aim: Aim, near: Sequence[str], runs: bool) -> str:
    existing = f" (existing are {', '.join(map(quoted, near))})" if near else ""
    what = f"{quoted(aim.external_type)} is not configured for {aim.object_type}{existing}"
    return f"{what}; the run creates the configuration first." if runs else f"{what}."
