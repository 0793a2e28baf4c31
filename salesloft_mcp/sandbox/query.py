"""What a query string says: scalars, arrays, keyed values, paging and sorting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from salesloft_mcp.sandbox.errors import bad_request
from salesloft_mcp.sandbox.store import ObjectType

OBJECT_TYPES: dict[str, ObjectType] = {
    "person": "people",
    "people": "people",
    "account": "accounts",
    "accounts": "accounts",
    "user": "users",
    "users": "users",
}

DEFAULT_PER_PAGE = 25
MAX_PER_PAGE = 100
MAX_PAGE = 10**12

# 18 digits always fit SQLite's 64-bit integers.
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class Query:
    """The decoded pairs of one query string, in the order they arrived."""

    def __init__(self, raw: bytes) -> None:
        try:
            self._pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise bad_request("The query is not UTF-8") from None

    def one(self, name: str) -> str | None:
        """The value of a bare key; of a repeated one "some servers keep only the last", and so does this."""
        return next((value for key, value in reversed(self._pairs) if key == name), None)

    def many(self, name: str) -> list[str]:
        """`name[1]=a&name[2]=b` or `name[]=a`; without brackets the last value alone."""
        values = [value for key, value in self._pairs if _bracketed(key, name) is not None]
        bare = self.one(name)
        return values if bare is None else [*values, bare]

    def keyed(self, name: str) -> dict[str, str]:
        """`updated_at[gte]=...` and `custom_fields[Name]=...` as a dict."""
        found = ((_bracketed(key, name), value) for key, value in self._pairs)
        return {inner: value for inner, value in found if inner}


def _bracketed(key: str, name: str) -> str | None:
    if key.startswith(f"{name}[") and key.endswith("]"):
        return key[len(name) + 1 : -1]
    return None


@dataclass(frozen=True)
class Paging:
    """One page of a list: which, how long, and whether to count the rest."""

    page: int
    per_page: int
    counts: bool

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


def read_paging(query: Query, default: int = DEFAULT_PER_PAGE) -> Paging:
    """Source: "Bad paging values are corrected silently and echoed"."""
    return Paging(
        page=min(_positive(query.one("page"), 1), MAX_PAGE),
        per_page=min(_positive(query.one("per_page"), default), MAX_PER_PAGE),
        counts=(query.one("include_paging_counts") or "").lower() == "true",
    )


def _positive(text: str | None, default: int) -> int:
    number = int(text) if text and _INTEGER.fullmatch(text) else 0
    return number if number > 0 else default


@dataclass(frozen=True)
class Sorting:
    column: str
    direction: str

    @property
    def sql(self) -> str:
        tie = "" if self.column == "id" else f", id {self.direction}"
        return f"{self.column} {self.direction}{tie}"


def read_sorting(query: Query, columns: Sequence[str]) -> Sorting:
    """The first column is the default; an unknown column or direction is corrected silently (assumed)."""
    column = query.one("sort_by") or ""
    ascending = (query.one("sort_direction") or "").upper() == "ASC"
    return Sorting(column if column in columns else columns[0], "ASC" if ascending else "DESC")


def text(value: str) -> str:
    return value


def integer(value: str) -> int:
    if not _INTEGER.fullmatch(value):
        raise ValueError("must be an integer")
    return int(value)


def boolean(value: str) -> bool:
    """True or False, which SQLite stores as 1 or 0."""
    if value.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value.lower() == "true"


def object_type(value: str) -> ObjectType:
    """The plural of an object type word, singular or plural, in any case (D2)."""
    try:
        return OBJECT_TYPES[value.lower()]
    except KeyError:
        raise ValueError("must be people, accounts or users") from None


def moment(value: str) -> str:
    """A time as the store writes it: UTC, microseconds, offset, so that text sorts as time."""
    try:
        parsed = datetime.fromisoformat(value)
        return stamp(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time") from None


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")
