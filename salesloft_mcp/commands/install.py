"""`salesloft-mcp install`: this server in the configuration of a host."""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from salesloft_mcp import policy_file
from salesloft_mcp.commands.options import Option, typed
from salesloft_mcp.errors import InputError
from salesloft_mcp.hosts import edit
from salesloft_mcp.hosts.entry import entry_of, installed, is_ours, options_of, unknown_options
from salesloft_mcp.hosts.files import HostFile, read, replace
from salesloft_mcp.hosts.obstacles import elsewhere, obstacles
from salesloft_mcp.hosts.table import HOSTS, KEY, Host, System
from salesloft_mcp.placeholders import is_blank
from salesloft_mcp.policy import Policy
from salesloft_mcp.settings import Settings, load, surroundings, variables_set
from salesloft_mcp.state.credentials import Credentials
from salesloft_mcp.text import escaped

_FOLDERS = ("state_dir", "files_dir")
_OF_SANDBOX = ("--sandbox-file", "--dialect")  # are refused without it
_SETTINGS = ("base_url", "mode", "ask", "confirm", *_FOLDERS, "rate_limit")  # which are options of `serve`


def install(host: str, name: str, sandbox: bool, tools: str, as_block: bool, yes: bool, **options: Option) -> None:
    """Show the change of the host's file, and make it when a person agrees."""
    policy = policy_file.installed()
    settings = load(options, policy)
    _require_tools(settings, tools, policy)
    row, system = HOSTS[host], System(sys.platform, Path.home(), surroundings())
    start = installed()
    given = {option: value for option, value in options.items() if value is not None}
    stored = not sandbox and Credentials(settings.state_dir, settings.base_url).stamp() is not None
    path = row.file(system)
    file = HostFile(path, None, "") if as_block else read(path)
    old = edit.servers(row, file).get(name)
    more = {**row.more, **({} if sandbox or stored else _for_key(row, settings, old))}
    arguments = _arguments(sandbox, tools, {**_set_here(settings, system, sandbox), **given})
    known = {"--sandbox", "--tools", *arguments, *map(_option, options), *(() if sandbox else _OF_SANDBOX)}
    entry = entry_of(start, (*arguments, *_kept(old, known)), more)
    new = edit.with_entry(row, file, name, entry)
    in_the_way = obstacles(row, edit.values(row, HostFile(path, None, new)), name)
    notes = [*filter(None, [start.warning]), *elsewhere(row, system), *in_the_way, *_unknown(old, path)]
    if as_block:
        click.echo(f"For {row.title}, in {path}:\n", err=True)
        click.echo(edit.block(row, name, entry))
        _say(notes, err=True)
    elif new == file.text:
        click.echo(f'Nothing to do: {path} has this entry already, as "{name}".')
        _say(notes)
    else:
        notes += [*_dropped(old, entry), *edit.notes(row, file), *edit.others(row, file, name)]
        change(row, file, new, name, notes, yes=yes, foreign=old is not None and not is_ours(old))
        click.echo(f'{row.title} now has this server, as "{name}". {row.then}')
    click.echo(_credential(row, settings, old, sandbox=sandbox, stored=stored), err=as_block)


def _require_tools(settings: Settings, tools: str, policy: Policy) -> None:
    """
    Raises:
        SettingsError: a name that is no tool.
        PolicyError: the policy does not allow one.
    """
    names = tuple(name.strip() for name in tools.split(",") if name.strip())
    if names or policy.tools or policy.exclude_tools:
        from salesloft_mcp.server.inventory import chosen  # all of the protocol, which takes seconds

        chosen(settings.mode, names, (), policy)


def _unknown(old: object, path: Path) -> Iterator[str]:
    """A word on what an older entry gives beside ours, where no server starts with it. It is not ours to take out."""
    if unknown := unknown_options(options_of(old) or ()):
        yield f"`serve` does not start with what it does not know: take {escaped(', '.join(unknown))} out of {path}."


def _arguments(sandbox: bool, tools: str, options: Mapping[str, Option]) -> tuple[str, ...]:
    """The options of `serve`. Folders are written whole, because a host starts the server wherever it likes."""
    words: list[str] = ["--sandbox"] if sandbox else []
    for key, value in {**options, "tools": tools}.items():
        if value:
            whole = Path(str(value)).expanduser().absolute() if key in _FOLDERS else value
            words += [_option(key), str(whole)]
    return tuple(words)


def _kept(old: object, known: Collection[str]) -> Iterator[str]:
    """The options of an entry of ours that are not `known` to `install`, such as `--exclude-tools`."""
    is_kept = False
    for word in options_of(old) or ():
        if word.startswith("--"):
            is_kept = word.partition("=")[0] not in known
        if is_kept:
            yield word


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _set_here(settings: Settings, system: System, sandbox: bool) -> dict[str, Option]:
    """The settings of this terminal. Many hosts do not hand them on, and then the server would be allowed more than was
    meant, or look for the sign-in where it is not.
    """
    here = [name for name in _SETTINGS if variables_set([name])]
    if system.platform == "linux" and not is_blank(system.environment.get("XDG_STATE_HOME")):
        here.append("state_dir")  # the default is in there
    return {name: getattr(settings, name) for name in here if not (sandbox and name == "base_url")}


def _dropped(old: object, entry: Mapping[str, Any]) -> Iterator[str]:
    """A word on the options that an entry of ours has until now, and which decide what it may do."""
    before, after = options_of(old), options_of(entry)
    if before and before != after:
        now = " ".join(after or ()) or "none"
        yield f"the options of the entry were {' '.join(before)}, and are {now} now: give again what has to stay."


def _for_key(row: Host, settings: Settings, old: object) -> Mapping[str, Any]:
    """What an entry needs so that the host gives the server a key: one that it asks for, or that it is started with.

    A reference to a variable that is not set is handed on as it stands by some, so there is none without a reason.
    """
    in_vain = not row.inputs and "env" in (row.for_key or {}) and not settings.api_key
    return {} if in_vain and not edit.refers_to_key(row, old) else row.for_key or {}


def _credential(row: Host, settings: Settings, old: object, *, sandbox: bool, stored: bool) -> str:
    """Where the server gets a credential from, or what to do for one."""
    if sandbox:
        return "It works on the sandbox, and needs no account."
    if edit.holds_key(old):
        return f"The entry holds a key in plain text. Safer: `{typed('login')}`, and then take {KEY} out of it."
    if stored:
        return "It uses the sign-in that is kept here."
    if row.inputs:
        return f"{row.title} asks for the API key when it starts the server, and keeps it safely."
    login = f"sign in with `{typed('login')}`, or with `--api-key` behind it to keep a key; no restart is needed."
    if row.for_key is None:
        return f"There is no sign-in yet: {login}"
    if settings.api_key:
        return f"It gets {KEY} from the environment that {row.title} is started in. Or {login}"
    return f"There is no credential yet: {login} Or start {row.title} where {KEY} is set."


def change(row: Host, file: HostFile, new: str, name: str, notes: Iterable[str], *, yes: bool, foreign: bool) -> None:
    """Show it with what is worth a word, have a person agree, and do it.

    Raises:
        InputError: it would take away something else, and nobody is asked.
    """
    click.echo(edit.shown(row, file, new))
    _say((*notes, *filter(None, [row.before])))
    if foreign and yes:
        what = f'"{name}" in {file.path} starts something else, and goes with no --yes.'
        raise InputError("--name", what, next_step="give another --name, or leave --yes out to be asked.")
    if not yes:
        goes = f' "{name}", which starts something else, goes.' if foreign else ""
        click.confirm(f"\nWrite this to {file.path}?{goes}", abort=True)
    kept = replace(file, new)
    if kept is not None:
        click.echo(f"The file as it was: {kept}")


def _say(notes: Iterable[str], *, err: bool = False) -> None:
    for note in notes:
        click.echo(f"Note: {note}", err=err)
