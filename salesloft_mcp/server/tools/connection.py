"""Who am I connected to?"""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.policy import AskMode, ConfirmMode, Mode
from salesloft_mcp.server import answers


class Connection(answers.Answer):
    environment: Literal["SANDBOX", "LIVE"] = Field(description="SANDBOX is a local imitation without real data.")
    base_url: str = Field(description="The address of the Salesloft API.")
    team_id: int | None = Field(None, description="The id of the team, the tenant_id of its mappings.")
    team: str | None = Field(None, description="The name of the team.")
    user_id: int = Field(description="The id of the user whose token this is.")
    user: str | None = Field(None, description="The name of that user.")
    mode: Mode = Field(description="What the tools may do.")
    ask: AskMode = Field(description="What a person is asked about: deletions and the like, overwrites too, or all.")
    confirm: ConfirmMode = Field(description="How a person is asked before a write that needs a yes.")
    policy: str | None = Field(None, description="What the administrator of this computer limits, and in which file.")
    points_left: int = Field(description="API points that are left in this minute.")


async def get_connection(ctx: Context[App, Any]) -> Annotated[CallToolResult, Connection]:
    """Get the connection: team, user and environment (SANDBOX or LIVE) that every call works on. Call it before the
    first write."""
    app = ctx.request_context.lifespan_context
    me, place = await app.salesloft.me(), await app.changes.place()
    view = Connection(
        environment="SANDBOX" if app.sandbox else "LIVE",
        base_url=app.settings.base_url,
        team_id=place.team_id,
        team=place.team or None,
        user_id=me.id,
        user=me.name,
        mode=app.settings.mode,
        ask=app.settings.ask,
        confirm=app.settings.confirm,
        policy=app.policy.line or None,
        points_left=app.budget.left(),
    )
    team = f"team {place.team_id}" if place.team_id else "a team that cannot be read"
    return answers.answer(f"{view.environment}, {team}, user {me.id}, mode {view.mode}.", view)
