"""What the credential is good for: whose it is, what it may read, the clock that its end is told by, and the points."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from salesloft_mcp.doctor.readings import Credential, Live, Readings, Tried, Unread
from salesloft_mcp.doctor.report import Finding, Told, finding, shown_time, unread
from salesloft_mcp.errors import ForbiddenError, NotFoundError, RateLimitedError
from salesloft_mcp.hosts.table import KEY
from salesloft_mcp.salesloft.credential import EARLY_SECONDS
from salesloft_mcp.salesloft.rights import (
    CREATE_CONFIGURATIONS,
    READ_CONFIGURATIONS,
    READ_MAPPINGS,
    WRITE_MAPPINGS,
    Right,
    writes,
)
from salesloft_mcp.state.credentials import Grant, SignIn
from salesloft_mcp.text import escaped, quoted

CLOCK_SECONDS = EARLY_SECONDS  # a clock that is more wrong than so takes an ended token for a good one
_NEEDED = (READ_CONFIGURATIONS, READ_MAPPINGS)  # without which nothing works here
_WRITES = (CREATE_CONFIGURATIONS, WRITE_MAPPINGS, writes("people"), writes("accounts"))
_GRANTS: Mapping[Grant, str] = {
    "authorization_code": "signed in by a person",
    "client_credentials": "signed in as a private application",
    "api_key": "an API key that `login` keeps",
}
_REFUSED = "set a current SALESLOFT_API_KEY, or sign in with `salesloft-mcp login`."


def credential(readings: Readings) -> Told:
    """The key or the sign-in, and its end."""
    found, live = readings.credential, readings.live
    if isinstance(found, Unread):
        return unread(found)
    refusal = live.refusal if isinstance(live, Live) else None
    unreadable = [finding(found.problem, _REFUSED, wrong=found.kind != "key")] if found.problem else []
    refused = [finding(refusal, _REFUSED)] if refusal else []
    wrong = unreadable or refused
    data: dict[str, Any] = {"kind": found.kind}
    match found.kind:
        case "sandbox":
            return Told(("that of the sandbox",), data=data)
        case "none":
            if found.problem:
                return Told(("see above",), tuple(wrong), data=data)
            own = _with_their_own(readings)
            here = "there is none here." if own else "there is none."
            facts = [f"none here; of its own, which is not tried: {', '.join(own)}" if own else "none"]
            return Told(tuple(facts), (Finding(here, _ways(found), wrong=not own),), data=data)
        case "key":
            ends = "an API key ends when somebody deletes it in Salesloft, an access token after about two hours"
            facts = [f"SALESLOFT_API_KEY; {ends}"]
            facts += ["a sign-in is kept, too, and is not used: the key wins"] if found.sign_in else []
            return Told(tuple(facts), (*unreadable, *refused), data=data)
    assert found.sign_in is not None
    return _of_sign_in(found.sign_in, readings, wrong, data)


def _of_sign_in(one: SignIn, readings: Readings, wrong: list[Finding], data: dict[str, Any]) -> Told:
    assert isinstance(readings.credential, Credential)
    ends = shown_time(one.expires_at) if one.expires_at else ""
    place = "the system's keyring" if one.kept == "keyring" else "a private file"
    facts = [f"{_GRANTS[one.grant]}, kept in {place}"]
    if one.ended:
        if not wrong:
            wrong = [Finding(f"the sign-in has ended: {one.ended}", f"run `{readings.credential.how}` in a terminal.")]
    elif one.grant != "api_key":
        renewed = one.grant == "client_credentials" or bool(one.refresh_token.get_secret_value())
        after = "is renewed by itself" if renewed else "cannot be renewed: then sign in again"
        facts.append(f"the token ends at {ends}, and {after}" if ends else f"when it ends is not told; it {after}")
    if one.scope:
        facts.append(f"scopes: {escaped(one.scope)}")
    told = {**data, "grant": one.grant, "ends": ends or None, "kept": one.kept, "scopes": [*one.scope.split()]}
    return Told(tuple(facts), tuple(wrong), data=told)


def _with_their_own(readings: Readings) -> list[str]:
    """The hosts that give their server a key, or that start the sandbox, which needs none."""
    hosts = () if isinstance(readings.hosts, Unread) else readings.hosts
    entries = ((one.host.title, entry) for one in hosts for entry in one.entries)
    return [title for title, entry in entries if KEY in entry.variables or "--sandbox" in entry.options]


def is_sandbox_alone(readings: Readings) -> bool:
    """Whether every entry starts the sandbox, and there is no credential: then nobody here needs Salesloft."""
    found, hosts = readings.credential, () if isinstance(readings.hosts, Unread) else readings.hosts
    entries = [entry for one in hosts for entry in one.entries]
    without = not isinstance(found, Unread) and found.kind == "none" and not found.problem
    return without and bool(entries) and all("--sandbox" in entry.options for entry in entries)


def _ways(found: Credential) -> str:
    return f"run `{found.how}` in a terminal, or set SALESLOFT_API_KEY, or try --sandbox."


def team(readings: Readings) -> Told:
    """Whose token it is."""
    live = _answered(readings)
    if isinstance(live, Told):
        return live
    told = f"{quoted(live.team.name or '')} ({live.team.id})" if live.team else "not told by Salesloft"
    user = f"{quoted(live.me.name or '')} ({live.me.id})" if live.me else "not told by Salesloft"
    data: dict[str, Any] = {
        "team_id": live.team.id if live.team else None,
        "team": live.team.name if live.team else None,
        "user_id": live.me.id if live.me else None,
        "user": live.me.name if live.me else None,
    }
    return Told((f"{told}; user {user}",), data=data)


def scopes(readings: Readings) -> Told:
    """What the token may read, each tried; what it may write shows only when something is written."""
    live = _answered(readings)
    if isinstance(live, Told):
        return live
    granted = [one.right[0] for one in live.tried if one.problem is None]
    findings = [_refused(one) for one in live.tried if one.problem is not None]
    untried = [right[0] for right in _WRITES]
    facts = [f"may read: {', '.join(granted) or 'nothing'} ({live.points} points for all that was asked)"]
    facts.append(f"not tried, as only a write would show it: {', '.join(untried)}")
    tried = {one.right[0]: "granted" if one.problem is None else _outcome(one) for one in live.tried}
    return Told(tuple(facts), tuple(findings), data={"read": tried, "untried": [*untried], "points": live.points})


def _refused(one: Tried) -> Finding:
    assert one.problem is not None
    is_needed = one.right in _NEEDED
    if isinstance(one.problem, ForbiddenError):
        return Finding(f"the token may not read {one.what}.", f"grant it {_named(one.right)}.", is_needed)
    if isinstance(one.problem, NotFoundError):
        return Finding(
            f"{one.what} are not known there (404).", "use another address where they are needed.", is_needed
        )
    return finding(one.problem, "try again.", wrong=is_needed and not isinstance(one.problem, RateLimitedError))


def _outcome(one: Tried) -> str:
    return "refused" if isinstance(one.problem, ForbiddenError) else "not known"


def _named(right: Right) -> str:
    first, *others = right
    return f"{first} (or {' or '.join(others)})" if others else first


def clock(readings: Readings) -> Told:
    """The clock of this computer, against the one of Salesloft."""
    live = readings.live
    if isinstance(live, Unread):
        return unread(live)
    now = shown_time(readings.at)
    if live.ahead is None:
        return Told((f"{now}; nobody to compare it with",), data={"seconds_ahead": None}, known=False)
    off, way = abs(live.ahead), "ahead of" if live.ahead > 0 else "behind"
    data: dict[str, Any] = {"seconds_ahead": round(live.ahead)}
    if off <= CLOCK_SECONDS:
        return Told((f"{now}; it agrees with Salesloft's to {max(1, round(off))} s",), data=data)
    what = f"the clock of this computer is {off:.0f} seconds {way} Salesloft's, by which tokens seem to end wrongly."
    there = datetime.fromtimestamp(readings.at - live.ahead, UTC)
    return Told((f"{now}; see above",), (Finding(what, f"set it: there it is {there:%Y-%m-%d %H:%M} UTC."),), data=data)


def budget(readings: Readings) -> Told:
    """The points that are left."""
    live, settings = readings.live, readings.chosen.settings
    if isinstance(live, Unread) or settings is None:  # nothing is asked without settings
        return unread(live if isinstance(live, Unread) else Unread("see above"))
    data: dict[str, Any] = {"points_a_minute": settings.rate_limit, "left": live.left}
    if isinstance(live.problem, RateLimitedError):
        return Told(("see above",), (finding(live.problem, "wait a minute."),), data=data)
    if live.refusal or live.problem:
        fact = f"{settings.rate_limit} points a minute are set"
        return Told((fact,), data={"points_a_minute": settings.rate_limit}, known=False)
    return Told((f"{live.left} points left in this minute, of the {settings.rate_limit} that are set",), data=data)


def _answered(readings: Readings) -> Live | Told:
    """What Salesloft answered, or what is told where it did not."""
    live = readings.live
    if isinstance(live, Unread):
        return unread(live)
    return Told(("not known",), known=False) if live.refusal or live.problem or live.is_elsewhere else live
