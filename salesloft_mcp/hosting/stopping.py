"""When to stop: a signal, told as the exit code a shell expects."""

import signal
import sys

import anyio

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def exit_code_of_signal() -> int:
    """Waits for SIGINT or SIGTERM; 130 or 143."""
    if sys.platform == "win32":
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        async for number in signals:
            return 128 + number
    raise AssertionError("the receiver ends only when it is cancelled")
