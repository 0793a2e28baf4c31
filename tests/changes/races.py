"""What each process of a race does with the log; `race_of_processes` names them."""

from dataclasses import replace

from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Author, Operation
from salesloft_mcp.changes.log import ChangeLog, HeldError, UsedError
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database

from .world import ANN, KEY, NOBODY, PLACE, TENANT

YES = Author("local", "asked through the client", "digest")


async def begins(database: Database) -> str:
    """All write at the same key."""
    return "held" if await _begun(database, KEY, NOBODY) is HeldError else "begun"


async def spends(database: Database) -> str:
    """All use the same yes, each at a key of its own."""
    number = await ChangeLog(database, TENANT).begin_run(Operation("a run", ()), PLACE, NOBODY)
    key = replace(KEY, external_id=f"NEW-{number}")
    return "used" if await _begun(database, key, YES) is UsedError else "spent"


async def _begun(database: Database, key: MappingKey, author: Author) -> type[Exception] | None:
    operation = Operation("a test", (mappings.creation(key, ANN),))
    try:
        await ChangeLog(database, TENANT).begin(operation, PLACE, author, ["intended"])
    except (HeldError, UsedError) as error:
        return type(error)
    return None
