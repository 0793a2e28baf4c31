"""Every check, in the order in which a person looks for a fault: what was read, judged. Pure; a new check is a row."""

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from shlex import quote

from salesloft_mcp import __version__
from salesloft_mcp.doctor.access import budget, clock, credential, is_sandbox_alone, scopes, team
from salesloft_mcp.doctor.readings import Readings, Unread
from salesloft_mcp.doctor.report import Finding, Told, finding, shown_time, unread
from salesloft_mcp.doctor.seen import hosts
from salesloft_mcp.errors import RateLimitedError, SettingsError
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.spellings import Spellings
from salesloft_mcp.settings import Settings

BY_POLICY, BY_DEFAULT = "by the policy", "by default"
_NONE = "none"
_NOT_SHOWN = ("api_key", "client_id", "client_secret")
_SHOWN = 4  # names of what is otherwise than assumed


def version(readings: Readings) -> Told:
    """This program, and what it runs on."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    python = platform.python_version()
    return Told(
        (f"{__version__}, Python {python}, {system}", f"Python is {readings.short(sys.executable)}"),
        data={"version": __version__, "python": python, "system": system, "executable": sys.executable},
    )


def settings(readings: Readings) -> Told:
    """The settings, or what is wrong with them."""
    chosen = readings.chosen
    faults = [finding(error, "correct it and start again.") for error in chosen.faults.values()]
    unused = [Finding(words, "correct its name, or take it away.", wrong=False) for words in chosen.warnings]
    findings = (*faults, *unused)
    if chosen.settings is None:
        return Told(("see above",), findings, known=False)
    sound = {name: value for name, value in chosen.settings if name not in chosen.faults}
    words = {name: _setting(name, value, readings) for name, value in sound.items()}
    by = {name: _chosen_by(name, value, readings) for name, value in sound.items()}
    facts = [f"{name} {words[name]} ({chosen.by[name]})" for name in words if name in chosen.by]
    for why in (BY_POLICY, BY_DEFAULT):
        if same := [f"{name} {words[name]}" for name in words if by[name] == why and words[name] != _NONE]:
            facts.append(f"{why}: {', '.join(same)}")
    data = {name: {"value": words[name], "from": by[name]} for name in words}
    return Told(tuple(facts), findings, data=data)


def _setting(name: str, value: object, readings: Readings) -> str:
    if value is None:
        return _NONE
    return "set" if name in _NOT_SHOWN else readings.short(value)


def _chosen_by(name: str, value: object, readings: Readings) -> str:
    """Where a setting comes from."""
    default = Settings.model_fields[name].get_default(call_default_factory=True)
    return readings.chosen.by.get(name) or (BY_DEFAULT if value == default else BY_POLICY)


def policy(readings: Readings) -> Told:
    """What an administrator limits."""
    chosen = readings.chosen
    if (fault := chosen.policy_fault) is not None:
        return Told(("see above",), (finding(fault, "ask an administrator of this computer."),), known=False)
    line = chosen.policy.line
    return Told((line or "none on this computer",), data={"file": chosen.policy.file, "limits": line})


def address(readings: Readings) -> Told:
    """Where the API lives."""
    chosen, live = readings.chosen, readings.live
    if chosen.settings is None or "base_url" in chosen.faults:
        return Told(("see above",), known=False)
    url = chosen.settings.base_url
    data = {"base_url": url, "sandbox": chosen.sandbox}
    if chosen.sandbox:
        return Told(("SANDBOX (a local imitation, no real data)",), data=data)
    if not isinstance(live, Unread) and live.is_elsewhere:
        what = f"nothing that was asked for is known at {url} (404), so it is not the address of Salesloft's API."
        usual = Settings.model_fields["base_url"].default
        return Told((named(url),), (Finding(what, f"correct SALESLOFT_BASE_URL; usually it is {usual}."),), data=data)
    return Told((named(url),), data=data)


def network(readings: Readings) -> Told:
    """By which way it is reached, and whether it answers."""
    live, route = readings.live, readings.route
    known = None if isinstance(route, Unread | SettingsError) else route
    facts = [known.told + (f"; a server is believed {known.trust_told}" if known.trust_told else "")] if known else []
    data = {"route": known.told if known else "", "certificates": known.trust_told if known else "", "seconds": None}
    problems = [finding(route, "correct it.")] if isinstance(route, SettingsError) else []
    if isinstance(live, Unread):
        told = unread(live)
        return Told((*facts, *told.facts), (*problems, *told.findings), data, known=False)
    if live.problem is not None and not isinstance(live.problem, RateLimitedError):
        # Where the variables are faulty, that is why.
        problems = problems or [
            finding(live.problem, "check the network, then try again.", wrong=not is_sandbox_alone(readings))
        ]
        return Told((*facts, "see above"), tuple(problems), data, known=False)
    facts.append(f"the first answer came after {live.seconds * 1000:.0f} ms")
    return Told(tuple(facts), tuple(problems), {**data, "seconds": live.seconds})


def behaviour(readings: Readings) -> Told:
    """What `verify` saw of this Salesloft."""
    state, live = readings.state, readings.live
    if isinstance(state, Unread):
        return unread(state)
    known = state.remembered
    own = "" if isinstance(live, Unread) or live.team is None else str(live.team.id)
    found = known.get(own) if own else next(iter(known.values()), None) if len(known) == 1 else None
    spelled, data = _spelled(state.spellings), asdict(state.spellings)
    if found is None:
        untried = "nobody has tried it: `salesloft-mcp verify` does"
        return Told((untried, spelled), data={"tried_at": None, "otherwise": {}, "spellings": data}, known=False)
    otherwise = [f"{one.assumption}: {one.seen}" for one in found.otherwise]
    told = [spelled, f"tried at {shown_time(found.at)}: {found.as_assumed} as assumed, {len(otherwise)} otherwise"]
    told += otherwise[:_SHOWN]
    if len(otherwise) > _SHOWN:
        told.append(f"{len(otherwise) - _SHOWN} more, which `salesloft-mcp verify` tells")
    seen = {one.name: one.seen for one in found.otherwise}
    return Told(tuple(told), data={"tried_at": shown_time(found.at), "otherwise": seen, "spellings": data})


def _spelled(known: Spellings) -> str:
    """How this Salesloft is spoken to."""
    word = {"plural": 'filtered by "people"', "singular": 'filtered by "person"', "none": "not filtered by object type"}
    ids = "with" if known.shows_mapping_ids else "without"
    again = f", one that is there already is refused with {known.duplicate}" if known.duplicate else ""
    told = f"mappings are {word[known.object_type]} and come {ids} their ids, {known.ids_a_call} ids a call"
    return f"used: {told}{again}"


def state(readings: Readings) -> Told:
    """The state folder and its rights."""
    found = readings.state
    if isinstance(found, Unread):
        return unread(found)
    folder = readings.short(found.folder)
    findings = [finding(found.problem, "give another folder with --state-dir.")] if found.problem else []
    if not found.exists:
        fact = f"{folder}, not there yet: a server makes it"
        return Told((fact,), tuple(findings), data={"folder": folder, "exists": False, "mode": None})
    mode = f"{found.mode:04o}"
    if found.mode & 0o077 and not found.problem and sys.platform != "win32":
        what = f"others may look into {folder} (mode {mode}), which holds personal data and maybe a sign-in."
        findings.append(Finding(what, f"run `chmod 700 {quote(str(found.folder))}`; a server does so when it starts."))
    rights = "" if sys.platform == "win32" or found.problem else f", mode {mode}"
    return Told((f"{folder}{rights}",), tuple(findings), data={"folder": folder, "exists": True, "mode": mode})


@dataclass(frozen=True, slots=True)
class Check:
    """What judges, and the names under which its data stands, known or not."""

    judge: Callable[[Readings], Told]
    names: tuple[str, ...]

    def __call__(self, readings: Readings) -> Told:
        """What it tells; under each name that is not known, null."""
        told = self.judge(readings)
        return replace(told, data={**dict.fromkeys(self.names), **told.data})


CHECKS: Mapping[str, Check] = {
    "version": Check(version, ("version", "python", "system", "executable")),
    "settings": Check(settings, tuple(Settings.model_fields)),
    "policy": Check(policy, ("file", "limits")),
    "address": Check(address, ("base_url", "sandbox")),
    "network": Check(network, ("route", "certificates", "seconds")),
    "credential": Check(credential, ("kind", "grant", "ends", "kept", "scopes")),
    "team": Check(team, ("team_id", "team", "user_id", "user")),
    "scopes": Check(scopes, ("read", "untried", "points")),
    "behaviour": Check(behaviour, ("tried_at", "otherwise", "spellings")),
    "clock": Check(clock, ("seconds_ahead",)),
    "budget": Check(budget, ("points_a_minute", "left")),
    "state": Check(state, ("folder", "exists", "mode")),
    "hosts": Check(hosts, ("hosts", "others")),
}
