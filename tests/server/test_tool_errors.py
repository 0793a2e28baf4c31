"""Errors in the words of tools."""

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, ValidationError, create_model

from salesloft_mcp.errors import Hint, SalesloftMcpError
from salesloft_mcp.server.inventory import NAMES
from salesloft_mcp.server.tool_errors import worded, words_of
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


class _Shown(BaseModel):
    outcome: int


def test_an_answer_that_cannot_be_built_is_never_told_as_wrong_arguments_of_which_nothing_was_sent() -> None:
    with pytest.raises(ValidationError) as caught:
        _Shown.model_validate({"outcome": "renamed"})
    error = ToolError("Error executing tool")
    error.__cause__ = caught.value
    words = words_of(error, "run_plan", create_model("run_planArguments"))
    assert words == "run_plan failed inside the server (ValidationError); its log says where."
