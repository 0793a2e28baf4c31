"""The edge of a job: what nobody foresaw ends the job it happened in, and neither the server nor the other jobs."""

import logging
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or trace is None:
            return False  # all is well, or the process is told to end
        while trace.tb_next is not None:
            trace = trace.tb_next
        name = type(error).__name__
        log.error("a run failed: %s at %s:%s", name, trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        self.problem = f"it failed inside the program ({name}), whose log says where.\nNext: see there, then resume it."
        return True
