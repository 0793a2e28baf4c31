"""Trials on a sandbox, whose log is kept in memory where nobody needs the file."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.store import Row
from salesloft_mcp.state.database import Database
from salesloft_mcp.verify.bench import PREFIX
from salesloft_mcp.verify.report import Report
from salesloft_mcp.verify.trial import verify
from tests.salesloft.opened import opened

HERE = "SANDBOX"
TEAM = 100013
YES = Author("terminal", "asked in a test")


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(Database(None)) as database:
        yield database


def changes_of(api: Salesloft, database: Database) -> Changes:
    """The writes of this environment, which wait for nobody."""
    return Changes(api, ChangeLog(database, HERE), Configurations(api), HERE, quiet=0.0, sent_seconds=-1.0)


async def verified(sandbox: Sandbox, database: Database, token: str = "") -> Report:
    """One trial."""
    async with opened(sandbox, token=token) as api:
        return await verify(changes_of(api, database), database, YES)


def standing(sandbox: Sandbox) -> list[Row]:
    """What live rows of trials there are."""
    rows = [*sandbox.store.select("mappings"), *sandbox.store.select("configurations")]
    return [row for row in rows if row["external_type"].startswith(PREFIX) and not row["deleted"]]


def of_others(sandbox: Sandbox) -> list[list[Row]]:
    """Everything else that there is."""
    tables = [sandbox.store.select(table) for table in ("configurations", "mappings", "people", "accounts", "users")]
    return [[row for row in rows if not str(row.get("external_type")).startswith(PREFIX)] for rows in tables]
