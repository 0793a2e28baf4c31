"""The edge of a job: what nobody foresaw ends the job it happened in, and neither the server nor the other jobs."""

import logging
import traceback
from dataclasses import dataclass
from types import TracebackType

log = logging.getLogger("salesloft_mcp")


@dataclass(slots=True)
class JobGuard:
    """Ends with the block it is around. Whatever was in flight there is settled by the next run, as after a crash.

    `problem` says afterwards what a person may be told: the text of an exception may hold personal data, so the log
    says its type and place and no more.
    """

    problem: str = ""

    def __enter__(self) -> "JobGuard":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False  # all is well, or the process is told to end
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        place = traceback.extract_tb(error.__traceback__)[-1]
        name = type(error).__name__
        log.error("a run failed: %s at %s:%s", name, place.filename, place.lineno)
        self.problem = f"it failed inside the program ({name}), whose log says where.\nNext: see there, then resume it."
        return True
