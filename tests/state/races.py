"""What each process of a race does with the state; `race_of_processes` names them."""

from salesloft_mcp.changes.approvals import Approvals
from salesloft_mcp.changes.change import Fact, Place
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.state.database import Database

QUESTION = Question(
    "delete_external_id_mapping",
    "Delete this",
    Place("SANDBOX"),
    "digest",
    changes=(("delete", (Fact("external id", '"A-1"'),)),),
)
INSERT = "INSERT INTO operations (tenant, at, who, team, title, how) VALUES ('T', 0, 'w', '', 't', '')"


async def asks(database: Database) -> str:
    """All ask the same."""
    return await Approvals(database).ask("SANDBOX", QUESTION)


async def decides(database: Database) -> bool:
    """All answer the only question that waits; whether that counted."""
    pending = await Approvals(database).pending()
    return bool(pending) and await Approvals(database).decide(pending[0].id, True)


async def writes(database: Database) -> int:
    """All write an operation; its number."""
    return await database.write(lambda tx: tx.insert(INSERT))


async def counts(database: Database) -> int:
    """All read how many changes there are."""
    return len(await database.read(lambda tx: tx.rows("SELECT * FROM changes")))
