"""The program that tries a sandbox until it kills itself."""

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import Author
from salesloft_mcp.verify.trial import verify
from tests.kills import until_killed


async def _tried(app: App) -> None:
    await verify(app.changes, app.database, Author("terminal", "asked in a test"))


if __name__ == "__main__":
    until_killed(_tried)
