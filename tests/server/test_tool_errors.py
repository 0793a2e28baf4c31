"""Errors in the words of tools."""

import pytest

from salesloft_mcp.errors import Hint, SalesloftMcpError
from salesloft_mcp.server.inventory import NAMES
from salesloft_mcp.server.tool_errors import worded
from tests.conftest import Connect
from tests.server.calling import refused


@pytest.mark.parametrize("hint", Hint)
def test_a_model_is_told_which_tool_to_call_next(hint: Hint) -> None:
    error = SalesloftMcpError("it failed.", next_step=(hint, "."))
    assert any(name in worded(error) for name in NAMES)
    assert not any(name in str(error) for name in NAMES)


@pytest.mark.anyio
async def test_a_bound_is_told_in_plain_words(connect: Connect) -> None:
    async with connect() as client:
        many = await refused(client, "resolve_external_ids", external_ids=[f"{{{number}}}" for number in range(1_001)])
        large = await refused(client, "list_external_id_mappings", limit=101)
    assert many.startswith("external_ids: may have at most 1000 of them; send the rest in another call.")
    assert large.startswith("limit: may be at most 100.")
