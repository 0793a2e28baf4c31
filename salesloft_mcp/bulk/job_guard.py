"""The edge of a job: what nobody foresaw ends the job it happened in, and neither the server nor the other jobs."""

import logging
from dataclasses import dataclass

from salesloft_mcp.errors import type_and_place

log = logging.getLogger("salesloft_mcp")


@dataclass(slots=True)
class JobGuard:
    """Ends with the block it is around. Whatever was in flight there is settled by the next run, as after a crash.

    `problem` says afterwards what a person may be told, with `step` as what they do when they have read the log.
    """

    step: str = "resume it"
    problem: str = ""

    def __enter__(self) -> "JobGuard":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False  # all is well, or the process is told to end
        name, place = type_and_place(error)
        log.error("a run failed: %s at %s", name, place)
        what = f"it failed inside the program ({name}), whose log says where."
        self.problem = f"{what}\nNext: see there, then {self.step}."
        return True
