"""The live parts a call may use."""

from dataclasses import dataclass

from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.lookup.configurations import KnownConfigurations
from salesloft_mcp.settings import ConfirmMode, Mode
from salesloft_mcp.state.local import LocalState
from salesloft_mcp.transport.budget import Budget


@dataclass(frozen=True, slots=True)
class App:
    """Opened and closed by `runtime`; every tool gets exactly this."""

    salesloft: Salesloft
    configurations: KnownConfigurations
    state: LocalState
    budget: Budget
    sandbox: bool
    base_url: str
    mode: Mode
    confirm: ConfirmMode

    @property
    def environment(self) -> str:
        """What every question and every log line is about: the sandbox, or a live address."""
        return f"SANDBOX ({self.base_url})" if self.sandbox else self.base_url
