"""Requests that name what is not there, or hold their arguments as text: in words, or as they are meant."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver.prompts.base import Prompt
from mcp_types import INVALID_PARAMS

from salesloft_mcp.policy import Mode, Policy
from salesloft_mcp.server.inventory import NAMES
from salesloft_mcp.server.leniency import read_json
from salesloft_mcp.server.tool_errors import failure, worded
from salesloft_mcp.text import did_you_mean, quoted

# Tools of version 0.1, and what does their work now.
_NOW = {"run_backfill": "run_plan", "get_backfill": "get_plan", "cancel_backfill": "cancel_plan"}


async def check_names(
    tools: tuple[str, ...],
    prompts: Mapping[str, Prompt],
    mode: Mode,
    policy: Policy,
    ctx: ServerRequestContext[Any, Any],
    call_next: CallNext,
) -> HandlerResult:
    """Middleware: the names in a request exist, and the arguments of a prompt are those it has; the rest is refused."""
    if ctx.method in ("tools/call", "prompts/get"):
        ctx = replace(ctx, params=_with_an_object(ctx.params or {}))
    params = ctx.params or {}
    name = str(params.get("name", ""))
    if ctx.method == "tools/call" and name not in tools:
        if name in NAMES and not policy.allows_tool(name):
            return failure(worded(policy.no_tool(name, name)))
        if name in NAMES:
            return failure(f"{name} is switched off here (mode {mode}, or by --tools). Nothing was done.")
        raise MCPError(INVALID_PARAMS, f"there is no tool {quoted(name)}; {did_you_mean(_NOW.get(name, name), tools)}")
    if ctx.method == "prompts/get":
        _check_prompt(prompts, name, params.get("arguments") or {})
    return await call_next(ctx)


def _with_an_object(params: Mapping[str, Any]) -> dict[str, Any]:
    """Some hosts send the arguments as the JSON text of an object, or an empty text or list for none."""
    given = params.get("arguments")
    given = given.strip() if isinstance(given, str) else given
    if given in (None, "", "null", "[]", []):
        return {**params, "arguments": {}}
    read = read_json(given) if isinstance(given, str) else given
    if not isinstance(read, dict):
        raise MCPError(INVALID_PARAMS, "arguments: must be an object, or the JSON text of one.")
    return {**params, "arguments": read}


def _check_prompt(prompts: Mapping[str, Prompt], name: str, given: Mapping[str, object]) -> None:
    if name not in prompts:
        raise MCPError(INVALID_PARAMS, f"there is no prompt {quoted(name)}; {did_you_mean(name, prompts)}")
    arguments = prompts[name].arguments or []
    known = [argument.name for argument in arguments]
    for unknown in given:
        if unknown not in known:
            what = f"prompt {name} has no argument {quoted(unknown)}; {did_you_mean(unknown, known)}"
            raise MCPError(INVALID_PARAMS, what)
    missing = [argument.name for argument in arguments if argument.required and not given.get(argument.name)]
    if missing:
        raise MCPError(INVALID_PARAMS, f"prompt {name} needs {', '.join(missing)}.")
