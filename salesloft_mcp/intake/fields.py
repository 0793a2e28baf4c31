"""What every way in gives: rows by known fields, or why there is none, each with its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_TOLD_ID = 255  # characters of an id that is told of an invalid row

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Invalid:
    """Stands for a row that cannot be read, and says why. Its external id is told where that can still be seen."""

    problem: str
    external_id: str = ""


Rows = Iterator[tuple[int, Fields | Invalid]]  # each with its line


def told(value: object) -> str:
    """An external id as it may be told: half a surrogate pair, which JSON can spell, is no text for a database."""
    return value[:MAX_TOLD_ID].encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else ""
