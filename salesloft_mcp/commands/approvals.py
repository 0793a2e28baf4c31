"""`salesloft-mcp approvals`: a person decides in a terminal what a client could not ask, outside the model's reach."""

import json
import sys
import time
from contextlib import closing
from pathlib import Path

import anyio
import click
from rich.console import Console
from rich.panel import Panel
from rich.prompt import Confirm, Prompt
from rich.text import Text

from salesloft_mcp.changes.approvals import Approval, Approvals
from salesloft_mcp.commands.options import Option
from salesloft_mcp.errors import InputError, PolicyError
from salesloft_mcp.policy import MEND, Policy
from salesloft_mcp.policy_file import installed
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.settings import load
from salesloft_mcp.state.database import Database
from salesloft_mcp.text import is_named


def approvals(as_json: bool, **options: Option) -> None:
    """List the pending questions for machines, or have a person decide them."""
    policy = installed()
    directory = load(options, policy).state_dir
    if policy.confirm == "elicit" and not as_json:
        what = f"the policy of this computer has a person agree through the client alone{policy.by('confirm')}."
        raise PolicyError("approvals", what, next_step=f"agree in the client; {MEND}.")
    if as_json:
        click.echo(json.dumps(anyio.run(listed, directory), indent=2))
    else:
        anyio.run(_decide_each, directory)


async def listed(directory: Path) -> list[dict[str, str]]:
    """The pending questions."""
    with closing(Database(directory)) as database:
        return [
            {"id": one.id, "environment": named(one.tenant), "tool": one.title, "question": one.question}
            for one in await Approvals(database).pending()
        ]


def at_terminal() -> bool:
    """Whether a person can type here; a pipe is filled by a program."""
    return sys.stdin.isatty()


def forget_what_was_typed() -> None:
    """What was typed before a question is shown answers another one, or none. Where it is kept is known on POSIX."""
    if sys.platform != "win32" and sys.stdin.isatty():
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def require_own_answer(policy: Policy, yes: bool) -> None:
    """Where the policy says what a person is asked or how, no option and no program answers for the person.

    Raises:
        PolicyError: `yes` would, or this is no terminal.
    """
    if not policy.limits_asking or (at_terminal() and not yes):
        return
    key = "ask" if "ask" in policy.limits else "confirm"
    what = f"the policy of this computer wants an answer of a person at a terminal{policy.by(key)}. Nothing was done."
    raise PolicyError("--yes" if yes else "answer", what, next_step=f"run it in a terminal, without --yes; {MEND}.")


async def _decide_each(directory: Path) -> None:
    """Show every pending question as the client would have, and write down the answer. Enter means no.

    Raises:
        InputError: questions wait, and this is no terminal.
    """
    console = Console()
    with closing(Database(directory)) as database:
        approvals = Approvals(database)
        pending = await approvals.pending()
        if not pending:
            console.print(f"Nothing waits for approval in {directory}.", markup=False, soft_wrap=True)
        elif not (at_terminal() and console.is_terminal):  # nobody agrees to what went into a file unseen
            step = "run it in a terminal; with --json it lists what waits."
            raise InputError("approvals", "a person answers them at a terminal, and this is none.", next_step=step)
        for one in pending:
            forget_what_was_typed()
            yes = _agreed(console, one)
            if not await approvals.decide(one.id, yes):
                console.print("Too late: it was answered elsewhere, or waited for more than a day.")
            else:
                console.print("Approved: the same call goes through once, within an hour." if yes else "Refused.")


def _agreed(console: Console, one: Approval) -> bool:
    """A yes; where much else depends on it, the name of what would go, typed by hand."""
    minutes = int((time.time() - one.asked_at) // 60)
    console.print(Panel(Text(one.question), title=f"{one.id} · {one.title} · asked {minutes} min ago"))
    if not one.name:
        return Confirm.ask("Agree?", default=False, console=console)
    typed = Prompt.ask("Type the external type to agree, or Enter to refuse", default="", console=console)
    return is_named(one.name, typed)
