"""What Salesloft answers: who it is, what the token may read, the time, and the points. Reads only, a point each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio
from pydantic import SecretStr

from salesloft_mcp.app import Way
from salesloft_mcp.doctor.readings import Live, Tried
from salesloft_mcp.errors import (
    ForbiddenError,
    NotFoundError,
    SalesloftMcpError,
    SignedOutError,
    UnauthorizedError,
    UnreadRowsError,
)
from salesloft_mcp.policy import Policy
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import Call, open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Credential, Key
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.models import OBJECT_TYPES, Team
from salesloft_mcp.salesloft.rights import READ_CONFIGURATIONS, READ_CUSTOM_FIELDS, READ_MAPPINGS, Right, reads
from salesloft_mcp.sign_in import AGENT

ANSWER_SECONDS = 5.0  # of each request, with all its attempts; two follow each other

_NOBODY = Key(SecretStr("none"))

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Read:
    """A read that costs a point: what is read, and the right that it needs."""

    what: str
    right: Right
    ask: Callable[[Salesloft], Awaitable[object]]

    def __call__(self, api: Salesloft) -> Callable[[], Awaitable[tuple[Tried, int]]]:
        """The read, to be tried: how that ended, and the points it cost."""

        async def trying() -> tuple[Tried, int]:
            call, _, problem = await _asked(self.ask(api))
            is_read = isinstance(problem, UnreadRowsError)  # what it holds is another matter
            return Tried(self.what, self.right, None if is_read else problem), call.points

        return trying


def read_checks(policy: Policy) -> tuple[Read, ...]:
    """What is tried: all that tools read, but for kinds of records that the policy keeps from them."""
    records = [
        Read(kind, reads(kind), partial(Salesloft.list_objects, object_type=kind, filters=(), per_page=1))
        for kind in OBJECT_TYPES
        if kind in policy.object_types
    ]
    return (
        Read("configurations", READ_CONFIGURATIONS, lambda api: api.list_configurations(per_page=1)),
        Read("mappings", READ_MAPPINGS, lambda api: api.list_mappings(per_page=1)),
        *records,
        Read("custom fields", READ_CUSTOM_FIELDS, lambda api: api.custom_fields("people", per_page=1)),
    )


async def read_live(way: Way, credential: Credential, policy: Policy) -> Live:
    """Ask Salesloft: first who it is, and where that is answered, all the rest at once.

    Without a credential it is asked with one that it cannot know: its refusal shows that it is reached.
    """
    budget, begun = Budget(way.settings.rate_limit), anyio.current_time()
    async with _opened(way, credential, budget) as api:
        call, me, problem = await _asked(api.me())
        refusal = problem if isinstance(problem, UnauthorizedError) else None
        if isinstance(refusal, SignedOutError):
            begun = anyio.current_time()
            async with _opened(way, _NOBODY, budget) as nobody:
                call, _, problem = await _asked(nobody.me())
        found = Live(seconds=anyio.current_time() - begun, ahead=_ahead(call), refusal=refusal)
        if isinstance(problem, UnauthorizedError):
            return replace(found, refusal=refusal or problem, points=call.points, left=budget.left())
        if problem is not None and not isinstance(problem, ForbiddenError | NotFoundError):
            return replace(found, problem=problem, points=call.points, left=budget.left())
        teams: list[Team] = []
        team = Read("team", (), lambda api: _into(teams, api.team()))
        (_, cost), *answers = await gather_limited([one(api) for one in (team, *read_checks(policy))])
        return replace(
            found,
            me=me,
            team=teams[0] if teams else None,
            tried=tuple(one for one, _ in answers),
            points=call.points + cost + sum(points for _, points in answers),
            left=budget.left(),
        )


async def _into(found: list[Team], ask: Awaitable[Team]) -> None:
    found.append(await ask)


@asynccontextmanager
async def _opened(way: Way, credential: Credential, budget: Budget) -> AsyncIterator[Salesloft]:
    async with open_http(way.settings.base_url, credential, way.wire, budget, agent=AGENT) as http:
        yield Salesloft(http)


async def _asked(ask: Awaitable[AnswerT]) -> tuple[Call, AnswerT | None, SalesloftMcpError | None]:
    """One request as a call of its own: that call, the answer, or else why there is none."""
    with open_call(ANSWER_SECONDS) as call:
        call.answers = []
        try:
            return call, await ask, None
        except SalesloftMcpError as error:
            return call, None, error


def _ahead(call: Call) -> float | None:
    """By how many seconds this clock is ahead of the one of whoever answered."""
    return call.answers[-1][1].ahead if call.answers else None
