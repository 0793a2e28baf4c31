"""What the administrator of this computer allows: a ceiling that no setting, option or call lifts. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, get_args

from salesloft_mcp.errors import PolicyError

Mode = Literal["full", "no-delete", "read-only"]
AskMode = Literal["deletes", "overwrites", "all"]
ConfirmMode = Literal["auto", "elicit", "outside"]
MODES: tuple[Mode, ...] = get_args(Mode)  # the one that allows most comes first
ASKS: tuple[AskMode, ...] = get_args(AskMode)  # the one that asks least comes first
CONFIRMS: tuple[ConfirmMode, ...] = get_args(ConfirmMode)
KINDS = ("people", "accounts", "users")

_NOTHING = "Nothing was changed."
MEND = "an administrator of this computer can change the policy"


@dataclass(frozen=True, slots=True)
class Policy:
    """The most that may be done here. What it does not limit has the value that allows most.

    `file` is where it stands, empty where there is none; `limits` are the keys that it sets.
    """

    mode: Mode = "full"
    ask: AskMode = "deletes"  # the least that a person is asked
    confirm: ConfirmMode = "auto"
    tools: tuple[str, ...] = ()  # empty: all of them
    exclude_tools: tuple[str, ...] = ()
    object_types: tuple[str, ...] = KINDS
    file: str = ""
    limits: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """It in one line: what it limits, and where it stands; empty where there is none."""
        return f"{self.told} ({self.file})" if self.limits else ""

    @property
    def told(self) -> str:
        """What it limits, without the place of the file, which is no business of a model."""
        return ", ".join(f"{_spaced(name)} {_worded(getattr(self, name))}" for name in self.limits)

    @property
    def limits_asking(self) -> bool:
        """Whether an administrator decided what a person is asked, or how."""
        return "ask" in self.limits or "confirm" in self.limits

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes within it; the one that allows most comes first, and is the default."""
        return MODES[MODES.index(self.mode) :]

    @property
    def asks(self) -> tuple[AskMode, ...]:
        """What may be chosen to be asked; the least comes first, and is the default."""
        return ASKS[ASKS.index(self.ask) :]

    @property
    def confirms(self) -> tuple[ConfirmMode, ...]:
        """How a person may be asked; the default comes first. `auto` is both other ways, and neither is the other."""
        return CONFIRMS if self.confirm == "auto" else (self.confirm,)

    def narrowed(self, mode: Mode, ask: AskMode, confirm: ConfirmMode) -> "Policy":
        """What holds with these settings, which are within it. A limit that one of them goes below
        is not the file's any more.
        """
        stricter = replace(self, mode=mode, ask=ask, confirm=confirm)
        kept = tuple(name for name in self.limits if getattr(stricter, name) == getattr(self, name))
        return replace(stricter, limits=kept)

    def allows_tool(self, name: str) -> bool:
        """Whether a tool may be used here, or a command that does the same."""
        return name not in self.exclude_tools and (not self.tools or name in self.tools)

    def require_tool(self, name: str, asked: str) -> None:
        """
        Raises:
            PolicyError: the tool may not be used here; `asked` is what was asked for, as it was named.
        """
        if not self.allows_tool(name):
            raise self.no_tool(name, asked)

    def no_tool(self, name: str, asked: str) -> PolicyError:
        """That a tool may not be used here."""
        key = "exclude_tools" if name in self.exclude_tools else "tools"
        what = f"the policy of this computer does not allow it{self.by(key)}. Nothing was done."
        return PolicyError(asked, what, next_step=f"{MEND}.")

    def require_object_type(self, object_type: str, field: str = "object_type") -> None:
        """
        Raises:
            PolicyError: nothing may be done with records of this kind.
        """
        if object_type not in self.object_types:
            allowed = _worded(self.object_types)
            what = f"the policy of this computer allows {allowed} only{self.by('object_types')}. Nothing was sent."
            raise PolicyError(field, what, next_step=f"use {_worded(self.object_types, 'or')}; {MEND}.")

    def only_object_type(self, field: str = "object_type") -> str:
        """The kind of record that is meant where none was named; empty where all of them may be.

        Raises:
            PolicyError: several are allowed, and not all of them, so that one has to be named.
        """
        if len(self.object_types) == len(KINDS):
            return ""
        if len(self.object_types) > 1:
            allowed = _worded(self.object_types)
            what = f"the policy of this computer allows {allowed} only{self.by('object_types')}. Nothing was sent."
            raise PolicyError(field, what, next_step=f"give {_worded(self.object_types, 'or')}.")
        return self.object_types[0]

    def require_write(self, *, removes: bool) -> None:
        """
        Raises:
            PolicyError: nothing may be written here, or this deletes and nothing may be deleted.
        """
        if self.mode == "full" or (self.mode == "no-delete" and not removes):
            return
        verb, what = ("write", "writes") if self.mode == "read-only" else ("delete", "deletions")
        where = f" in {self.file}" if "mode" in self.limits else ""
        why = f"this would {verb}, and {what} are switched off here (mode {self.mode}{where}). {_NOTHING}"
        step = f"{MEND}." if where else "ask the administrator of this server."
        raise PolicyError("mode", why, next_step=step)

    def by(self, key: str) -> str:
        """Who set a limit, for the end of a sentence: the key and the file; nothing where it is not set in one."""
        return f" ({key} in {self.file})" if key in self.limits else ""


NO_LIMITS = Policy()


def _spaced(key: str) -> str:
    return key.replace("_", " ")


def _worded(value: str | Collection[str], last: str = "and") -> str:
    """A value, or several: "people, accounts and users"."""
    if isinstance(value, str):
        return value
    *first, end = value
    return f"{', '.join(first)} {last} {end}" if first else end
