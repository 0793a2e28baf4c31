"""The hosts: where each has an entry, whether it can start, and what a server last saw of it. Pure."""

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Any

from salesloft_mcp.doctor.readings import Entry, Hosted, Readings, Unread
from salesloft_mcp.doctor.report import Finding, Told, finding, shown_time, unread
from salesloft_mcp.hosts.entry import NAME, unknown_options
from salesloft_mcp.hosts.table import HOSTS, KEY, is_client_of
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.state.clients import Seen
from salesloft_mcp.text import escaped, quoted

OTHERS = 3  # clients that are no host of the table and are shown: those that were seen last
_SECONDS = 10.0  # below that, milliseconds are told


def hosts(readings: Readings) -> Told:
    """Each host with an entry of ours, and each other client that was seen lately."""
    found = readings.hosts
    if isinstance(found, Unread):
        return unread(found)
    seen = () if isinstance(readings.state, Unread) else readings.state.seen
    facts = [fact for one in found for fact in _facts(one, seen, readings)]
    without = [one.host.title for one in found if not one.entries]
    facts += [f"no entry: {', '.join(without)}"] if without else []
    others = [one for one in seen if not any(is_client_of(host, one.name) for host in HOSTS.values())]
    facts += [f"other client: {_told(one)}" for one in others[:OTHERS]]
    findings = tuple(wrong for one in found for wrong in _findings(one, readings))
    data: dict[str, Any] = {one.host.name: _data(one, seen, readings) for one in found}
    return Told(tuple(facts), findings, data={"hosts": data, "others": [_seen_data(one) for one in others]})


def _facts(one: Hosted, seen: Iterable[Seen], readings: Readings) -> Iterator[str]:
    for entry in one.entries:
        started = f"{readings.short(entry.command)} {escaped(' '.join(('serve', *entry.options)))}"
        sets = f"; sets {escaped(', '.join(entry.variables))}" if entry.variables else ""
        yield f"{one.host.title}, {quoted(entry.name)} in {readings.short(one.file)}: {started}{sets}"
        last = _last(one, entry, seen)
        yield f"- {_told(last)}" if last else "- no server has seen it yet with this state folder"


def _findings(one: Hosted, readings: Readings) -> Iterator[Finding]:
    file, install = readings.short(one.file), f"salesloft-mcp install {one.host.name}"
    if one.problem is not None:
        yield finding(one.problem, "mend the file.", wrong=False)
    for entry in one.entries:
        again = install if entry.name == NAME else f"{install} --name {quote(escaped(entry.name))}"
        if not entry.is_there:
            what = f"{quoted(entry.name)} in {file} starts {readings.short(entry.command)}, which cannot be run."
            yield Finding(what, f"run `{again}`, which writes the path of this program.")
        if unknown := unknown_options(entry.options):
            what = f"{quoted(entry.name)} in {file} gives {escaped(', '.join(unknown))}, which `serve` does not know."
            yield Finding(what, "correct it there: `salesloft-mcp serve --help` shows what it knows.")
        for obstacle in entry.obstacles:
            yield Finding(f"{one.host.title}: {escaped(obstacle)}", f"change that in {file}.", wrong=False)
        if entry.holds_key:
            what = f"{quoted(entry.name)} in {file} holds a key in plain text."
            yield Finding(what, f"run `salesloft-mcp login --api-key`, and take {KEY} out of it.", wrong=False)


def _last(one: Hosted, entry: Entry, seen: Iterable[Seen]) -> Seen | None:
    """What was seen last of a host, in the state folder of its entry."""
    known = (client for client in entry.seen or seen if is_client_of(one.host, client.name))
    return max(known, key=lambda client: client.seen_at, default=None)


def _told(one: Seen) -> str:
    """A client, as facts alone: why it answered as it did, nobody here can know."""
    asks = f"declares that it asks a person ({one.asks.replace(' ', ', ')})" if one.asks else "declares no way to ask"
    after = f"{one.answered_in * 1000:.0f} ms" if one.answered_in < _SECONDS else f"{one.answered_in:.0f} s"
    said = f"; answered {one.answer} after {after}, {shown_time(one.answered_at)}" if one.answer else ""
    name = f"{quoted(one.name)} {quoted(one.version)}"
    where = " on the sandbox" if one.tenant.startswith("SANDBOX") else ""
    return f"seen {shown_time(one.seen_at)}{where}: {name}, protocol {escaped(one.protocol)}, {asks}{said}"


def _data(one: Hosted, seen: Iterable[Seen], readings: Readings) -> dict[str, Any]:
    entries = []
    for entry in one.entries:
        last = _last(one, entry, seen)
        entries.append(
            {
                "name": entry.name,
                "command": readings.short(entry.command),
                "can_start": entry.is_there and not unknown_options(entry.options),
                "options": list(entry.options),
                "variables": list(entry.variables),
                "seen": _seen_data(last) if last else None,
            }
        )
    return {"file": readings.short(one.file), "exists": one.exists, "entries": entries}


def _seen_data(one: Seen) -> dict[str, Any]:
    return {
        "at": shown_time(one.seen_at),
        "environment": named(one.tenant),
        "client": one.name,
        "version": one.version,
        "protocol": one.protocol,
        "asks": [*one.asks.split()],
        "answer": one.answer or None,
        "answered_in_ms": round(one.answered_in * 1000) if one.answer else None,
        "answered_at": shown_time(one.answered_at) if one.answer else None,
    }
