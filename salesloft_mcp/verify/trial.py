"""One trial: what earlier ones left is removed, every check is tried once, and what was made is removed again."""

from dataclasses import dataclass, field

import anyio

from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author
from salesloft_mcp.errors import ApiError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned
from salesloft_mcp.verify.answers import NotToldError
from salesloft_mcp.verify.bench import PREFIX, Bench, new_type
from salesloft_mcp.verify.check import Check
from salesloft_mcp.verify.removal import Left, removed, unremoved, write_down_absent
from salesloft_mcp.verify.report import Finding, Made, Report
from salesloft_mcp.verify.table import CHECKS, NOT_TRIED

BEFORE = 2  # points for the team and the user
MAPPINGS = 6  # that a trial makes at the most
REMOVAL = 6 + 6 * MAPPINGS  # points to look at a type, to delete what is there, and to try again what is refused
PATIENCE_SECONDS = 600.0  # for the whole trial: a minute's points may be spent by others, more than once
REMOVAL_SECONDS = 60.0  # after that, or after a trial was stopped, in which it still takes away what it made
_NO_TIME = "it took too long to look what is there; the next trial looks again"


def points(earlier: int = 0) -> int:
    """What a trial costs at the most, where so many types of earlier ones are looked at, too."""
    return BEFORE + sum(check.points for check in CHECKS) + (1 + earlier) * REMOVAL


@dataclass
class _Removal:
    number: int = 0
    left: list[Left] = field(default_factory=list)

    async def of(self, bench: Bench, external_type: str) -> bool:
        """Remove what there is of a type; whether nothing is left of it."""
        number, left = await removed(bench, external_type)
        self.number += number
        self.left += left
        return not left


async def waiting(changes: Changes, database: Database) -> int:
    """How many types of earlier trials may still hold something."""
    return len(await unremoved(database, changes.environment, (await changes.place()).team_key))


async def verify(changes: Changes, database: Database, author: Author) -> Report:
    """Try every check on the team of the token. Its own user is mapped, under types that nobody else uses.

    Raises:
        ApiError: the user or the team cannot be read; nothing was made.
    """
    with open_call(PATIENCE_SECONDS) as call:
        place = await changes.place()
        user = await changes.api.me()
        now = changes.log.clock()
        bench = Bench(changes, author, call, new_type(now), user.id, place.team_id)
        earlier, removal = _Removal(), _Removal()
        await _settle_cut_off(changes)
        for one in await unremoved(database, changes.environment, place.team_key):
            if await earlier.of(bench, one):
                await write_down_absent(bench, one)
        try:
            findings = [await _tried(check, bench) for check in CHECKS]
        finally:
            call.renew(REMOVAL_SECONDS)
            for one in (bench.external_type, bench.slashed, bench.unconfigured):
                with anyio.move_on_after(REMOVAL_SECONDS / 3, shield=True) as scope:
                    await removal.of(bench, one)
                if scope.cancelled_caught:
                    removal.left.append(Left("anything", one, "", None, _NO_TIME))
        seen = {one.name: one.seen for one in findings if one.verdict != "not tried"}
        await Learned(database, changes.environment).keep(place.team_key, seen)
        findings += [Finding("", "not tried", one.assumption, "", "", (), one.why) for one in NOT_TRIED]
        left = (*earlier.left, *removal.left)
        made = Made(bench.external_type, bench.made, earlier.number, left)
        return Report(changes.environment, place.team_id, now, tuple(findings), made, call.points)


async def _settle_cut_off(changes: Changes) -> None:
    """Look what became of the writes at which earlier trials were killed; those of others may be many, and older."""
    before, after = changes.log.clock() - changes.sent_seconds, 0
    while lines := await changes.log.unsettled(before, after):
        after = lines[-1].id
        for line in lines:
            if line.change.key.external_type.startswith(PREFIX):
                await changes.settle_cut_off(line)


async def _tried(check: Check, bench: Bench) -> Finding:
    row = check.assumption, check.source, check.how, check.expected
    try:
        seen = await check.seen(bench)
    except NotToldError as why:
        return Finding(check.name, "not tried", *row, str(why))
    except ApiError as error:
        return Finding(check.name, "not tried", *row, f"there was no usable answer ({type(error).__name__})")
    if seen in check.expected:
        return Finding(check.name, "as assumed", *row, seen)
    return Finding(check.name, "differs", *row, seen, check.means)
