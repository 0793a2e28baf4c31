"""The live parts a call may use, put together in one place: settings in, App out, closed in reverse."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from salesloft_mcp import __version__
from salesloft_mcp.audit.report import Audits
from salesloft_mcp.bulk.jobs import Jobs, open_jobs
from salesloft_mcp.bulk.status import Plans
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.approvals import Approvals
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.errors import SettingsError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.http import Bearer, Network, open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.settings import ConfirmMode, Mode, Settings
from salesloft_mcp.state.database import Database

if TYPE_CHECKING:
    from salesloft_mcp.sandbox import Sandbox  # its seeded team is of no use to a live start

SANDBOX_URL = "http://sandbox.localhost"
NO_CREDENTIALS = (
    "there is no credential for Salesloft.",
    "(1) set SALESLOFT_API_KEY to an API key; or (2) with OAuth, set it to an access token for now, a login of its "
    "own comes later; or (3) add --sandbox to try everything without an account.",
)


@dataclass(frozen=True, slots=True)
class App:
    """The live parts. Every tool and command gets exactly this; `open_app` opens and closes it."""

    salesloft: Salesloft
    configurations: Configurations
    lookups: Lookups
    audits: Audits
    database: Database
    changes: Changes
    approvals: Approvals
    plans: Plans
    jobs: Jobs
    budget: Budget
    sandbox: bool
    environment: str  # what every question and every log line is about
    base_url: str
    mode: Mode
    confirm: ConfirmMode
    files_dir: Path | None = None  # whose files a tool may read


@dataclass(frozen=True, slots=True)
class Upstream:
    """The Salesloft that is talked to: an address, a token and the wire that leads there."""

    base_url: str
    token: SecretStr
    wire: httpx.AsyncBaseTransport
    sandbox: bool = False

    @property
    def environment(self) -> str:
        """What every question and every log line is about: the sandbox, or a live address."""
        return f"SANDBOX ({self.base_url})" if self.sandbox else self.base_url


@asynccontextmanager
async def open_app(settings: Settings, sandbox: "Sandbox | None" = None) -> AsyncIterator[App]:
    """The live parts, on `sandbox` when one is given and on the live API otherwise. Nothing is sent yet.

    Raises:
        SettingsError: no sandbox and no credential. One never stands in for the other.
    """
    _quiet_logs()
    upstream = _in_process(sandbox) if sandbox else _live(settings)
    async with AsyncExitStack() as closing:
        budget = Budget(settings.rate_limit)
        auth = Bearer(upstream.token, upstream.base_url)
        agent = f"salesloft-mcp/{__version__}"
        http = open_http(upstream.base_url, auth, upstream.wire, budget, agent=agent)
        await closing.enter_async_context(http)
        database = Database(settings.state_dir)
        closing.callback(database.close)
        salesloft, environment = Salesloft(http), upstream.environment
        configurations = Configurations(salesloft)
        changes = Changes(salesloft, ChangeLog(database, environment), configurations, environment)
        plans = Plans(settings.state_dir, database, environment)
        yield App(
            salesloft=salesloft,
            configurations=configurations,
            lookups=Lookups(salesloft, configurations, budget),
            audits=Audits(),
            database=database,
            changes=changes,
            approvals=Approvals(database),
            plans=plans,
            jobs=await closing.enter_async_context(open_jobs(plans, changes)),
            budget=budget,
            sandbox=upstream.sandbox,
            environment=upstream.environment,
            base_url=upstream.base_url,
            mode=settings.mode,
            confirm=settings.confirm,
            files_dir=settings.files_dir,
        )


def check_credentials(settings: Settings, sandbox: bool) -> None:
    """Stop the start when nothing says who is asking, with the ways to go on.

    Raises:
        SettingsError: neither a credential nor the sandbox was asked for.
    """
    if not sandbox and settings.api_key is None:
        raise SettingsError("SALESLOFT_API_KEY", NO_CREDENTIALS[0], next_step=NO_CREDENTIALS[1])


def _in_process(sandbox: "Sandbox") -> Upstream:
    return Upstream(SANDBOX_URL, SecretStr(sandbox.api_key), InProcess(sandbox), sandbox=True)


def _live(settings: Settings) -> Upstream:
    check_credentials(settings, sandbox=False)
    assert settings.api_key is not None
    wire = Network(tls=not settings.base_url.startswith("http:"))
    return Upstream(settings.base_url, settings.api_key, wire)


def _quiet_logs() -> None:
    """At INFO the first two write full URLs, and so external ids; the third would warn of every retry."""
    for name, level in (("httpx", logging.WARNING), ("httpcore", logging.WARNING), ("stamina", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
