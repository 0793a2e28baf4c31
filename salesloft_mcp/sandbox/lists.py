"""The list calls: filters, paging and sorting of one table, in the envelope."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from salesloft_mcp.sandbox.answers import Answer, Complaints, json_answer, unprocessable
from salesloft_mcp.sandbox.query import Query, moment
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.store import Condition, Row, Table, Value, among, equal

MAX_PER_PAGE = 100
MAX_PAGE = 10**12
COMPARISONS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}

Parse = Callable[[str], Value]
Found = tuple[Any, Sequence[Condition]]
# The echo and the conditions; None when not asked for, ValueError for a bad value.
Filter = Callable[[Query, str], Found | None]
Filters = Mapping[str, Filter]


def listed(
    request: Request,
    table: Table,
    show: Callable[[Row], Mapping[str, Any]],
    filters: Filters,
    *,
    sort: Sequence[str] = ("id",),
    per_page: int = 25,
    among_ids: Sequence[int] | None = None,
    lone_object: bool = False,
) -> Answer:
    """One page of a table; `lone_object` lists show a single hit bare in the guide (D11).

    Source: "Bad paging values are corrected silently and echoed". An unknown column to sort by (the first is the
    default) or direction is corrected silently, too (assumed).
    """
    query = request.query
    echo, conditions = _selected(query, filters)
    if among_ids is not None:
        conditions.append(among("id", among_ids))
    page = min(query.positive("page", 1), MAX_PAGE)
    per_page = min(query.positive("per_page", per_page), MAX_PER_PAGE)
    wanted = query.one("sort_by") or ""
    column = wanted if wanted in sort else sort[0]
    direction = "ASC" if query.word("sort_direction") == "ASC" else "DESC"
    order = f"{column} {direction}, id {direction}"
    rows = request.store.select(table, conditions, order, limit=per_page + 1, offset=(page - 1) * per_page)
    data = [show(row) for row in rows[:per_page]]
    paging: dict[str, int | None] = {
        "per_page": per_page,
        "current_page": page,
        "next_page": page + 1 if len(rows) > per_page else None,
        "prev_page": page - 1 if page > 1 else None,
    }
    if query.word("include_paging_counts") == "TRUE":
        total = request.store.count(table, conditions)
        paging |= {"total_pages": -(-total // per_page), "total_count": total}
    sorting = {"sort_by": column, "sort_direction": f"{direction} NULLS LAST"}
    bare = lone_object and request.dialect == "guide" and len(data) == 1
    metadata = {"filtering": echo, "paging": paging, "sorting": sorting}
    return json_answer(200, {"data": data[0] if bare else data, "metadata": metadata})


def _selected(query: Query, filters: Filters) -> tuple[dict[str, Any], list[Condition]]:
    """What was asked for, by every filter the list knows; "unknown filter names are silently ignored"."""
    echo: dict[str, Any] = {}
    conditions: list[Condition] = []
    complaints: Complaints = {}
    for name, read in filters.items():
        try:
            found = read(query, name)
        except ValueError as error:
            complaints[name] = [str(error)]
            continue
        if found is not None:
            echo[name] = found[0]
            conditions.extend(found[1])
    if complaints:
        raise unprocessable(complaints)
    return echo, conditions


def one(parse: Parse, column: str = "") -> Filter:
    def read(query: Query, name: str) -> Found | None:
        raw = query.one(name)
        if raw is None:
            return None
        value = parse(raw)
        return value, [equal(column or name, value)]

    return read


def many(parse: Parse, column: str) -> Filter:
    def read(query: Query, name: str) -> Found | None:
        values = [parse(raw) for raw in query.many(name)]
        return (values, [among(column, values)]) if values else None

    return read


def since_and_until(query: Query, name: str) -> Found | None:
    """`updated_at[gte|gt|lte|lt]`; another word in the brackets is an unknown name and ignored."""
    bounds = {word: moment(raw) for word, raw in query.keyed(name).items() if word in COMPARISONS}
    conditions = [Condition(f"{name} {COMPARISONS[word]} ?", (time,)) for word, time in bounds.items()]
    return (bounds, conditions) if bounds else None


def custom_fields(query: Query, name: str) -> Found | None:
    holds = f"EXISTS (SELECT 1 FROM json_each(fields, '$.{name}') WHERE key = ? AND value = ?)"
    wanted = query.keyed(name)
    return (wanted, [Condition(holds, pair) for pair in wanted.items()]) if wanted else None


def search(*columns: str) -> Filter:
    """A part of any of the columns, upper and lower case alike."""
    anywhere = " OR ".join(f"instr(lower({column}), lower(?)) > 0" for column in columns)

    def read(query: Query, name: str) -> Found | None:
        raw = query.one(name)
        return None if raw is None else (raw, [Condition(f"({anywhere})", (raw,) * len(columns))])

    return read


def field(name: str) -> str:
    """The SQL of a value inside the `fields` column."""
    return f"json_extract(fields, '$.{name}')"
