"""Who am I connected to?"""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.answers import PointsSpent, View, answer
from salesloft_mcp.settings import ConfirmMode, Mode
from salesloft_mcp.text import escaped


class Connection(View):
    environment: Literal["SANDBOX", "LIVE"] = Field(description="SANDBOX is a local imitation without real data.")
    base_url: str = Field(description="The address of the Salesloft API.")
    team_id: int = Field(description="The id of the team, the tenant_id of its mappings.")
    team: str | None = Field(None, description="The name of the team.")
    user_id: int = Field(description="The id of the user whose token this is.")
    user: str | None = Field(None, description="The name of that user.")
    mode: Mode = Field(description="What the tools may do.")
    confirm: ConfirmMode = Field(description="How a human is asked before something is deleted or stopped.")
    points_left: int = Field(description="API points that are left in this minute.")
    points_spent: PointsSpent


async def get_connection(ctx: Context[App, Any]) -> Annotated[CallToolResult, Connection]:
    """Get the connection: team, user and environment (SANDBOX or LIVE) that every call works on. Call it before the
    first write."""
    app = ctx.request_context.lifespan_context
    me, team = await app.salesloft.me(), await app.salesloft.team()
    environment: Literal["SANDBOX", "LIVE"] = "SANDBOX" if app.sandbox else "LIVE"
    view = Connection(
        environment=environment,
        base_url=app.settings.base_url,
        team_id=team.id,
        team=team.name and escaped(team.name),
        user_id=me.id,
        user=me.name and escaped(me.name),
        mode=app.settings.mode,
        confirm=app.settings.confirm,
        points_left=app.budget.left(),
        points_spent=current().points,
    )
    return answer(f"{environment}, team {team.id}, user {me.id}, mode {app.settings.mode}.", view)
