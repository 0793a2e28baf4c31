"""The live parts a call may use, put together in one place: settings in, App out, closed in reverse."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import httpx
from pydantic import SecretStr

from salesloft_mcp.audit.report import Audits
from salesloft_mcp.browser.browser import Browser, open_browser
from salesloft_mcp.bulk.jobs import Jobs, open_jobs
from salesloft_mcp.bulk.planning import Reads
from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.approvals import Approvals
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.errors import StateError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.policy import Policy
from salesloft_mcp.policy_file import installed
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key, SignedIn
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.network import Network
from salesloft_mcp.salesloft.spellings import Spellings
from salesloft_mcp.settings import Settings, within
from salesloft_mcp.sign_in import AGENT, SignInPage, open_sign_in_page, sign_in_of
from salesloft_mcp.state.clients import Clients
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned

if TYPE_CHECKING:
    from salesloft_mcp.sandbox import Sandbox  # its seeded team is of no use to a live start

SANDBOX_URL = "http://sandbox.localhost"


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
    clients: Clients
    browser: Browser
    plans: Plans
    jobs: Jobs
    budget: Budget
    signed_in: SignedIn | None  # None where a key was given, which wins, and in the sandbox
    sign_in_page: SignInPage | None  # likewise
    sandbox: bool
    environment: str  # what every question and every log line is about
    settings: Settings
    policy: Policy  # what the administrator of this computer limits; the settings are within it


@asynccontextmanager
async def open_app(
    settings: Settings, sandbox: "Sandbox | None" = None, policy: Policy | None = None
) -> AsyncIterator[App]:
    """The live parts, on `sandbox` when one is given and on the live API otherwise, within `policy`: by itself that of
    this computer. Nothing is sent yet.

    The credential is the key of the settings, or else whatever sign-in is kept at the time of a request. Where there is
    none, the request is not sent, and the sandbox never stands in for it.

    Raises:
        PolicyError: a setting is beyond the policy, or the policy cannot be used.
    """
    settings = within(policy := policy or installed(), settings)
    limits = policy.narrowed(settings.mode, settings.ask, settings.confirm)
    settings, wire, environment = way_to(settings, sandbox)
    credential, budget = credential_of(settings), Budget(settings.rate_limit)
    signed_in = credential if isinstance(credential, SignedIn) else None
    with closing(Database(settings.state_dir)) as database:
        async with open_http(settings.base_url, credential, wire, budget, agent=AGENT) as http:
            salesloft = Salesloft(http, await _spellings(database, environment))
            configurations = Configurations(salesloft)
            changes = Changes(salesloft, ChangeLog(database, environment), configurations, environment, limits)
            plans = Plans(settings.state_dir, database, environment)
            lookups, custom_fields = Lookups(salesloft, configurations, budget, policy), CustomFields(salesloft)
            if signed_in:  # what is remembered may be of another team than that of whoever signs in later
                signed_in.on_login = [changes.forget_place, configurations.forget, custom_fields.forget]
            async with (
                open_browser(settings.state_dir) as browser,
                open_sign_in_page(settings, signed_in, browser) as sign_in_page,
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
                    clients=Clients(database, environment),
                    browser=browser,
                    plans=plans,
                    jobs=jobs,
                    budget=budget,
                    signed_in=signed_in,
                    sign_in_page=sign_in_page,
                    sandbox=sandbox is not None,
                    environment=environment,
                    settings=settings,
                    policy=policy,
                )


async def _spellings(database: Database, environment: str) -> Spellings:
    """What `verify` saw here. Without it all is as the guide has it, so a busy file does not stop a start."""
    try:
        return Spellings.of(await Learned(database, environment).agreed())
    except StateError:
        return Spellings()


class Way(NamedTuple):
    """How Salesloft is reached: with which settings, over which wire, and as which environment."""

    settings: Settings
    wire: httpx.AsyncBaseTransport
    environment: str


def way_to(settings: Settings, sandbox: "Sandbox | None") -> Way:
    """The way to Salesloft, or to a sandbox. Nothing is opened yet."""
    _quieten()
    if sandbox:
        own = {"base_url": SANDBOX_URL, "api_key": SecretStr(sandbox.api_key)}
        return Way(settings.model_copy(update=own), InProcess(sandbox), f"SANDBOX ({SANDBOX_URL})")
    return Way(settings, Network(settings.base_url), settings.base_url)


def credential_of(settings: Settings) -> Key | SignedIn:
    """The key of these settings, or else whatever sign-in is kept at the time of a request."""
    return Key(settings.api_key) if settings.api_key else sign_in_of(settings)


def _quieten() -> None:
    """At INFO the first two write full URLs, and so external ids; the third would warn of every retry."""
    for name, level in (("httpx", logging.WARNING), ("httpcore", logging.WARNING), ("stamina", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
