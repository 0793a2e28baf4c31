"""What was read of a setup, before anybody judges it. Nothing here reads."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from salesloft_mcp.errors import NotFoundError, SalesloftMcpError, SettingsError, UnauthorizedError
from salesloft_mcp.hosts.table import Host
from salesloft_mcp.policy import NO_LIMITS, Policy
from salesloft_mcp.salesloft.models import Team, User
from salesloft_mcp.salesloft.rights import Right
from salesloft_mcp.salesloft.route import Route
from salesloft_mcp.salesloft.spellings import AS_THE_GUIDE, Spellings
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.clients import Seen
from salesloft_mcp.state.credentials import SignIn
from salesloft_mcp.text import escaped
from salesloft_mcp.verify.remembered import Remembered

ReadT = TypeVar("ReadT")


@dataclass(frozen=True, slots=True)
class Unread:
    """That something was not read, and why: nobody tried to, or it failed, or had not ended when its time was over."""

    why: str
    how: Literal["untried", "failed", "unended"] = "untried"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The settings and the policy. `by` says where each was chosen that somebody has chosen: by an option, or in the
    environment. `faults` are by the name of the setting, which then has its default; `settings` is None where none can
    be used.
    """

    settings: Settings | None
    policy: Policy
    by: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, SalesloftMcpError] = field(default_factory=dict)
    policy_fault: SalesloftMcpError | None = None
    warnings: tuple[str, ...] = ()
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """With what requests are sent: the key of the settings, or a sign-in. `problem` says why it cannot be read."""

    kind: Literal["key", "sign-in", "none", "sandbox"]
    sign_in: SignIn | None = None  # it may be kept beside a key, which wins
    problem: SalesloftMcpError | None = None
    how: str = ""  # what to type to sign in


@dataclass(frozen=True, slots=True)
class Tried:
    """One cheap read: what for, the right it needs, and why it failed."""

    what: str
    right: Right
    problem: SalesloftMcpError | None


@dataclass(frozen=True, slots=True)
class Live:
    """What Salesloft answered. Not all was asked where the credential was refused, or there is none (`refusal`), or
    where something else stands in the way (`problem`).

    `points` were spent, `left` are left to spend in this minute, `seconds` is how long the first answer took, and
    `ahead` by how many the clock of this computer is ahead.
    """

    me: User | None = None
    team: Team | None = None
    refusal: UnauthorizedError | None = None
    problem: SalesloftMcpError | None = None
    tried: tuple[Tried, ...] = ()
    points: int = 0
    left: int = 0
    seconds: float = 0.0
    ahead: float | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether nothing that was asked for is known there: then it is not Salesloft's API."""
        return bool(self.tried) and all(isinstance(one.problem, NotFoundError) for one in self.tried)


@dataclass(frozen=True, slots=True)
class State:
    """The folder of the state, with its mode and owner, and what its file says.

    `seen` are the clients of this folder, `remembered` is what `verify` saw, by team, and `spellings` what is asked
    first because of it. `problem` says why the folder or its file cannot be used.
    """

    folder: Path
    exists: bool
    mode: int = 0
    problem: SalesloftMcpError | None = None
    seen: tuple[Seen, ...] = ()
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    spellings: Spellings = AS_THE_GUIDE


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of ours: which command it starts, whether that is there, its options, the variables it sets, and what
    keeps the host from using it.
    """

    name: str
    command: str
    is_there: bool
    options: tuple[str, ...]
    variables: tuple[str, ...]
    holds_key: bool
    obstacles: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()  # what is known in the state folder that the entry names


@dataclass(frozen=True, slots=True)
class Hosted:
    """A host: its file, whether that is there, and its entries of ours. `problem` says why it cannot be read."""

    host: Host
    file: Path
    exists: bool
    entries: tuple[Entry, ...] = ()
    problem: SalesloftMcpError | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything that is known of a setup at a time, in seconds since 1970. `home` is shown as ~."""

    at: float
    home: Path
    chosen: Chosen = Chosen(None, NO_LIMITS)
    credential: Credential | Unread = Unread("see above")
    route: Route | SettingsError | Unread = Unread("see above")
    live: Live | Unread = Unread("not tried with these settings")
    state: State | Unread = Unread("see above")
    hosts: tuple[Hosted, ...] | Unread = Unread("see above")

    def short(self, place: object) -> str:
        """A path as a ticket may show it, with ~ for the home directory, which mostly holds a name."""
        text, home = escaped(str(place)), escaped(str(self.home))
        return f"~{text[len(home) :]}" if text == home or text.startswith(f"{home}{os.sep}") else text
