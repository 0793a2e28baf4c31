"""A rename of an external type: which of its mappings would go to another type. Nothing is written to Salesloft."""

import hashlib

import anyio.to_thread

from salesloft_mcp.bulk.plan import Aim, Loaded, hold
from salesloft_mcp.errors import ApiError, InputError, PolicyError
from salesloft_mcp.lookups.configurations import nearest_types
from salesloft_mcp.lookups.objects import find_objects
from salesloft_mcp.policy import Policy
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Mapping, ObjectType
from salesloft_mcp.salesloft.paging import begin_list, live_configurations, pages
from salesloft_mcp.state.staging import NewRow, Staging
from salesloft_mcp.text import quoted


def rename(external_type: str, object_type: ObjectType, new_external_type: str) -> Aim:
    """What the plan of a rename is for.

    Raises:
        InputError: both names are the same.
    """
    if external_type == new_external_type:
        what = f"{quoted(external_type)} is the name that the type has. Nothing was planned."
        raise InputError("new_external_type", what, next_step="give another name.")
    return Aim(external_type, object_type, new_external_type=new_external_type)


async def load_mappings(staging: Staging, aim: Aim, api: Salesloft) -> Loaded:
    """Every live mapping of the type, the newest first, under the digest of them all: a point for a hundred.

    Raises:
        InputError: there is none.
    """
    ask, first = await begin_list(api, aim.external_type, aim.object_type)
    line, read, digest = 0, first.unread, hashlib.sha256()
    async for rows in pages(ask, first):
        read += len(rows)
        own = [row for row in rows if row.object_type == aim.object_type]
        digest.update("".join(f"{row.id} {row.object_id} {row.external_id}\n" for row in own).encode())
        line += staging.add(_staged(number, row) for number, row in enumerate(own, line + 1))
    if not line:
        what = f"no {aim.object_type} have an external id of type {quoted(aim.external_type)}."
        raise InputError("external_type", what, next_step=await _existing(api, aim))
    missed = (first.total or 0) - read
    unseen = (
        f"About {missed:,} mappings were not seen, because others changed the list meanwhile: plan again afterwards."
    )
    return Loaded(digest.hexdigest(), (unseen,) if missed > 0 else ())


async def _existing(api: Salesloft, aim: Aim) -> str:
    """Which types may have been meant; a token that may not see them is told to look elsewhere."""
    try:
        live, _ = await live_configurations(api)
    except ApiError:
        return "ask which external type is meant."
    near = nearest_types(aim.external_type, aim.object_type, live)
    if aim.external_type in near:
        return "the type exists and nothing is mapped under it: there is nothing to rename."
    return f"existing are {', '.join(map(quoted, near))}." if near else "there are no external types for them yet."


async def plan(api: Salesloft, staging: Staging, aim: Aim) -> None:
    """Hold the mappings against their records and against those of the new type, so that each gets its verdict.

    Their external ids are not judged: they are what they were, byte for byte.
    """
    count = await anyio.to_thread.run_sync(staging.count, "ref", "object_id")
    async for batch in find_objects(api, aim.object_type, "object_id", staging.distinct("ref", "object_id"), count):
        staging.found("object_id", batch)
    await hold(api, staging, aim.target)
    await anyio.to_thread.run_sync(staging.do, "renames")


def notes(aim: Aim, limits: Policy) -> tuple[str, ...]:
    """What a person has to know of a rename beside its numbers."""
    old, new = quoted(aim.external_type), quoted(aim.new_external_type)
    told = [f"The configuration of {old} stays; it can be deleted afterwards."]
    if aim.is_respelled:
        told.append(f"{old} and {new} differ in spelling alone, so the run looks each mapping up, a point each.")
    try:
        limits.require_write(removes=True)
    except PolicyError as error:
        told.append(f"It cannot be run here: {error.what.removesuffix(' Nothing was changed.')}")
    return tuple(told)


def _staged(line: int, row: Mapping) -> NewRow:
    return NewRow(line, row.external_id, "object_id", str(row.object_id), mapping_id=row.id)
