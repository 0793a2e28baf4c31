"""Every use of the protocol library that its documentation does not promise, apart from the streams of `lines.py`.

tests/server/test_sdk.py holds each piece, so that a release which changes one of them is noticed there and mended here.
"""

from collections.abc import Callable
from typing import Any

import mcp_types as types
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from pydantic import create_model

from salesloft_mcp.app import App
from salesloft_mcp.errors import PolicyError, SignedOutError, UnconfirmedError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.server.allowed import within_policy
from salesloft_mcp.server.consent import asked_elsewhere
from salesloft_mcp.server.leniency import lenient
from salesloft_mcp.server.outside import PAGE, PageNeededError, PendingError
from salesloft_mcp.server.schemas import compact
from salesloft_mcp.server.signed_out import offered, require_sign_in
from salesloft_mcp.server.tool_errors import TOOL_SECONDS, failure, worded, words_of

Result = types.CallToolResult | types.InputRequiredResult


class CheckedTool(Tool):
    """A tool that reads arguments as they are meant, refuses unknown ones, and answers every failure in a few lines."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Result:
        """Run within the time budget of a tool. Whatever fails becomes a result the model can act on."""
        given = lenient(arguments, self.parameters)
        try:
            with open_call(TOOL_SECONDS) as call:
                call.who = _client(context) or call.who
                if app := _app(context):
                    given = within_policy(app.policy, self.name, self.parameters["properties"], given)
                await require_sign_in(app)
                try:
                    return await self._run(given, context, convert_result)
                except ToolError as error:
                    if isinstance(error.__cause__, PageNeededError):
                        return _leading(error.__cause__)
                    if not _of_the_library(error):
                        raise
                    await asked_elsewhere(context)
                    return await self._run(given, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, SignedOutError):
                return failure(worded(await offered(_app(context), error.__cause__)))
            return failure(words_of(error, self.name, self.fn_metadata.arg_model), _card_of(error.__cause__))
        except SignedOutError as error:
            return failure(worded(await offered(_app(context), error)))
        except (PolicyError, UnconfirmedError) as error:
            return failure(worded(error), _card_of(error))

    async def _run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool) -> Result:
        result: Result = await super().run(arguments, context, convert_result)
        return result


class _AsGiven(FuncMetadata):
    """Arguments in which nothing is read as JSON any more: `lenient` has done it, and knows a text from an object."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        return data


def checked_tool(fn: Callable[..., Any], title: str, annotations: types.ToolAnnotations) -> CheckedTool:
    """The tool that calls `fn`, with compact schemas. An argument that `fn` does not have is refused.

    The first paragraph of its docstring is what a model reads.
    """
    tool = CheckedTool.from_function(fn, title=title, annotations=annotations)
    assert isinstance(tool, CheckedTool)
    known = tool.fn_metadata
    model = create_model(known.arg_model.__name__, __base__=known.arg_model, __cls_kwargs__={"extra": "forbid"})
    tool.fn_metadata = _AsGiven(arg_model=model, output_model=known.output_model, wrap_output=known.wrap_output)
    tool.parameters = compact(tool.fn_metadata.arg_model.model_json_schema(by_alias=True))
    tool.description = " ".join(tool.description.partition("\n\n")[0].split())
    if tool.fn_metadata.output_schema is not None:
        tool.fn_metadata.output_schema = compact(tool.fn_metadata.output_schema)
    return tool


def _leading(needed: PageNeededError) -> types.InputRequiredResult:
    """The client is to lead its person to a page, and to make the same call again. The library has no resolver for it.

    Nothing is kept between both calls: what the client answers decides nothing.
    """
    params = types.ElicitRequestURLParams(message=needed.message, url=needed.address)
    return types.InputRequiredResult(input_requests={PAGE: types.ElicitRequest(params=params)})


def _card_of(error: BaseException | None) -> dict[str, Any]:
    return error.card if isinstance(error, PendingError) else {}


def _of_the_library(error: ToolError) -> bool:
    """Whether it says that the answer to a form cannot be read, which only the library finds out."""
    return error.__cause__ is None or isinstance(error.__cause__, ToolError)


def _app(context: Context[Any, Any]) -> App | None:
    """What the server was built over; None for one that is built over nothing, as in the tests of this file."""
    found = context.request_context.lifespan_context
    return found if isinstance(found, App) else None


def _client(context: Context[Any, Any]) -> str:
    """The name a client gives itself; it may give none, or any."""
    known = context.session.client_params
    return known.client_info.name[:80] if known is not None else ""
