"""Errors in the words of tools."""

import pytest

from salesloft_mcp.errors import Hint, SalesloftMcpError
from salesloft_mcp.server.inventory import NAMES
from salesloft_mcp.server.tool_errors import worded


@pytest.mark.parametrize("hint", Hint)
def test_a_model_is_told_which_tool_to_call_next(hint: Hint) -> None:
    error = SalesloftMcpError("it failed.", next_step=(hint, "."))
    assert any(name in worded(error) for name in NAMES)
    assert not any(name in str(error) for name in NAMES)
