"""A write that is sent as it is, without a look first, because its answer is what somebody wants to know."""

from dataclasses import replace

import anyio

from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.attempt import look, send
from salesloft_mcp.changes.change import Author, Operation, Outcome


async def tried(changes: Changes, operation: Operation, author: Author) -> Outcome:
    """Send the one change of an operation once. Like every write it stands in the log before it is sent.

    Every other write looks first, and so is never refused for what stands there already. Only for keys that nobody else
    writes at: what is created twice is not noticed here.

    Raises:
        HeldError: another change of the same key is not settled.
    """
    (line,) = await changes.log.begin(operation, await changes.place(), author, ["intended"])
    async with changes.log.renewing(line.operation):
        outcome = await send(changes.api, line)
        if outcome.state == "unknown":
            await anyio.sleep(changes.quiet)
            outcome = await look(changes.api, line, sent=True)
        if outcome.state == "planned":
            outcome = replace(outcome, state="failed")
        await changes.settle([outcome])
    return outcome
