"""The filters of the list calls: a name in the query, a condition for the store, an echo for the answer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from salesloft_mcp.sandbox.errors import Complaints, unprocessable
from salesloft_mcp.sandbox.query import Query, moment
from salesloft_mcp.sandbox.store import Condition, Value, among, equal

Parse = Callable[[str], Value]
Found = tuple[Any, Sequence[Condition]]

COMPARISONS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


@dataclass(frozen=True)
class Filter:
    """`read` gives the echo and the conditions, None when not asked for, ValueError for a bad value."""

    name: str
    read: Callable[[Query], Found | None]


@dataclass(frozen=True)
class Selection:
    """What was asked for, by every filter the list knows; "unknown filter names are silently ignored"."""

    conditions: list[Condition]
    echo: dict[str, Any]


def select(query: Query, filters: Iterable[Filter]) -> Selection:
    conditions: list[Condition] = []
    echo: dict[str, Any] = {}
    complaints: Complaints = {}
    for wanted in filters:
        try:
            found = wanted.read(query)
        except ValueError as error:
            complaints[wanted.name] = [str(error)]
            continue
        if found is not None:
            echo[wanted.name] = found[0]
            conditions.extend(found[1])
    if complaints:
        raise unprocessable(complaints)
    return Selection(conditions, echo)


def one(name: str, parse: Parse, column: str = "") -> Filter:
    def read(query: Query) -> Found | None:
        raw = query.one(name)
        if raw is None:
            return None
        value = parse(raw)
        return value, [equal(column or name, value)]

    return Filter(name, read)


def many(name: str, parse: Parse, column: str) -> Filter:
    def read(query: Query) -> Found | None:
        values = [parse(raw) for raw in query.many(name)]
        return (values, [among(column, values)]) if values else None

    return Filter(name, read)


def since_and_until(name: str) -> Filter:
    """`updated_at[gte|gt|lte|lt]`; another word in the brackets is an unknown name and ignored."""

    def read(query: Query) -> Found | None:
        bounds = {word: moment(raw) for word, raw in query.keyed(name).items() if word in COMPARISONS}
        conditions = [Condition(f"{name} {COMPARISONS[word]} ?", (time,)) for word, time in bounds.items()]
        return (bounds, conditions) if bounds else None

    return Filter(name, read)


def custom_fields() -> Filter:
    holds = "EXISTS (SELECT 1 FROM json_each(fields, '$.custom_fields') WHERE key = ? AND value = ?)"

    def read(query: Query) -> Found | None:
        wanted = query.keyed("custom_fields")
        return (wanted, [Condition(holds, pair) for pair in wanted.items()]) if wanted else None

    return Filter("custom_fields", read)


def search(name: str, *columns: str) -> Filter:
    """A part of any of the columns, upper and lower case alike."""
    anywhere = " OR ".join(f"instr(lower({column}), lower(?)) > 0" for column in columns)

    def read(query: Query) -> Found | None:
        raw = query.one(name)
        return None if raw is None else (raw, [Condition(f"({anywhere})", (raw,) * len(columns))])

    return Filter(name, read)


def field(name: str) -> str:
    """The SQL of a value inside the `fields` column."""
    return f"json_extract(fields, '$.{name}')"
