"""The three kinds of change, and what each of them can do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, mappings, records
from salesloft_mcp.changes.change import Change, Fact, Image, Kind, State, Verdict, judge
from salesloft_mcp.changes.spelling import same
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey


class Deeds(Protocol):
    """A module for each kind of change."""

    async def read(self, api: Salesloft, key: MappingKey) -> list[Image]:
        """What stands at a key now."""

    async def send(self, api: Salesloft, change: Change) -> tuple[State, Image | None]:
        """Carry out the change, once; what happened, and what stands there then."""

    def fits(self, row: Image, wanted: Image) -> bool:
        """Whether a row is as it is wanted."""

    async def back(self, api: Salesloft, change: Change) -> tuple[Change, list[str]]:
        """The change that takes this one back, and what does not come back with it."""

    def conflict(self, change: Change, rows: list[Image]) -> errors.ConflictError:
        """What is wrong when something else stands there."""

    def facts(self, change: Change) -> list[Fact]:
        """What a person is told of it."""


KINDS: Mapping[Kind, Deeds] = {"mapping": mappings, "configuration": configurations, "record": records}


def stands_already(change: Change) -> bool:
    """Whether what was read is what is wanted, so that nothing has to be sent."""
    if change.before is None or change.after is None:
        return False
    return KINDS[change.kind].fits(change.before, change.after)


def standing(change: Change, rows: list[Image]) -> Image | None:
    """What is there of what a change wants; None where it is not done, or wants that nothing is there."""
    if change.after is None:
        return None
    return next((change.part(row) for row in rows if KINDS[change.kind].fits(row, change.after)), None)


def taken_in_part(change: Change, rows: list[Image]) -> Image | None:
    """What stands there of a record that was written, where some of its fields are new and all others as they were:
    Salesloft keeps fields without a word. None where anything else stands there.
    """
    wanted, before = one_by_one(change.after or {}), one_by_one(change.before or {})
    for row in rows if change.kind == "record" else ():
        there = one_by_one(row)
        taken = [name for name, value in wanted.items() if same(name, there.get(name), value)]
        is_new = any(not same(name, before.get(name), wanted[name]) for name in taken)
        kept = wanted.keys() - taken
        if is_new and all(same(name, there.get(name), before.get(name)) for name in kept):
            return change.part(row)
    return None


def one_by_one(image: Image) -> Image:
    """The fields of a record, and its custom fields beside them."""
    custom = image.get("custom_fields")
    fields = {name: value for name, value in image.items() if name not in ("id", "custom_fields")}
    return {
        **fields,
        **({f"custom field {name}": one for name, one in custom.items()} if isinstance(custom, dict) else {}),
    }


async def judged(api: Salesloft, change: Change) -> tuple[Verdict, list[Image]]:
    """What stands at the key of a change now, and what that says of it."""
    return held_against(change, await KINDS[change.kind].read(api, change.key))


def held_against(change: Change, rows: list[Image]) -> tuple[Verdict, list[Image]]:
    """What the rows that stand at the key of a change say of it, and which of them it is about."""
    if change.kind == "record" and change.before is not None:  # another record may hold the same values
        rows = [row for row in rows if row.get("id") == change.object_id and records.shows(row)]
    return judge(change, rows, KINDS[change.kind].fits), rows


async def read_again(api: Salesloft, changes: Sequence[Change]) -> tuple[tuple[Change, ...], list[Verdict]]:
    """The changes of an operation with what stands there already, and what is to be said of each.

    Raises:
        ConflictError: something else stands there now.
    """
    now: list[Change] = []
    verdicts: list[Verdict] = []
    read: list[tuple[Change, list[Image]]] = []
    for change in changes:
        earlier = next((one for one in read if one[0].key == change.key), None)  # which has to be done before
        verdict, rows = _judged_after(change, *earlier) if earlier else await judged(api, change)
        read.append((change, rows))
        if verdict == "conflict":
            raise conflict(change, rows)
        now.append(replace(change, before=standing(change, rows) or change.before))
        verdicts.append(verdict)
    return tuple(now), verdicts


def _judged_after(change: Change, earlier: Change, rows: list[Image]) -> tuple[Verdict, list[Image]]:
    """What is to be said of a change at whose key `earlier` is made before it, where `rows` stand until then."""
    if (change.kind, earlier.kind, earlier.after) != ("mapping", "mapping", None):
        return expected(change), []
    return held_against(change, [row for row in rows if not mappings.fits(row, earlier.before or {})])


def expected(change: Change) -> Verdict:
    """What a look would say if nothing has changed since the change was made."""
    return "done" if stands_already(change) else "open"


def conflict(change: Change, rows: list[Image]) -> errors.ConflictError:
    """What is wrong when something else stands there, or nothing any more."""
    if rows:
        return KINDS[change.kind].conflict(change, rows)
    gone = "gone, or hidden from this token" if change.kind == "record" else "gone"
    what = f"the {change.kind} that stood there is {gone}. Nothing was changed."
    return errors.ConflictError(what, next_step="make the same call again.")


async def as_it_stands(api: Salesloft, change: Change) -> Change:
    """A change held against what stands at its key now, which becomes its `before`.

    Raises:
        ConflictError: something else stands there, or what it would delete has no id.
        MissingError: what it would delete is not there.
    """
    verdict, rows = await judged(api, change)
    if verdict == "conflict":
        raise conflict(change, rows)
    if change.after is None:
        fitting = [row for row in rows if KINDS[change.kind].fits(row, change.before or {})]
        if not fitting:
            why = "is gone, and something else stands in its place" if rows else "is gone already"
            raise errors.MissingError(f"what it would delete {why}.", next_step=errors.LOOK)
        if len(fitting) > 1:
            raise errors.ConflictError(f"{len(fitting)} of them fit, and only one was meant.", next_step=errors.LOOK)
        if change.kind == "mapping":
            return mappings.deletion(change.key, await mappings.with_id(api, change.key, fitting[0]))
        return replace(change, before=fitting[0])
    return replace(change, before=standing(change, rows)) if verdict == "done" and change.before is None else change
