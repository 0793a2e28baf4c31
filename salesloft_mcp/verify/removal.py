"""Takes away what a trial has made: this one, and earlier ones that were cut off. The change log is their journal."""

from contextlib import suppress
from dataclasses import dataclass

from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.errors import ApiError
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.requests import PAGE_SIZE
from salesloft_mcp.state.database import Database, Transaction
from salesloft_mcp.verify.answers import NotToldError, Row
from salesloft_mcp.verify.bench import CONFIGURATIONS, MAPPINGS, PREFIX, TITLE, USERS, Bench

MOST_PAGES = 20  # of one list; a trial makes a handful of mappings
_REFUSED = "Salesloft refused it"

# A key counts until a deletion is the last thing that was done there, or was found to be done. What was refused made
# nothing.
_STANDING = (
    "SELECT DISTINCT one.external_type, one.external_id, one.kind, one.outcome IN ('created', 'lost') AS settled"
    " FROM changes AS one JOIN operations ON operations.id = one.operation"
    " WHERE operations.title = ? AND one.tenant = ? AND operations.team = ?"
    " AND one.outcome IN ('created', 'intended', 'unknown', 'lost')"
    " AND NOT EXISTS (SELECT 1 FROM changes AS later WHERE later.tenant = one.tenant AND later.after IS NULL"
    " AND later.outcome IN ('deleted', 'unchanged')"
    " AND later.external_type = one.external_type AND later.object_type = one.object_type"
    " AND later.external_id = one.external_id AND later.id > one.id)"
)
# The newest of a key comes last.
_CREATED = (
    "SELECT changes.external_id, json_extract(changes.after, '$.id') AS id FROM changes"
    " JOIN operations ON operations.id = changes.operation WHERE changes.tenant = ? AND operations.title = ?"
    " AND changes.external_type = ? AND changes.kind = 'mapping' AND changes.outcome = 'created' ORDER BY changes.id"
)


@dataclass(frozen=True, slots=True)
class Left:
    """Something that a trial has made and that is still there. `row_id` is its own id, where Salesloft shows it."""

    kind: str
    external_type: str
    external_id: str
    row_id: int | None
    why: str


async def unremoved(database: Database, environment: str, team: str) -> list[str]:
    """The external types of trials of which something may still be there."""
    rows = await database.read(lambda tx: tx.rows(_STANDING, TITLE, environment, team))
    return sorted({row["external_type"] for row in rows if str(row["external_type"]).startswith(PREFIX)})


async def removed(bench: Bench, external_type: str) -> tuple[int, list[Left]]:
    """Remove what there is of a throw-away type: mappings, then its configuration. How much went, and what is left."""
    number, left = await _gone(bench, external_type, MAPPINGS)
    if any(one.why.startswith(_REFUSED) for one in left):
        with suppress(NotToldError, ApiError):  # it may be because the configuration is gone, and only then
            await bench.configure("removal", external_type)
            more, left = await _gone(bench, external_type, MAPPINGS)
            number += more
    more, kept = await _gone(bench, external_type, CONFIGURATIONS)
    return number + more, [*left, *kept]


async def write_down_absent(bench: Bench, external_type: str) -> None:
    """What an earlier trial made and is not there, though nothing here deleted it, is not looked for again: a person
    removed it, or it went with its configuration.
    """
    log, place = bench.changes.log, await bench.changes.place()
    rows = await log.database.read(lambda tx: tx.rows(_STANDING, TITLE, bench.changes.environment, place.team_key))
    absent = tuple(
        Change(row["kind"], MappingKey(external_type, USERS, row["external_id"]), {}, None)
        for row in rows
        if row["external_type"] == external_type and row["settled"]
    )
    if absent:
        await log.begin(Operation(TITLE, absent), place, bench.author, ["unchanged"] * len(absent))


async def _gone(bench: Bench, external_type: str, path: str) -> tuple[int, list[Left]]:
    """The mappings, or the configurations, of a type."""
    number, left = 0, []
    try:
        rows = await _rows(bench, path, external_type)
    except (NotToldError, ApiError) as error:
        return 0, [Left("anything", external_type, "", None, f"what is there could not be read ({_words(error)})")]
    for row in await _with_ids(bench, external_type, rows) if path == MAPPINGS else rows:
        external_id = str(row.get("external_id")) if path == MAPPINGS else ""
        if why := await _why_not_deleted(bench, MappingKey(external_type, USERS, external_id), row):
            found = row.get("id")
            kind = "mapping" if path == MAPPINGS else "configuration"
            left.append(Left(kind, external_type, external_id, found if type(found) is int else None, why))
        number += not why
    return number, left


async def _with_ids(bench: Bench, external_type: str, rows: list[Row]) -> list[Row]:
    """Mappings with their ids, where Salesloft shows them only in what is created, and so in the change log."""

    def created(tx: Transaction) -> dict[str, int]:
        here = (bench.changes.environment, TITLE, external_type)
        return {row["external_id"]: row["id"] for row in tx.rows(_CREATED, *here) if row["id"] is not None}

    known = await bench.changes.log.database.read(created)
    return [row if row.get("id") is not None else {**row, "id": known.get(str(row.get("external_id")))} for row in rows]


async def _why_not_deleted(bench: Bench, key: MappingKey, row: Row) -> str:
    """Delete a row; why that is not done, or nothing."""
    path = MAPPINGS if key.external_id else CONFIGURATIONS
    try:
        if key.external_id:
            answer = await bench.unmap("removal", key, row)
        else:
            answer = await bench.unconfigure("removal", key.external_type, row.get("id"))
        if answer.ok:
            return ""
        there = [one.get("id") for one in await _rows(bench, path, key.external_type)]
    except (NotToldError, ApiError) as error:
        return _words(error)
    return f"{_REFUSED} ({answer.outcome})" if row.get("id") in there else ""


def _words(error: Exception) -> str:
    """Words of ours alone: what Salesloft says may be about somebody."""
    return str(error) if isinstance(error, NotToldError) else f"the request failed ({type(error).__name__})"


async def _rows(bench: Bench, path: str, external_type: str) -> list[Row]:
    """The live rows of a type. Salesloft may ignore a filter, so each is held against it: nothing of others is touched.

    Raises:
        NotToldError: they are not shown.
    """
    found: list[Row] = []
    for page in range(1, MOST_PAGES + 1):
        answer = await bench.ask(path, ("external_type", external_type), page=page)
        if not answer.ok:
            raise NotToldError(f"it was answered {answer.outcome}")
        if (answer.data and not answer.rows) or not all(isinstance(one, str) for one in answer.values("external_type")):
            raise NotToldError("what is listed shows no external types")
        found += answer.rows
        if len(answer.rows) < PAGE_SIZE:
            break
    return [row for row in found if row.get("external_type") == external_type and row.get("deleted") is not True]
