"""Who am I connected to?"""

import math
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.policy import AskMode, Mode
from salesloft_mcp.salesloft.environment import Word, word_of
from salesloft_mcp.server import answers
from salesloft_mcp.server.consent import way_to_ask

NOT_ASKED = "not at all: this client cannot ask"


class Connection(answers.Answer):
    environment: Word = Field(
        description="SANDBOX is an imitation inside this server, LOCAL another server on this machine, LIVE Salesloft."
    )
    base_url: str | None = Field(None, description="The address of the Salesloft API; absent in the sandbox.")
    team_id: int | None = Field(None, description="The id of the team, the tenant_id of its mappings.")
    team: str | None = Field(None, description="The name of the team.")
    user_id: int = Field(description="The id of the user whose token this is.")
    user: str | None = Field(None, description="The name of that user.")
    mode: Mode = Field(description="What the tools may do.")
    ask: AskMode = Field(description="What a person is asked about: deletions and the like, overwrites too, or all.")
    asked: str = Field(description="How a person is asked before a write that needs a yes, with this client.")
    policy: str | None = Field(None, description="What the administrator of this computer limits.")
    limit: int = Field(description="API points that may be spent here in a minute.")
    points_left: int = Field(description="API points of these that are left now.")
    back_in: int = Field(0, description="Seconds until all of them are back; absent where they are.")


async def get_connection(ctx: Context[App, Any]) -> Annotated[CallToolResult, Connection]:
    """Get the connection: the Salesloft team and user logged in, the environment (SANDBOX, LOCAL or LIVE), whether it
    may write, and the API points left until the limit resets. Call it before the first write."""
    app = ctx.request_context.lifespan_context
    me, place = await app.salesloft.me(), await app.changes.place()
    app.changes.log.person = f"{me.name} ({me.id})" if me.name else str(me.id)  # for every write from now on
    way = way_to_ask(ctx)
    view = Connection(
        environment=word_of(app.environment),
        base_url=None if app.sandbox else app.settings.base_url,
        team_id=place.team_id,
        team=place.team or None,
        user_id=me.id,
        user=me.name,
        mode=app.settings.mode,
        ask=app.settings.ask,
        asked=way or NOT_ASKED,
        policy=app.policy.told or None,
        limit=app.budget.limit,
        points_left=app.budget.left(),
        back_in=math.ceil(app.budget.whole_in()),
    )
    team = f"team {place.team_id}" if place.team_id else "a team that cannot be read"
    points = f"{view.points_left} of {view.limit} points a minute are left"
    back = f"; all are back in {answers.count(view.back_in, 'second')}" if view.back_in else ""
    person = f"A person is asked {way}" if way else "Nobody can be asked here"
    return answers.answer(f"{view.environment}, {team}, user {me.id}. {person}. {points}{back}.", view)
