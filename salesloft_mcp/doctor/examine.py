"""Everything is read, side by side and each part for a limited time, and then judged check by check."""

import re
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.lowlevel

from salesloft_mcp.app import Way, credential_of
from salesloft_mcp.doctor.checks import CHECKS
from salesloft_mcp.doctor.live import read_live
from salesloft_mcp.doctor.local import read_hosts, read_route, read_state
from salesloft_mcp.doctor.readings import Chosen, Credential, Live, Readings, Unread
from salesloft_mcp.doctor.report import Report
from salesloft_mcp.errors import SalesloftMcpError, StateError
from salesloft_mcp.hosts.table import System
from salesloft_mcp.program import program
from salesloft_mcp.salesloft.token_shape import without_keys
from salesloft_mcp.settings import surroundings
from salesloft_mcp.sign_in import login_command, sign_in_of
from salesloft_mcp.state.credentials import SignIn

SECONDS = 12.0  # of each part

_PROGRAM = "`salesloft-mcp "  # as commands are named
_SECRET = "[secret]"
_IN_ADDRESS = re.compile(r"(://)[^/\s@]+@")  # a name and a password
_A_WORD = re.compile(r"[A-Za-z_-]{0,19}|.{0,5}")  # what is no secret, but may be one of our own words
_DECIDING = {"api_key", "state_dir", "base_url"}  # settings that decide which credential there is

# Of one part; the others need not suffer from it.
_FAILURES = (SalesloftMcpError, OSError, ValueError, LookupError, RuntimeError)

ReadT = TypeVar("ReadT")


async def readings_of(chosen: Chosen, way: Way | None) -> Readings:
    """Everything that can be read with these settings, Salesloft being reached by `way`, None where the settings have a
    fault. Nothing is sent then, as `serve` would not send anything either.
    """
    found: dict[str, object] = {}

    async def keep(name: str, read: Callable[[], Awaitable[object]]) -> None:
        found[name] = await _aside(read)

    system = System(sys.platform, Path.home(), surroundings())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep, "hosts", partial(read_hosts, system))
        if way is not None and "state_dir" not in chosen.faults:
            tasks.start_soon(keep, "state", partial(read_state, way.settings.state_dir, way.environment))
        if way is not None and "base_url" not in chosen.faults and not chosen.sandbox:
            tasks.start_soon(keep, "route", partial(read_route, way.settings.base_url))
        if way is not None and not chosen.faults and chosen.policy_fault is None:
            tasks.start_soon(keep, "live", partial(_live, chosen, way))
    if way is not None and not chosen.faults.keys() & _DECIDING:  # a request may have renewed the sign-in
        await keep("credential", partial(_credential, chosen, way))
    return Readings(at=time.time(), home=system.home, chosen=chosen, **found)  # type: ignore[arg-type]


def judged(readings: Readings) -> Report:
    """What every check says, without the secrets that are known, and with this program as it can be typed."""
    report = Report(readings.at, {name: check(readings) for name, check in CHECKS.items()})
    secrets, typed = _secrets(readings), f"`{quote(program())} "

    def words(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, _SECRET)
        return without_keys(_IN_ADDRESS.sub(rf"\1{_SECRET}@", text), _SECRET).replace(_PROGRAM, typed)

    return report.reworded(words)


async def _aside(read: Callable[[], Awaitable[ReadT | Unread]]) -> ReadT | Unread:
    """What is read, or why not, in a thread of its own: a disk that does not answer stops neither the others nor the
    end of this process.
    """
    found: list[ReadT | Unread] = []
    done, token = anyio.Event(), anyio.lowlevel.current_token()

    def reading() -> None:
        found.append(anyio.run(_read, read))  # type: ignore[arg-type]
        with suppress(RuntimeError):  # the loop has ended: it took so long that nobody waits any more
            anyio.from_thread.run_sync(done.set, token=token)

    threading.Thread(target=reading, daemon=True).start()
    with anyio.move_on_after(SECONDS):
        await done.wait()
        return found[0]
    return Unread(f"it took longer than {SECONDS:.0f} seconds.", "unended")


async def _read(read: Callable[[], Awaitable[ReadT | Unread]]) -> ReadT | Unread:
    try:
        return await read()
    except _FAILURES as error:
        return Unread(f"it cannot be read ({type(error).__name__}: {error}).", "failed")


async def _live(chosen: Chosen, way: Way) -> Live:
    return await read_live(way, credential_of(way.settings), chosen.policy)


async def _credential(chosen: Chosen, way: Way) -> Credential:
    if chosen.sandbox:
        return Credential("sandbox")
    settings = way.settings
    how, sign_in, problem = login_command(settings), None, None
    try:
        sign_in = await sign_in_of(settings).sign_in()
    except StateError as error:
        problem = error
    return Credential("key" if settings.api_key else "sign-in" if sign_in else "none", sign_in, problem, how)


def _secrets(readings: Readings) -> tuple[str, ...]:
    """All that are known, so that none is shown whatever they came in with; the longest first, for it may hold another.

    A place-holder such as "key" is none: in its place, what is told could not be read any more, and would tell it.
    """
    settings, credential = readings.chosen.settings, readings.credential
    known = [settings.api_key, settings.client_secret] if settings else []
    if isinstance(credential, Credential) and isinstance(credential.sign_in, SignIn):
        one = credential.sign_in
        known += [one.access_token, one.refresh_token, one.client_secret]
    values = {one.get_secret_value() for one in known if one is not None}
    return tuple(one for one in sorted(values, key=len, reverse=True) if not _A_WORD.fullmatch(one))
