"""What a query string says, and the values of its words."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from salesloft_mcp.sandbox.answers import bad_request
from salesloft_mcp.sandbox.store import ObjectType

OBJECT_TYPES: dict[str, ObjectType] = {
    "person": "people",
    "people": "people",
    "account": "accounts",
    "accounts": "accounts",
    "user": "users",
    "users": "users",
}

# 18 digits always fit SQLite's 64-bit integers.
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class Query:
    """The decoded pairs of one query string, in the order they arrived."""

    def __init__(self, raw: bytes) -> None:
        try:
            self._pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise bad_request("The query is not UTF-8") from None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All of it, as it arrived."""
        return list(self._pairs)

    @property
    def names(self) -> list[str]:
        """The names that were given."""
        return [name for name, _ in self._pairs]

    def one(self, name: str) -> str | None:
        """The value of a bare key; of a repeated one "some servers keep only the last", and so does this."""
        return next((value for key, value in reversed(self._pairs) if key == name), None)

    def word(self, name: str) -> str:
        """The same in capitals; empty when it is not there."""
        return (self.one(name) or "").upper()

    def positive(self, name: str, default: int) -> int:
        """A number from 1 on; anything else is corrected silently."""
        value = self.one(name) or ""
        return max(int(value), 0) or default if _INTEGER.fullmatch(value) else default

    def many(self, name: str) -> list[str]:
        """`name[1]=a&name[2]=b` or `name[]=a`; without brackets the last value alone."""
        values = [value for key, value in self._pairs if _bracketed(key, name) is not None]
        bare = self.one(name)
        return values if bare is None else [*values, bare]

    def keyed(self, name: str) -> dict[str, str]:
        """`updated_at[gte]=...` and `custom_fields[Name]=...` as a dict."""
        return {inner: value for key, value in self._pairs if (inner := _bracketed(key, name))}


def _bracketed(key: str, name: str) -> str | None:
    if key.startswith(f"{name}[") and key.endswith("]"):
        return key[len(name) + 1 : -1]
    return None


def integer(value: str) -> int:
    if not _INTEGER.fullmatch(value):
        raise ValueError("must be an integer")
    return int(value)


def boolean(value: str) -> bool:
    """True or False, which SQLite stores as 1 or 0."""
    if value.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value.lower() == "true"


def object_type(value: object) -> ObjectType:
    """The plural of an object type word, singular or plural, in any case (D2)."""
    known = OBJECT_TYPES.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise ValueError("must be people, accounts or users")
    return known


def moment(value: str) -> str:
    """A time as the store writes it: UTC, microseconds, offset, so that text sorts as time."""
    try:
        parsed = datetime.fromisoformat(value)
        return stamp(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time") from None


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")
