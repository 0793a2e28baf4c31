"""The change log, as a test looks at it."""

from salesloft_mcp.app import App
from salesloft_mcp.changes import history
from salesloft_mcp.changes.history import Logged, Search


async def operations(app: App) -> list[Logged]:
    """What was written in this environment, newest first."""
    return await history.find(app.database, Search(tenant=app.environment))


async def last(app: App) -> Logged:
    """The newest operation."""
    return (await operations(app))[0]


async def lines(app: App) -> list[tuple[str, str, str]]:
    """Tool, external id and outcome of every change, oldest first."""
    return [
        (operation.title, line.change.key.external_id, line.state)
        for operation in reversed(await operations(app))
        for line in operation.lines
    ]
