"""`salesloft-mcp verify`: what a real Salesloft does where its documents are silent or disagree."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import groupby
from pathlib import Path
from typing import Unpack
from urllib.parse import urlsplit

import click
import filelock

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import Author, Place
from salesloft_mcp.commands.approvals import at_terminal, forget_what_was_typed, require_own_answer
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.errors import ConflictError, InputError, UnconfirmedError
from salesloft_mcp.policy_file import installed
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.settings import LOOPBACK, Dialect, load
from salesloft_mcp.state.files import atomic_output, private_directory
from salesloft_mcp.text import quoted
from salesloft_mcp.verify.bench import PREFIX, USERS
from salesloft_mcp.verify.report import Finding, Report
from salesloft_mcp.verify.trial import MAPPINGS, points, waiting
from salesloft_mcp.verify.trial import verify as trying

LOCK = "verify.lock"
_OF_SANDBOX = Author("terminal", "the sandbox asks nobody")
WIDEST = 100  # columns that are read with ease


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
        author, place = (_OF_SANDBOX, None) if where["sandbox"] else _agreed(yes, **where)
        found = with_app(lambda app: _tried(app, author, place), dialect=dialect, **where)
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
        what = f"cannot be used ({error.strerror or error})."
        raise InputError("--state-dir", what, next_step="give another one.") from None
    try:
        yield
    finally:
        lock.release()


def _agreed(yes: bool, **where: Unpack[Where]) -> tuple[Author, Place]:
    """Ask a person; how the person agreed, and for which team."""
    question, place = with_app(_question, **where)
    click.echo(question, err=True)
    if not yes:
        forget_what_was_typed()
        click.confirm("Agree?", abort=True, err=True)
    return Author("terminal", "--yes in a terminal" if yes else "asked in a terminal"), place


async def _tried(app: App, author: Author, agreed: Place | None) -> Report:
    """
    Raises:
        UnconfirmedError: somebody has signed in to another team since the person agreed.
    """
    if agreed and await app.changes.place() != agreed:
        what = f"verify: the yes was for {agreed}, and this is {await app.changes.place()} now. Nothing was done."
        raise UnconfirmedError(what, next_step="run it again.")
    return await trying(app.changes, app.database, author)


async def _question(app: App) -> tuple[str, Place]:
    """What a person is asked, and about which team."""
    earlier, place = await waiting(app.changes, app.database), await app.changes.place()
    types = "one earlier type" if earlier == 1 else f"{earlier} earlier types"
    first = [f"first: what may be left of {types} is removed"] if earlier else []
    lines = "\n".join(
        [
            f"Verify how Salesloft behaves in {place}?",
            *first,
            f"created: at most 3 configurations of types called {PREFIX}…, and {MAPPINGS} mappings of your own user",
            "deleted: those again; where Salesloft shows no id to delete a mapping by, it stays and is listed",
            "not touched: people, accounts, other users, other external types",
            f"points: at most {points(earlier)} of those that the team has in a minute",
        ]
    )
    return lines, place


def _show(found: Report, output: Path | None) -> None:
    """One screen: what is otherwise comes first and is told in full, the rest in short."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    lines = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    under = textwrap.TextWrapper(width, subsequent_indent=12 * " ", break_long_words=False, break_on_hyphens=False)

    def say(head: str, text: str) -> None:
        click.echo(under.fill(f"{head:<12}{text}"))

    for one in found.of("differs"):
        say("DIFFERS", f"{one.assumption} ({one.name})")
        say("", f"seen: {one.seen}; assumed: {' or '.join(one.expected)}")
        say("", one.means)
    say("as assumed", ", ".join(one.name for one in found.of("as assumed")) or "nothing")
    for why, untried in groupby(sorted(found.of("not tried"), key=_why), _why):
        say("not tried", f"{'; '.join(one.assumption for one in untried)} ({why})")
    for left in found.made.left:
        what = f"{left.kind} {quoted(left.external_id)} of " if left.external_id else ""
        say("left", f"{what}{left.external_type}: {left.why}")
    where = f"In {named(found.environment)}, team {found.team or 'unknown'}, at {found.time}: {found.sentence}"
    click.echo(lines.fill(f"{where} {_removed(found)}"))
    click.echo(f"The report is in {output}." if output else "With --output or --json each of them is told in full.")


def _why(one: Finding) -> str:
    return one.seen


def _removed(found: Report) -> str:
    made = found.made
    earlier = f" Of earlier trials {made.earlier} were removed." if made.earlier else ""
    left = f"{len(made.left)} are left, as told above" if made.left else "nothing is left of it"
    return f"{made.number} configurations and mappings were created, and {left}.{earlier} Points spent: {found.points}."
