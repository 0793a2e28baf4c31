"""One answer of a person executes once. A repeated one gets the stored outcome, whoever races it."""

import hashlib
import json
from collections import OrderedDict
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import authenticated_principal
from mcp_types import INVALID_PARAMS

REMEMBERED = 1_000


class _Execution:
    def __init__(self) -> None:
        self.done = anyio.Event()
        self.result: HandlerResult = None
        self.error: MCPError | None = None


class ReplayGuard:
    """Sits outside the sealing of request states, where two honest confirmations still differ.

    Measured on mcp 2.3: the library runs a tool once for every copy of an answered request that arrives.
    """

    def __init__(self) -> None:
        self._executions: OrderedDict[str, _Execution] = OrderedDict()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Run the first, answer the rest from memory."""
        if ctx.method != "tools/call" or not ctx.params or not ctx.params.get("requestState"):
            return await call_next(ctx)
        key = _key(ctx)
        known = self._executions.get(key)
        if known is not None:
            return await _stored(known)
        execution = self._executions[key] = _Execution()
        while len(self._executions) > REMEMBERED:
            self._executions.popitem(last=False)
        try:
            execution.result = await call_next(ctx)
        except MCPError as error:
            execution.error = error
            raise
        else:
            return execution.result
        finally:
            execution.done.set()


async def _stored(execution: _Execution) -> HandlerResult:
    await execution.done.wait()
    if execution.error is not None:
        raise execution.error
    if execution.result is None:
        # The first run was cut off: whether it did anything is not known here, so it is not done again.
        raise MCPError(INVALID_PARAMS, "This confirmation was used by a call that was cut off. Make the call anew.")
    return execution.result


def _key(ctx: ServerRequestContext[Any, Any]) -> str:
    params = ctx.params or {}
    parts = [params.get("requestState"), params.get("name"), params.get("arguments"), authenticated_principal(ctx)]
    answers = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(answers.encode("utf-8", "surrogatepass")).hexdigest()
