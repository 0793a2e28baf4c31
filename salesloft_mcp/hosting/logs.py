"""Log lines on standard error, which some hosts never read."""

import logging
import os
import select
import sys

from salesloft_mcp.errors import type_and_place
from salesloft_mcp.text import escaped

MOST_BYTES = 4_096  # so many a pipe takes at once where it takes any


class StandardError(logging.Handler):
    """Writes one line for each event and never waits. What finds no room is dropped, and counted in the next line."""

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event, without its traceback."""
        told = f"{record.levelname} {record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            told += " ({} at {})".format(*type_and_place(record.exc_info[1]))
        if self._dropped:
            told = f"({self._dropped} lines were dropped) {told}"
        line = escaped(told).encode("utf-8", "backslashreplace")[: MOST_BYTES - 1] + b"\n"
        try:
            if sys.platform != "win32" and not select.select([], [self._descriptor], [], 0)[1]:
                raise BlockingIOError
            os.write(self._descriptor, line)
            self._dropped = 0
        except OSError:
            self._dropped += 1


def log_to_standard_error() -> None:
    """From now on, in this process."""
    logging.basicConfig(level=logging.WARNING, handlers=[StandardError()])
