"""A local Salesloft External IDs API: the same document, read a second time."""

from salesloft_mcp.sandbox.faults import Fault, Faults
from salesloft_mcp.sandbox.oddities import ODD, Odd
from salesloft_mcp.sandbox.request import ReceivedRequest
from salesloft_mcp.sandbox.sandbox import Sandbox

__all__ = ["ODD", "Fault", "Faults", "Odd", "ReceivedRequest", "Sandbox"]
