"""`salesloft-mcp verify`: what a real Salesloft does where its documents are silent or disagree."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Unpack
from urllib.parse import urlsplit

import click
import filelock
from rich.console import Console
from rich.text import Text

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import Author
from salesloft_mcp.commands.approvals import at_terminal, require_own_answer
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.errors import ConflictError, InputError
from salesloft_mcp.policy_file import installed
from salesloft_mcp.settings import LOOPBACK, Dialect, load
from salesloft_mcp.state.files import atomic_output, private_directory
from salesloft_mcp.text import quoted
from salesloft_mcp.verify.bench import PREFIX, USERS
from salesloft_mcp.verify.report import Finding, Report
from salesloft_mcp.verify.trial import MAPPINGS, points, waiting
from salesloft_mcp.verify.trial import verify as trying

LOCK = "verify.lock"


def verify(dialect: Dialect, yes: bool, output: Path | None, as_json: bool, **where: Unpack[Where]) -> None:
    """Ask, try, and show what was found. Inside the loop Ctrl-C would wait for Enter, so the question comes before."""
    if output and output.suffix.lower() != ".json":
        raise InputError("--output", "must end in .json.")
    policy = installed()
    settings = load({name: value for name, value in where.items() if not name.startswith("sandbox")}, policy)
    policy.require_write(removes=True)
    policy.require_object_type(USERS, "verify")
    if settings.mode != "full":
        step = "set it to full for this command; nothing but its own throw-away types is written."
        raise InputError(
            "SALESLOFT_MODE", f"is {settings.mode}, and what verify makes has to be deleted.", next_step=step
        )
    if not where["sandbox"]:
        require_own_answer(policy, yes)
        _require_person(yes, urlsplit(settings.base_url).hostname in LOOPBACK)
    # A file that cannot be written is told before anything is made.
    with _alone(settings.state_dir), atomic_output(output) if output else nullcontext() as file:
        author = Author("terminal", "the sandbox asks nobody") if where["sandbox"] else _agreed(yes, **where)
        found = with_app(lambda app: trying(app.changes, app.database, author), dialect=dialect, **where)
        if file:
            json.dump(found.data(), file, indent=2, ensure_ascii=False)
    if as_json:
        click.echo(json.dumps(found.data(), indent=2))
    else:
        _show(found, output)
    sys.exit(1 if found.of("differs") else 0)


def _require_person(yes: bool, loopback: bool) -> None:
    """
    Raises:
        InputError: nobody can be asked here, or `yes` would agree to what only a person may.
    """
    if yes and not loopback:
        what = "agrees to no deletions on a live address, and verify deletes what it made."
        raise InputError("--yes", what, next_step="leave it out, and answer at a terminal.")
    if not yes and not at_terminal():
        step = "run it in a terminal; on a loopback address --yes will do."
        raise InputError("verify", "a person agrees at a terminal, and this is none.", next_step=step)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While this lasts, no other trial takes what this one makes for left over.

    Raises:
        ConflictError: another one is under way.
    """
    try:
        lock = filelock.FileLock(private_directory(folder) / LOCK, timeout=0, mode=0o600)
        lock.acquire()
    except filelock.Timeout:
        what = "verify: another one is under way with this state directory. Nothing was done."
        raise ConflictError(what, next_step="wait for its end.") from None
    except OSError as error:
        raise InputError("--state-dir", f"cannot be used ({error.strerror}).", next_step="give another one.") from None
    with lock:
        yield


def _agreed(yes: bool, **where: Unpack[Where]) -> Author:
    """What a person is asked, and how the person agreed."""
    click.echo(with_app(_question, **where), err=True)
    if not yes:
        click.confirm("Agree?", abort=True, err=True)
    return Author("terminal", "--yes in a terminal" if yes else "asked in a terminal")


async def _question(app: App) -> str:
    """What a person is asked."""
    earlier = await waiting(app.changes, app.database)
    first = [f"first: what {earlier} earlier types still hold is removed"] if earlier else []
    return "\n".join(
        [
            f"Verify how Salesloft behaves in {await app.changes.place()}?",
            *first,
            f"created: at most 3 configurations of types called {PREFIX}…, and {MAPPINGS} mappings of your own user",
            "deleted: those again; where Salesloft shows no id to delete a mapping by, it stays and is listed",
            "not touched: people, accounts, other users, other external types",
            f"points: at most {points(earlier)} of those that the team has in a minute",
        ]
    )


def _show(found: Report, output: Path | None) -> None:
    """One screen: what is otherwise comes first, then a line for each of the rest."""
    console = Console(highlight=False)

    def line(text: str) -> None:
        console.print(Text(text), soft_wrap=True)

    for one in found.of("differs"):
        line(f"DIFFERS     {one.assumption}")
        line(f"            seen: {one.seen}; assumed: {' or '.join(one.expected)} ({one.name})")
        line(f"            {one.means}")
    for finding in (*found.of("as assumed"), *found.of("not tried")):
        line(f"{finding.verdict:<10}  {_told(finding)}")
    for left in found.made.left:
        what = (
            f"{left.kind} {quoted(left.external_id)} of {left.external_type}"
            if left.external_id
            else left.external_type
        )
        line(f"left        {what}: {left.why}")
    line(f"In {found.environment}, team {found.team or 'unknown'}, at {found.time}: {found.sentence}")
    line(_removed(found))
    if output:
        line(f"The report is in {output}.")


def _told(one: Finding) -> str:
    return f"{one.assumption}: {one.seen}"


def _removed(found: Report) -> str:
    made = found.made
    earlier = f" Of earlier trials {made.earlier} were removed." if made.earlier else ""
    left = f"{len(made.left)} are left, as told above" if made.left else "nothing is left of it"
    return f"{made.number} configurations and mappings were created, and {left}.{earlier} Points spent: {found.points}."
