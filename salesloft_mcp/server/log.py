"""Every write stands in the change log before it is sent, and again with its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pydantic import BaseModel

from salesloft_mcp.app import App
from salesloft_mcp.errors import SalesloftMcpError, UnknownOutcomeError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Account, Person
from salesloft_mcp.state.changes import Change, Outcome
from salesloft_mcp.state.local import LocalState


@dataclass(frozen=True, slots=True)
class Settle:
    """The line of a write that is under way. Call it with the outcome."""

    state: LocalState
    number: int

    def __call__(self, outcome: Outcome, after: BaseModel | None) -> None:
        object_id = after.id if isinstance(after, Person | Account) else None
        self.state.log.settle(self.number, outcome, image(after), object_id)


@contextmanager
def logged(app: App, change: Change, before: BaseModel | None = None) -> Iterator[Settle]:
    """Around a write: call what this yields with the outcome. A write that is cut off stays `intended`."""
    settle = Settle(app.state, app.state.log.intend(replace(change, who=current().who), image(before)))
    try:
        yield settle
    except UnknownOutcomeError:
        settle("unknown", None)
        raise
    except SalesloftMcpError:
        settle("failed", None)
        raise


def image(row: BaseModel | None) -> dict[str, object] | None:
    """A row as the log keeps it."""
    return None if row is None else row.model_dump(mode="json")
