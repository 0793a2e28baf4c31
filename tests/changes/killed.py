"""Operations of every kind, and the program that carries one out until it kills itself."""

import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes import configurations, history, mappings, records
from salesloft_mcp.changes.change import Author, Change, Operation
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import MappingKey
from tests.kills import until_killed

ANN, BEN = 207550001, 207550002
ROWS = 5

Build = Callable[[App, str], Awaitable[Operation]]
Prepare = Callable[[App, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """An operation that `build` makes of what `prepare` left; a tag keeps all that belongs to one trial together."""

    name: str
    prepare: Prepare
    build: Build


def key(tag: str, external_id: str) -> MappingKey:
    """Every trial has an external type of its own."""
    return MappingKey(f"erp {tag}", "people", external_id)


def email(tag: str, number: int = 0) -> str:
    """Of the person who is there before, or of one of those that a run creates."""
    return f"{tag}-{number}@killed.test"


async def carry_out(app: App, operation: Operation) -> None:
    """As the tools do it: the changes of a call, and then what takes a run."""
    yes, number = Author(how="asked in a test", consent=secrets.token_hex(8)), 0
    if operation.changes:
        done = await app.changes.apply(operation, yes)
        yes, number = Author(how=yes.how), done.number
        if done.error is not None:
            raise done.error
    if operation.undoes and operation.by_run.plan:
        await app.jobs.start_undo(operation, yes, number)
    elif operation.by_run.plan:
        await app.jobs.start(operation, yes)
    if operation.by_run.plan:
        await app.jobs.wait(operation.by_run.plan, 60)


async def configured(app: App, tag: str) -> None:
    await app.salesloft.create_configuration(f"erp {tag}", "people")


async def mapped(app: App, tag: str) -> None:
    await configured(app, tag)
    for external_id, object_id in (("old", ANN), ("other", BEN)):
        await app.salesloft.create_mapping(f"erp {tag}", "people", external_id, object_id)


async def recorded(app: App, tag: str) -> None:
    await configured(app, tag)
    await app.salesloft.upsert_person(f"erp {tag}", "old", PersonFields(email_address=email(tag), title="CFO"))


async def planned(app: App, tag: str) -> None:
    await configured(app, tag)
    rows = [{"external_id": f"row {number}", "object_id": ANN + number} for number in range(ROWS)]
    await _plan(app, Aim(f"erp {tag}", "people"), rows, Counter(create=ROWS))


async def planned_upserts(app: App, tag: str) -> None:
    """People to create, one to update, one who is as the row says, and one whom Salesloft will refuse."""
    await recorded(app, tag)
    same = PersonFields(email_address=email(tag, 1), title="CTO")
    await app.salesloft.upsert_person(f"erp {tag}", "same", same)
    new: list[dict[str, object]] = [
        {"external_id": f"new {number}", "email_address": email(tag, number), "title": "CMO"} for number in (2, 3, 4)
    ]
    rows: list[dict[str, object]] = [
        {"external_id": "old", "title": "COO", "custom_fields": {"Legacy ID": "L-1"}},
        {"external_id": "same", "title": "CTO"},
        *new[:2],
        {**new[2], "account_id": 1},
    ]
    await _plan(app, Aim(f"erp {tag}", "people", "upsert"), rows, Counter(create=3, update=1, unchanged=1))


async def _plan(app: App, aim: Aim, rows: list[dict[str, object]], counts: Counter[str]) -> None:
    plan = await app.jobs.plan(aim, partial(load_rows, rows=rows), "rows")
    status = await app.jobs.wait(plan, 60)
    assert (status.state, status.plan.counts) == ("planned", counts), status


async def nothing(app: App, tag: str) -> None:
    """Nothing stands there before."""


async def _deletion(app: App, tag: str) -> Change:
    (row,) = await mappings.read(app.salesloft, key(tag, "old"))
    return mappings.deletion(key(tag, "old"), row)


async def create_mapping(app: App, tag: str) -> Operation:
    change = await as_it_stands(app.salesloft, mappings.creation(key(tag, "new"), ANN))
    return Operation("create mapping", (change,), read_at=time.monotonic())


async def delete_mapping(app: App, tag: str) -> Operation:
    return Operation("delete mapping", (await _deletion(app, tag),), read_at=time.monotonic())


async def re_key(app: App, tag: str) -> Operation:
    new = await as_it_stands(app.salesloft, mappings.creation(key(tag, "new"), ANN))
    return Operation("re-key", (new, await _deletion(app, tag)), read_at=time.monotonic())


async def move(app: App, tag: str) -> Operation:
    new = mappings.creation(key(tag, "old"), BEN)
    return Operation("move", (await _deletion(app, tag), new), read_at=time.monotonic())


async def configure(app: App, tag: str) -> Operation:
    change = configurations.creation(configurations.key_of(f"erp {tag}", "people"))
    return Operation("configure", (await as_it_stands(app.salesloft, change),), read_at=time.monotonic())


async def unconfigure(app: App, tag: str) -> Operation:
    about = configurations.key_of(f"erp {tag}", "people")
    (row,) = await configurations.read(app.salesloft, about)
    number = await configurations.count(app.salesloft, about)
    return Operation("unconfigure", (Change("configuration", about, row, None),), number, read_at=time.monotonic())


async def upsert_new(app: App, tag: str) -> Operation:
    fields = PersonFields(email_address=email(tag), title="CFO")
    change = await records.upsert(app.salesloft, key(tag, "new"), fields, "create_only")
    return Operation("upsert", (change,), read_at=time.monotonic())


async def upsert_old(app: App, tag: str) -> Operation:
    fields = PersonFields(title="COO", custom_fields={"Legacy ID": "L-1"})
    change = await records.upsert(app.salesloft, key(tag, "old"), fields, "update_only")
    return Operation("upsert", (change,), read_at=time.monotonic())


async def run(app: App, tag: str) -> Operation:
    (status,) = await app.plans.newest(1)
    return operation_of(await app.plans.status(status.plan.id))


async def undo_newest(app: App, tag: str) -> Operation:
    (newest, *_) = await history.find(app.database, limit=1)
    return await undo(app.changes, app.database, newest.id)


def undo_of(kind: Kind) -> Kind:
    """Taking back what the kind does."""

    async def prepare(app: App, tag: str) -> None:
        await kind.prepare(app, tag)
        await carry_out(app, await kind.build(app, tag))

    return Kind(f"undo {kind.name}", prepare, undo_newest)


_FORWARD = (
    Kind("create mapping", configured, create_mapping),
    Kind("delete mapping", mapped, delete_mapping),
    Kind("re-key", mapped, re_key),
    Kind("move", mapped, move),
    Kind("create configuration", nothing, configure),
    Kind("delete configuration", mapped, unconfigure),
    Kind("upsert that creates", configured, upsert_new),
    Kind("upsert that updates", recorded, upsert_old),
    Kind("run", planned, run),
    Kind("run of upserts", planned_upserts, run),
)
KINDS = {kind.name: kind for kind in (*_FORWARD, *map(undo_of, _FORWARD))}


async def _carried_out(app: App, name: str, tag: str) -> None:
    await carry_out(app, await KINDS[name].build(app, tag))


if __name__ == "__main__":
    until_killed(_carried_out)
