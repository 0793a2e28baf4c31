"""Takes away what a trial has made: this one, and earlier ones that were cut off. The change log is their journal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from salesloft_mcp.errors import ApiError, ConflictError
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.requests import PAGE_SIZE
from salesloft_mcp.state.database import Database
from salesloft_mcp.verify.answers import NotToldError, Row
from salesloft_mcp.verify.bench import CONFIGURATIONS, MAPPINGS, PREFIX, TITLE, USERS, Bench

MOST_PAGES = 20  # of one list; a trial makes a handful of mappings

# A key counts until a deletion is the last thing that was done there. What was refused made nothing.
_STANDING = (
    "SELECT DISTINCT one.external_type FROM changes AS one JOIN operations ON operations.id = one.operation"
    " WHERE operations.title = ? AND one.tenant = ? AND operations.team = ?"
    " AND one.outcome IN ('created', 'intended', 'unknown', 'lost')"
    " AND NOT EXISTS (SELECT 1 FROM changes AS later WHERE later.tenant = one.tenant AND later.outcome = 'deleted'"
    " AND later.external_type = one.external_type AND later.object_type = one.object_type"
    " AND later.external_id = one.external_id AND later.id > one.id)"
    " ORDER BY one.external_type"
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
    return [row["external_type"] for row in rows if str(row["external_type"]).startswith(PREFIX)]


async def removed(bench: Bench, external_type: str) -> tuple[int, list[Left]]:
    """Remove what there is of a throw-away type: mappings, then its configuration. How much went, and what is left."""
    number, left = 0, []
    for removing in (_mappings_gone, _configurations_gone):
        try:
            gone, kept = await removing(bench, external_type)
        except (NotToldError, ApiError, ConflictError) as error:
            why = str(error) if isinstance(error, NotToldError) else type(error).__name__
            gone, kept = 0, [Left("anything", external_type, "", None, f"what is there could not be read ({why})")]
        number += gone
        left += kept
    return number, left


async def _mappings_gone(bench: Bench, external_type: str) -> tuple[int, list[Left]]:
    number, left = 0, []
    async for row in _rows(bench, MAPPINGS, external_type):
        external_id, mapping_id = str(row.get("external_id")), _id(row)
        key = MappingKey(external_type, USERS, external_id)
        why = await _deleted(bench, key, row)
        if why:
            left.append(Left("mapping", external_type, external_id, mapping_id, why))
        number += not why
    return number, left


async def _configurations_gone(bench: Bench, external_type: str) -> tuple[int, list[Left]]:
    number, left = 0, []
    async for row in _rows(bench, CONFIGURATIONS, external_type):
        why = await _deleted(bench, MappingKey(external_type, USERS, ""), row)
        if why:
            left.append(Left("configuration", external_type, "", _id(row), why))
        number += not why
    return number, left


async def _deleted(bench: Bench, key: MappingKey, row: Row) -> str:
    """Delete a row, and say why where that cannot be done."""
    try:
        if key.external_id:
            answer = await bench.unmap("removal", key, row)
        else:
            answer = await bench.unconfigure("removal", key.external_type, row.get("id"))
    except NotToldError as error:
        return str(error)
    except (ApiError, ConflictError) as error:
        return f"the deletion failed ({type(error).__name__})"
    return "" if answer.ok or answer.status == 404 else f"Salesloft refused it ({answer.outcome})"


async def _rows(bench: Bench, path: str, external_type: str) -> AsyncIterator[Row]:
    """The live rows of a type. Salesloft may ignore a filter, so each is held against it: nothing of others is touched.

    They are read before the first of them is deleted.
    """
    found: list[Row] = []
    for page in range(1, MOST_PAGES + 1):
        answer = await bench.ask(path, ("external_type", external_type), page=page)
        if not answer.ok:
            raise NotToldError(f"it was answered {answer.outcome}")
        found += answer.rows
        if len(answer.rows) < PAGE_SIZE:
            break
    for row in found:
        if row.get("external_type") == external_type and row.get("deleted") is not True:
            yield row


def _id(row: Row) -> int | None:
    found = row.get("id")
    return found if type(found) is int else None
