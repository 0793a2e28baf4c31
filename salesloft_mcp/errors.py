"""Everything that can go wrong, as one tree.

SalesloftMcpError             says what is wrong, and what to do next
├── InputError                refused before any request was sent
│   ├── SettingsError         an option or an environment name
│   └── PolicyError           beyond what the administrator of this computer allows
├── ConflictError             what is there contradicts what was asked
├── MissingError              what was asked for is not there
├── UnconfirmedError          a person has not agreed to it
└── ApiError                  Salesloft refused, or could not be reached
    ├── UnauthorizedError       401
    │   └── SignedOutError      nobody is signed in, or no longer: nothing was sent
    ├── ForbiddenError          403
    ├── NotFoundError           404
    ├── RejectedError           422, field by field
    ├── RateLimitedError        429, or no room in our own budget
    ├── UpstreamError           400, and for a read whatever is not of the API
    ├── BrokenAnswerError       a success that cannot be read or was not asked for
    ├── UnreachableError        the request is known not to have run
    └── UnknownOutcomeError     a write that may or may not have run
"""

import traceback
from collections.abc import Mapping, Sequence
from enum import Enum


class Hint(Enum):
    """Something that may be done next. A surface has words of its own for it, such as a tool's name."""

    LIST_MAPPINGS = "list the mappings"
    LIST_CONFIGURATIONS = "list the configurations"
    CREATE_CONFIGURATION = "create the configuration"
    MAP_RECORD = "map the external id to the record"
    DELETE_MAPPING = "delete the mapping"
    SEARCH_RECORDS = "search for the record"
    PLAN_AGAIN = "plan it again"
    LIST_CHANGES = "look at the log of changes"
    UNDO = "undo the change"


Step = str | tuple[str | Hint, ...]
TRY_AGAIN = "correct it and try again; nothing was sent."
LOOK: Step = (Hint.LIST_CHANGES, ", or ", Hint.LIST_MAPPINGS, ".")
UNKNOWN = "Whether it was done is unknown."  # what every UnknownOutcomeError says


class SalesloftMcpError(Exception):
    """What is wrong, and the next step. Shown to people and models as it is: it holds no secret."""

    def __init__(self, what: str, *, next_step: Step = "") -> None:
        super().__init__(what)
        self.what = what
        self.steps = next_step if isinstance(next_step, tuple) else (next_step,)

    @property
    def next_step(self) -> str:
        """What to do next, in words that fit any surface."""
        return self._next_in({})

    def told(self, words: Mapping[Hint, str]) -> str:
        """Both lines, with the hints in the words of a surface."""
        step = self._next_in(words)
        return f"{self.what}\nNext: {step}" if step else self.what

    def __str__(self) -> str:
        return self.told({})

    def _next_in(self, words: Mapping[Hint, str]) -> str:
        return "".join(words.get(part, part.value) if isinstance(part, Hint) else part for part in self.steps)


class InputError(SalesloftMcpError):
    """An argument that cannot be right. Nothing was sent. Where there is nothing better to do next, it is corrected."""

    def __init__(self, field: str, what: str, *, next_step: Step = "") -> None:
        super().__init__(f"{field}: {what}", next_step=next_step or TRY_AGAIN)
        self.field = field


class SettingsError(InputError):
    """An option, an environment variable or a credential that cannot be right."""


class MisspeltError(SettingsError):
    """A name in the environment that is no setting and nearly one, or that is there twice."""


class PolicyError(InputError):
    """Beyond what the administrator of this computer allows, or switched off; or the policy itself cannot be relied on.
    Nothing was sent.
    """


class ConflictError(SalesloftMcpError):
    """The external id or the record is taken by something else. Nothing was changed."""


class MissingError(SalesloftMcpError):
    """The mapping, configuration or record that was named does not exist."""


class UnconfirmedError(SalesloftMcpError):
    """A person has not agreed, or cannot be asked here. Nothing was changed."""


class StateError(SalesloftMcpError):
    """The file of approvals, changes and plans cannot be used at this moment."""


class ApiError(SalesloftMcpError):
    """A request that did not succeed."""


class UnauthorizedError(ApiError):
    """Salesloft does not know this token, or no longer."""


class SignedOutError(UnauthorizedError):
    """There is no key, and nobody is signed in, or the sign-in has ended. A person can mend it at any moment.

    `by_page` says whether to sign in anew is what helps.
    """

    def __init__(self, what: str, *, next_step: Step = "", by_page: bool = True) -> None:
        super().__init__(what, next_step=next_step)
        self.by_page = by_page


class ForbiddenError(ApiError):
    """The token is known and lacks the scope this call needs."""


class NotFoundError(ApiError):
    """No such path or row on Salesloft's side."""


class RejectedError(ApiError):
    """Salesloft refused the values. `fields` holds its messages, field by field, in its own words."""

    def __init__(self, what: str, *, fields: Mapping[str, Sequence[str]], next_step: Step = "") -> None:
        super().__init__(what, next_step=next_step)
        self.fields = fields


class RateLimitedError(ApiError):
    """The team's points for this minute are spent. `retry_after_seconds` says how long to wait."""

    def __init__(self, what: str, *, retry_after_seconds: float) -> None:
        wait = max(1, round(retry_after_seconds))
        super().__init__(f"{what} retry_after_seconds: {wait}", next_step=f"wait {wait} s, then call again.")
        self.retry_after_seconds = retry_after_seconds


class UpstreamError(ApiError):
    """A 400, or an answer to a read that is neither a success nor one of Salesloft's own refusals."""


class BrokenAnswerError(ApiError):
    """The answer cannot be read, or holds what was not asked for. Nothing of it was used."""


class UnreadRowsError(BrokenAnswerError):
    """The answer is one of the API, and has rows that cannot be read: asking again does not help.

    `unread` is how many, and `next_page` the page after a page on which no row can be read.
    """

    def __init__(self, what: str, *, next_step: Step = "", unread: int = 0, next_page: int | None = None) -> None:
        super().__init__(what, next_step=next_step)
        self.unread = unread
        self.next_page = next_page


class UnreachableError(ApiError):
    """The request is known not to have run."""


class UnknownOutcomeError(ApiError):
    """The answer to a write was lost, or is not of the API: it may have run. Look before sending it again.

    `status` is what was answered, by whatever; 0 where nothing was.
    """

    def __init__(self, what: str, *, next_step: Step = "", status: int = 0) -> None:
        super().__init__(what, next_step=next_step)
        self.status = status


def type_and_place(error: BaseException) -> tuple[str, str]:
    """What a log may say of an error that nobody foresaw: the first of a group. Its text may hold personal data."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = traceback.extract_tb(error.__traceback__)
    return type(error).__name__, f"{places[-1].filename}:{places[-1].lineno}" if places else "unknown place"
