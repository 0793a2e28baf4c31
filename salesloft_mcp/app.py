"""The live parts a call may use, put together in one place: settings in, App out, closed in reverse."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from salesloft_mcp import __version__
from salesloft_mcp.audit.report import Audits
from salesloft_mcp.browser.browser import Browser, open_browser
from salesloft_mcp.bulk.jobs import Jobs, open_jobs
from salesloft_mcp.bulk.planning import Reads
from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.approvals import Approvals
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.errors import SettingsError, StateError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.http import Bearer, Network, open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.spellings import Spellings
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned

if TYPE_CHECKING:
    from salesloft_mcp.sandbox import Sandbox  # its seeded team is of no use to a live start

SANDBOX_URL = "http://sandbox.localhost"
NO_CREDENTIAL = (
    "(1) set SALESLOFT_API_KEY to an API key; or (2) with OAuth, set it to an access token for now, a login of its "
    "own comes later; or (3) add --sandbox to try everything without an account."
)


@dataclass(frozen=True, slots=True)
class App:
    """The live parts. Every tool and command gets exactly this; `open_app` opens and closes it."""

    salesloft: Salesloft
    configurations: Configurations
    custom_fields: CustomFields
    lookups: Lookups
    audits: Audits
    database: Database
    changes: Changes
    approvals: Approvals
    browser: Browser
    plans: Plans
    jobs: Jobs
    budget: Budget
    sandbox: bool
    environment: str  # what every question and every log line is about
    settings: Settings


@asynccontextmanager
async def open_app(settings: Settings, sandbox: "Sandbox | None" = None) -> AsyncIterator[App]:
    """The live parts, on `sandbox` when one is given and on the live API otherwise. Nothing is sent yet.

    Raises:
        SettingsError: no sandbox and no credential. One never stands in for the other.
    """
    # At INFO the first two write full URLs, and so external ids; the third would warn of every retry.
    for name, level in (("httpx", logging.WARNING), ("httpcore", logging.WARNING), ("stamina", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
    wire: httpx.AsyncBaseTransport
    if sandbox:
        settings = settings.model_copy(update={"base_url": SANDBOX_URL, "api_key": SecretStr(sandbox.api_key)})
        wire, environment = InProcess(sandbox), f"SANDBOX ({SANDBOX_URL})"
    else:
        wire, environment = Network(tls=not settings.base_url.startswith("http:")), settings.base_url
    if settings.api_key is None:
        raise SettingsError("SALESLOFT_API_KEY", "there is no credential for Salesloft.", next_step=NO_CREDENTIAL)
    auth, budget = Bearer(settings.api_key, settings.base_url), Budget(settings.rate_limit)
    agent = f"salesloft-mcp/{__version__}"
    with closing(Database(settings.state_dir)) as database:
        async with open_http(settings.base_url, auth, wire, budget, agent=agent) as http:
            salesloft = Salesloft(http, await _spellings(database, environment))
            configurations = Configurations(salesloft)
            changes = Changes(salesloft, ChangeLog(database, environment), configurations, environment)
            plans = Plans(settings.state_dir, database, environment)
            lookups, custom_fields = Lookups(salesloft, configurations, budget), CustomFields(salesloft)
            async with (
                open_browser(settings.state_dir) as browser,
                open_jobs(plans, changes, Reads(lookups, custom_fields)) as jobs,
            ):
                yield App(
                    salesloft=salesloft,
                    configurations=configurations,
                    custom_fields=custom_fields,
                    lookups=lookups,
                    audits=Audits(),
                    database=database,
                    changes=changes,
                    approvals=Approvals(database),
                    browser=browser,
                    plans=plans,
                    jobs=jobs,
                    budget=budget,
                    sandbox=sandbox is not None,
                    environment=environment,
                    settings=settings,
                )


async def _spellings(database: Database, environment: str) -> Spellings:
    """What `verify` saw here. Without it all is as the guide has it, so a busy file does not stop a start."""
    try:
        return Spellings.of(await Learned(database, environment).agreed())
    except StateError:
        return Spellings()
