"""Who am I connected to?"""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.answers import View, answer
from salesloft_mcp.text import escaped


class Connection(View):
    environment: str
    base_url: str
    team_id: int
    team: str | None = None
    user_id: int
    user: str | None = None
    mode: str
    confirm: str
    points_left: int
    points_spent: int


async def get_connection(ctx: Context[App, Any]) -> Annotated[CallToolResult, Connection]:
    """Say which Salesloft team, user and environment (SANDBOX or LIVE) every call works on. Ask before any write."""
    app = ctx.request_context.lifespan_context
    me, team = await app.salesloft.me(), await app.salesloft.team()
    environment = "SANDBOX" if app.sandbox else "LIVE"
    view = Connection(
        environment=environment,
        base_url=app.base_url,
        team_id=team.id,
        team=team.name and escaped(team.name),
        user_id=me.id,
        user=me.name and escaped(me.name),
        mode=app.mode,
        confirm=app.confirm,
        points_left=app.budget.left(),
        points_spent=current().points,
    )
    return answer(f"{environment}, team {team.id}, user {me.id}, mode {app.mode}.", view)
