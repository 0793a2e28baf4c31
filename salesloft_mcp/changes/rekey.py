"""A creation and a deletion that belong together, named by what they come to: a move, or a replacement. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from salesloft_mcp.changes.change import Change, Fact, State
from salesloft_mcp.changes.kinds import KINDS
from salesloft_mcp.salesloft.models import one_record
from salesloft_mcp.text import quoted


@dataclass(frozen=True, slots=True)
class Rekey:
    """An external id that goes from one record to another, or another external id for the same record."""

    old: Change
    new: Change

    @property
    def is_move(self) -> bool:
        """Whether the record is another one, and not the external id."""
        return self.old.key == self.new.key

    @property
    def verb(self) -> Literal["move", "replace"]:
        """What is asked for."""
        return "move" if self.is_move else "replace"

    @property
    def told(self) -> str:
        """What has happened when it is done: "moved from person 1 to person 2", 'replaced "A" by "B"'."""
        if self.is_move:
            return f"{self.verb}d from {_record(self.old)} to {_record(self.new)}"
        return f"{self.verb}d {quoted(self.old.key.external_id)} by {quoted(self.new.key.external_id)}"

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What a person is told of it."""
        was, becomes = quoted(self.old.key.external_id), quoted(self.new.key.external_id)
        record, other = _record(self.old), _record(self.new)
        return (
            Fact("external id", becomes, "" if self.is_move else was),
            Fact("external type", quoted(self.new.key.external_type)),
            Fact("record", other, record if self.is_move else ""),
            Fact("mapping id that goes", str((self.old.before or {}).get("id"))),
        )


def rekeyed(changes: Sequence[Change]) -> Rekey | None:
    """What two changes come to; None where they are something else. What shall stand may stand there already, after
    a first try that ended between them.
    """
    new = [one for one in changes if one.kind == "mapping" and one.after is not None]
    old = [one for one in changes if one.kind == "mapping" and one.after is None]
    if len(changes) != 2 or len(new) != 1 or len(old) != 1:
        return None
    both = Rekey(old[0], new[0])
    of = [(one.key.external_type, one.key.object_type) for one in changes]
    same = both.is_move or both.old.object_id == both.new.object_id
    return both if same and of[0] == of[1] else None


def is_whole(states: Collection[State]) -> bool:
    """Whether both changes ended so that a move or a replacement is done."""
    return "deleted" in states and not set(states) - {"created", "deleted", "unchanged"}


def told_of(changes: Sequence[Change]) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
    """What each change does and is about, for a person; a move and a replacement are one."""
    if both := rekeyed(changes):
        return ((both.verb, both.facts),)
    return tuple((one.verb.removesuffix("d"), tuple(KINDS[one.kind].facts(one))) for one in changes)


def _record(change: Change) -> str:
    return one_record(change.key.object_type, change.object_id)
