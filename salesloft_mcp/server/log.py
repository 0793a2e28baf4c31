"""Every write stands in the change log before it is sent, and again with its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from salesloft_mcp.app import App
from salesloft_mcp.errors import SalesloftMcpError, UnknownOutcomeError
from salesloft_mcp.state.local import Change, Outcome

Settle = Callable[[Outcome, BaseModel | None], None]


@contextmanager
def logged(app: App, change: Change, before: BaseModel | None = None) -> Iterator[Settle]:
    """Around a write: call what this yields with the outcome. A write that is cut off stays `intended`."""
    number = app.state.intend(change, _json(before))

    def settle(outcome: Outcome, after: BaseModel | None) -> None:
        app.state.settle(number, outcome, _json(after))

    try:
        yield settle
    except UnknownOutcomeError:
        settle("unknown", None)
        raise
    except SalesloftMcpError:
        settle("failed", None)
        raise


def _json(row: BaseModel | None) -> dict[str, object] | None:
    return None if row is None else row.model_dump(mode="json")
