"""The live parts a call may use."""

from dataclasses import dataclass
from pathlib import Path

from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.audit.report import Audits
from salesloft_mcp.backfill.jobs import Backfills
from salesloft_mcp.lookup.configurations import KnownConfigurations
from salesloft_mcp.lookup.resolve import Lookups
from salesloft_mcp.settings import ConfirmMode, Mode
from salesloft_mcp.state.local import LocalState
from salesloft_mcp.transport.budget import Budget


@dataclass(frozen=True, slots=True)
class App:
    """Opened and closed by `runtime`; every tool gets exactly this."""

    salesloft: Salesloft
    configurations: KnownConfigurations
    lookups: Lookups
    audits: Audits
    state: LocalState
    backfills: Backfills
    budget: Budget
    sandbox: bool
    environment: str  # what every question and every log line is about
    base_url: str
    mode: Mode
    confirm: ConfirmMode
    files_dir: Path | None = None  # whose files a tool may read
