"""A person decides in a terminal what a client could not ask: outside the model's reach."""

import time
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.prompt import Confirm
from rich.text import Text

from salesloft_mcp.state.local import LocalState


def listed(directory: Path) -> list[dict[str, object]]:
    """The pending questions, for machines."""
    with LocalState(directory) as state:
        return [
            {"id": one.id, "environment": one.environment, "tool": one.tool, "question": one.question}
            for one in state.pending()
        ]


def decide_each(directory: Path) -> None:
    """Show every pending question as the client would have, and write down the answer. Enter means no."""
    console = Console()
    with LocalState(directory) as state:
        pending = state.pending()
        if not pending:
            console.print("Nothing waits for approval.")
        for one in pending:
            minutes = int((time.time() - one.asked_at) // 60)
            title = f"{one.id} · {one.tool} · asked {minutes} min ago"
            console.print(Panel(Text(one.question), title=title))
            yes = Confirm.ask("Agree?", default=False, console=console)
            if not state.decide(one.id, yes):
                console.print("Too late: it was answered elsewhere, or waited for more than a day.")
            else:
                console.print("Approved: the same call goes through once, within an hour." if yes else "Refused.")
