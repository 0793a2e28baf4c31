"""Requests that name what is not there: unknown tools and prompts get the nearest name, not a riddle."""

from collections.abc import Mapping
from typing import Any

from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver.prompts.base import Prompt
from mcp_types import INVALID_PARAMS

from salesloft_mcp.server.inventory import NAMES
from salesloft_mcp.server.tool_errors import failure
from salesloft_mcp.settings import Mode
from salesloft_mcp.text import did_you_mean, quoted


class NameCheck:
    """Middleware: the names in a request exist, and the arguments of a prompt are those it has."""

    def __init__(self, tools: tuple[str, ...], prompts: Mapping[str, Prompt], mode: Mode) -> None:
        self._tools = tools
        self._prompts = prompts
        self._mode = mode

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Refuse what names nothing; pass on the rest."""
        params = ctx.params or {}
        name = str(params.get("name", ""))
        if ctx.method == "tools/call" and name not in self._tools:
            if name in NAMES:
                return failure(f"{name} is switched off here (mode {self._mode}, or by --tools). Nothing was done.")
            raise MCPError(INVALID_PARAMS, f"there is no tool {quoted(name)}; {did_you_mean(name, self._tools)}")
        if ctx.method == "prompts/get":
            given = params.get("arguments") or {}
            self._check_prompt(name, given if isinstance(given, dict) else {"arguments": given})
        return await call_next(ctx)

    def _check_prompt(self, name: str, given: Mapping[str, object]) -> None:
        prompt = self._prompts.get(name)
        if prompt is None:
            raise MCPError(INVALID_PARAMS, f"there is no prompt {quoted(name)}; {did_you_mean(name, self._prompts)}")
        arguments = prompt.arguments or []
        known = tuple(argument.name for argument in arguments)
        for unknown in given:
            if unknown not in known:
                raise MCPError(
                    INVALID_PARAMS, f"prompt {name} has no argument {quoted(unknown)}; {did_you_mean(unknown, known)}"
                )
        missing = [argument.name for argument in arguments if argument.required and not given.get(argument.name)]
        if missing:
            raise MCPError(INVALID_PARAMS, f"prompt {name} needs {', '.join(missing)}.")
