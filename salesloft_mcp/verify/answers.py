"""An answer of Salesloft as it came, read with as few expectations as can be. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from salesloft_mcp.salesloft.pages import is_page
from salesloft_mcp.salesloft.received import Received, complaints, read_json
from salesloft_mcp.text import shortened

Row = Mapping[str, Any]

_PASSING = frozenset({408, 429, 502, 503, 504})  # these say nothing about what was asked
_ROW_KEYS = frozenset({"id", "external_id", "external_type"})


class NotToldError(Exception):
    """A check cannot be decided here; the message says why, in words of ours alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: object
    metered: bool

    @classmethod
    def of(cls, got: Received, *, writes: bool) -> "Answer":
        """What was answered to a read, or to one that `writes`, whose success may have nothing in it.

        Raises:
            NotToldError: it is an answer that has nothing to do with what was asked.
        """
        if got.status in _PASSING or got.status >= 500:
            raise NotToldError(f"Salesloft, or something in between, answered {got.status}")
        if got.status in (401, 403):
            raise NotToldError(f"the token may not do this ({got.status})")
        answer = cls(got.status, read_json(got.content), got.metered)
        if is_page(got.content) or (answer.ok and answer.body is None and (got.content or not writes)):
            raise NotToldError(f"something in between answered {got.status}, with no JSON")
        return answer

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    @property
    def data(self) -> object:
        """What stands under `data`."""
        return self.body.get("data") if isinstance(self.body, dict) else None

    @property
    def rows(self) -> list[Row]:
        """Every row that can be found in it, however it is wrapped."""
        return list(_rows(self.data))

    @property
    def row(self) -> Row:
        """The first row; empty when there is none."""
        return next(_rows(self.data), {})

    def values(self, name: str) -> list[object]:
        """What each row has under a name, None where it has nothing. It may be of any kind, and so fit into no set."""
        return [row.get(name) for row in self.rows]

    def paging(self, name: str) -> object:
        """A value of the envelope's paging."""
        found: object = self.body
        for key in ("metadata", "paging", name):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    @property
    def outcome(self) -> str:
        """ "201", or "422 on external_type": the status, and the fields that a refusal names."""
        fields = [] if self.ok else sorted(shortened(name, 40) for name in complaints(self.body) if name)
        return f"{self.status} on {', '.join(fields[:3])}" if fields else str(self.status)


def _rows(data: object) -> Iterator[Row]:
    if isinstance(data, dict) and _ROW_KEYS & data.keys():
        yield data
    elif isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _rows(one)
