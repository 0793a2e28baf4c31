"""What is found on this computer: the state folder, and the entries of hosts. Nothing is made or changed."""

import os
import re
import shutil
import stat
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from salesloft_mcp.doctor.readings import Entry, Hosted, State
from salesloft_mcp.errors import InputError, SettingsError, StateError
from salesloft_mcp.hosts import edit
from salesloft_mcp.hosts.entry import NAME, options_of
from salesloft_mcp.hosts.files import read
from salesloft_mcp.hosts.obstacles import obstacles
from salesloft_mcp.hosts.secrets import MASK, is_flag, is_secret_value
from salesloft_mcp.hosts.table import HOSTS, Host, System
from salesloft_mcp.salesloft.route import Route, route_here
from salesloft_mcp.salesloft.spellings import Spellings
from salesloft_mcp.salesloft.token_shape import without_keys
from salesloft_mcp.settings import PREFIX
from salesloft_mcp.state.clients import all_seen
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.files import FILE, shuts_others_out
from salesloft_mcp.state.learned import Learned
from salesloft_mcp.verify.remembered import remembered

_FOLDER_OPTION, _FOLDER_VARIABLE = "--state-dir", f"{PREFIX}STATE_DIR"
_OWN_NAME = re.compile(rf"{PREFIX}\w{{1,30}}", re.IGNORECASE)
_NOT_OURS = "give another folder, or have its owner change that."


async def read_route(base_url: str) -> Route | SettingsError:
    """The way to Salesloft, or what is wrong with the variables that name it."""
    try:
        return route_here(base_url)
    except SettingsError as error:
        return error


async def read_state(folder: Path, environment: str) -> State:
    """The state folder, as it is before anybody mends it, and what its file says of one environment."""
    found = _folder(folder)
    if not found.exists or found.problem is not None:
        return found
    try:
        return await _with_file(found, environment)
    except (SettingsError, StateError) as error:
        return replace(found, problem=error)


def _folder(folder: Path) -> State:
    try:
        found = folder.stat()
    except FileNotFoundError:
        return State(folder, exists=False, problem=_not_makeable(folder))
    except (OSError, ValueError) as error:
        return State(folder, exists=True, problem=_unusable(folder, getattr(error, "strerror", None) or str(error)))
    why = _why_unusable(folder, found)
    problem = None if why is None else _unusable(folder, why)
    return State(folder, exists=True, mode=stat.S_IMODE(found.st_mode), problem=problem)


def _not_makeable(folder: Path) -> SettingsError | None:
    """Why the folder, which is not there, cannot be made; None where it can."""
    whole = folder.absolute()
    above = next(
        (one for one in (whole, *whole.parents) if os.path.lexists(one)), None
    )  # a link to nowhere is in the way
    if above is None or (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        return None
    return _unusable(folder, f"it is not there, and nothing can be made in {above}")


def _why_unusable(folder: Path, found: os.stat_result) -> str | None:
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder"
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return f"it belongs to the user {found.st_uid}"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return "it may not be read and written"
    if hasattr(os, "getuid") and shuts_others_out(folder, found):
        return "it is open to others and holds other things"
    return None


def _unusable(folder: Path, why: str) -> SettingsError:
    return SettingsError(_FOLDER_VARIABLE, f"{folder} cannot be used: {why}.", next_step=_NOT_OURS)


async def _with_file(found: State, environment: str) -> State:
    """The folder with what its file says: which clients servers saw, and what was learned of an environment."""
    if not (found.folder / FILE).exists():
        return found
    with closing(Database(found.folder, to_read=True)) as database:
        if not database.is_current:  # the next start of a server brings it up to date
            return found
        learned, by_team = Learned(database, environment), {}
        for team in {fact.team for fact in await learned.facts()}:
            if (known := await remembered(database, environment, team)) is not None:
                by_team[team] = known
        spellings = Spellings.of(await learned.agreed())
        return replace(found, seen=tuple(await all_seen(database)), remembered=by_team, spellings=spellings)


async def read_hosts(system: System) -> tuple[Hosted, ...]:
    """Each host that `install` knows, with its entries of this server."""
    return tuple([await _hosted(host, system) for host in HOSTS.values()])


async def _hosted(host: Host, system: System) -> Hosted:
    path = host.file(system)
    try:
        file = read(path)
        found = edit.servers(host, file)
        values = edit.values(host, file)
    except InputError as error:
        return Hosted(host, path, exists=True, problem=error)
    ours = [
        replace(await _entry(name, entry), obstacles=tuple(obstacles(host, values, name)))
        for name, entry in found.items()
        if options_of(entry) is not None or (name == NAME and _is_misspelt(entry))
    ]
    return Hosted(host, path, file.raw is not None, tuple(ours))


def _is_misspelt(entry: object) -> bool:
    """Whether an entry starts what looks like this server, but is not there: its path was typed wrong."""
    return (
        isinstance(entry, Mapping)
        and options_of(entry, of_any_program=True) is not None
        and shutil.which(entry["command"]) is None
    )


async def _entry(name: str, entry: Mapping[str, Any]) -> Entry:
    command, options = str(entry.get("command") or ""), options_of(entry, of_any_program=True) or ()
    given = entry.get("env")
    variables = [one for one in given if _OWN_NAME.fullmatch(one)] if isinstance(given, Mapping) else []
    words = " ".join(map(str, (command, *entry["args"])))
    folder = _folder_of(options, given if isinstance(given, Mapping) else {})
    seen = () if folder is None else (await read_state(folder, "")).seen
    return Entry(
        name=name,
        command=MASK if is_secret_value(command, named=False) else command,
        is_there=shutil.which(command) is not None,
        options=_shown(options),
        variables=tuple(variables),
        holds_key=edit.holds_key(entry) or without_keys(words, MASK) != words,
        seen=seen,
    )


def _folder_of(options: tuple[str, ...], variables: Mapping[str, Any]) -> Path | None:
    """The state folder that an entry names; None where it leaves that to whoever starts it."""
    words = [part for word in options for part in word.split("=", 1)] if options else []
    given = words[words.index(_FOLDER_OPTION) + 1] if _FOLDER_OPTION in words[:-1] else None
    named = given or variables.get(_FOLDER_VARIABLE)
    return Path(os.path.expanduser(named)) if isinstance(named, str) and named.strip() else None


def _shown(options: tuple[str, ...]) -> tuple[str, ...]:
    """The options as they may be shown. None of ours is a secret, but anything may stand there: of what is no option
    in the form of ours, and no value after one, nobody knows what it is.
    """
    pairs = zip(options, ("", *options), strict=False)
    return tuple(
        word if _is_option(word) or (_is_option(before) and not is_secret_value(word, named=is_flag(before))) else MASK
        for word, before in pairs
    )


def _is_option(word: str) -> bool:
    return word.startswith("--") and not is_secret_value(word, named=False)
