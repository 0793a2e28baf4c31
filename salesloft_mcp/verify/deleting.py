"""What a deletion leaves."""

from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.verify.answers import NotToldError
from salesloft_mcp.verify.bench import CHARACTERS, CONFIGURATIONS, MAIN, USERS, Bench
from salesloft_mcp.verify.check import NOBODY, Check

_LIVE, _DELETED = ("deleted", "false"), ("deleted", "true")


async def _configuration(bench: Bench) -> str:
    row = bench.done("a type with a slash").row
    await bench.unconfigure("a deleted configuration", bench.slashed, row.get("id"))
    again = await bench.unconfigure("a configuration deleted twice", bench.slashed, row.get("id"))
    listed = await bench.ask(CONFIGURATIONS, ("external_type", bench.slashed))
    found = [one for one in listed.rows if one.get("id") == row.get("id")]
    shown = "gone" if not found else "marked as deleted" if found[0].get("deleted") is True else "live"
    return f"{shown}, a second time {again.outcome}"


async def _second_time(bench: Bench) -> str:
    bench.done("a mapping")
    listed = (await bench.mappings(_LIVE)).rows
    rows = [row for row in listed if row.get("external_id") == MAIN and row.get("deleted") is not True]
    if not rows:
        raise NotToldError("the mapping is not listed")
    key = MappingKey(bench.external_type, USERS, MAIN)
    row = {"id": bench.done("a mapping").row.get("id"), **rows[0]}
    await bench.unmap("a deleted mapping", key, row)
    return (await bench.unmap("a mapping deleted twice", key, row)).outcome


async def _status(bench: Bench) -> str:
    """Of every deletion that was tried for the first time."""
    seen = {bench.said[name].outcome for name in ("a deleted configuration", "a deleted mapping") if name in bench.said}
    if not seen:
        raise NotToldError("nothing could be deleted")
    return " and ".join(sorted(seen))


async def _soft(bench: Bench) -> str:
    bench.done("a deleted mapping")
    return "marked as deleted" if await _listed(bench, _DELETED) else "gone"


async def _without_deleted(bench: Bench) -> str:
    await _require_marked(bench)
    return "live and deleted ones" if await _listed(bench) else "live ones alone"


async def _deleted_filter(bench: Bench) -> str:
    await _require_marked(bench)
    return "it is ignored" if await _listed(bench, _LIVE) else "it selects"


async def _not_found(bench: Bench) -> str:
    bench.done("a deleted mapping")
    return "found" if (await bench.records(MAIN)).rows else "not found"


async def _again(bench: Bench) -> str:
    bench.done("a deleted mapping")
    answer = await bench.map("a deleted mapping again", MAIN)
    return "accepted" if answer.ok else answer.outcome


async def _outlive(bench: Bench) -> str:
    row = bench.done("a throw-away type").row
    before = await _live(bench)
    if not before:
        raise NotToldError("no mapping is left that could go with it")
    answer = await bench.unconfigure("a deleted throw-away type", bench.external_type, row.get("id"))
    bench.done("a deleted throw-away type")
    return "they stay" if answer.ok and await _live(bench) == before else "they go with it"


async def _live(bench: Bench) -> list[str]:
    rows = (await bench.mappings(_LIVE)).rows
    live = [row.get("external_id") for row in rows if row.get("deleted") is not True]
    return [external_id for external_id in (MAIN, CHARACTERS) if external_id in live]


async def _listed(bench: Bench, *query: tuple[str, str]) -> bool:
    """Whether the list of the deleted mapping shows it as deleted."""
    rows = (await bench.mappings(("external_id", MAIN), *query)).rows
    return any(row.get("external_id") == MAIN and row.get("deleted") is True for row in rows)


async def _require_marked(bench: Bench) -> None:
    """
    Raises:
        NotToldError: nothing was deleted, or nothing is left of it.
    """
    bench.done("a deleted mapping")
    if not await _listed(bench, _DELETED):
        raise NotToldError("deleted mappings are not shown at all")


DELETING = (
    Check(
        "configuration-soft-delete",
        "Deleting a configuration is soft, and a second time is a 404",
        NOBODY,
        "DELETE the configuration of the type with the slash twice, and list it",
        ("marked as deleted, a second time 404",),
        "Nothing is at risk: what is gone counts as deleted, and what is shown is read by its `deleted`.",
        4,
        _configuration,
    ),
    Check(
        "second-delete",
        "Deleting a mapping a second time is a 404",
        NOBODY,
        "DELETE the first mapping twice",
        ("404",),
        "A mapping that somebody else has deleted meanwhile may be told as deleted here.",
        5,
        _second_time,
    ),
    Check(
        "delete-status",
        "A deletion is answered 204",
        "the guide and the reference say so",
        "what these deletions were answered with",
        ("204",),
        "Every deletion takes two seconds and a point more, because it is looked up whether it was done.",
        0,
        _status,
    ),
    Check(
        "soft-delete",
        "A deleted mapping stays in the list, marked as deleted",
        "the guide means by it whether the object still exists, the reference whether the mapping is deleted",
        "GET mappings with deleted=true",
        ("marked as deleted",),
        "Deleted mappings cannot be listed; the change log still has those that were deleted here.",
        1,
        _soft,
    ),
    Check(
        "list-without-deleted",
        "A list without `deleted` holds live and deleted rows alike",
        NOBODY,
        "GET mappings without deleted",
        ("live and deleted ones",),
        "Nothing is at risk: `deleted` is always sent where it matters.",
        2,
        _without_deleted,
    ),
    Check(
        "deleted-filter",
        "`deleted=false` leaves deleted mappings out",
        "the reference names the filter",
        "GET mappings with deleted=false",
        ("it selects",),
        "Look-ups read more rows than they need; deleted ones are left out here, and never resolve.",
        2,
        _deleted_filter,
    ),
    Check(
        "deleted-finds-nothing",
        "A deleted mapping finds no record",
        NOBODY,
        "GET users by the id of the deleted mapping",
        ("not found",),
        "Records may still be found, and upserted, by an id that was deleted: look at the mappings first.",
        1,
        _not_found,
    ),
    Check(
        "map-again",
        "A deleted external id can be mapped again",
        NOBODY,
        "POST the deleted mapping again",
        ("accepted",),
        "A deletion cannot be undone, and an external id cannot be moved to another record.",
        3,
        _again,
    ),
    Check(
        "mappings-outlive-configuration",
        "Deleting a configuration leaves its mappings",
        NOBODY,
        "DELETE the configuration while a mapping uses it, and list that mapping",
        ("they stay",),
        "Mappings go with their configuration: an undo creates each of them again, up to 10,000.",
        3,
        _outlive,
    ),
)
