"""The list calls: filters, paging and sorting of one table, in the envelope."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from salesloft_mcp.sandbox import oddities
from salesloft_mcp.sandbox.answers import Answer, ApiError, Complaints, json_answer, unprocessable
from salesloft_mcp.sandbox.query import Query, boolean, moment
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.store import Condition, Row, Table, Value, among, equal

MAX_PER_PAGE = 100
PER_PAGE = 25
MAX_PAGE = 10**12
MAGIC = {"_is_null": "IS NULL", "null": "IS NULL", "_unmapped": "IS NULL", "_is_not_null": "IS NOT NULL"}
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
    among_ids: Sequence[int] | None = None,
    lone_object: bool = False,
    only_paged: bool = False,
) -> Answer:
    """One page of a table; `lone_object` lists show a single hit bare in the guide (D11).

    An `only_paged` list is whole, and has no `paging`, unless a page of it is asked for.

    Source: "Bad paging values are corrected silently and echoed". An unknown column to sort by (the first is the
    default) or direction is corrected silently, too (assumed).
    """
    query = request.query
    echo, conditions = _selected(query, filters)
    if "hidden-records" in request.odd and table in oddities.HIDDEN:
        conditions.append(oddities.HIDDEN[table])
    if among_ids is not None:
        conditions.append(among("id", among_ids))
    page = min(query.positive("page", 1), MAX_PAGE)
    per_page = min(query.positive("per_page", PER_PAGE), MAX_PER_PAGE)
    if only_paged and query.one("page") is None:
        per_page = MAX_PAGE
    column = by if (by := query.one("sort_by") or "") in sort else sort[0]
    # The guide prints what it lists in ascending order, configurations apart.
    ascending = "ASC" if lone_object and request.dialect == "guide" else "DESC"
    direction = wanted if (wanted := query.word("sort_direction")) in ("ASC", "DESC") else ascending
    order = f"{column} {direction}, id {direction}"
    rows = request.store.select(table, conditions, order, limit=per_page + 1, offset=(page - 1) * per_page)
    data: list[Mapping[str, Any] | None] = [oddities.shown(table, show(row), request.odd) for row in rows[:per_page]]
    if "null-rows" in request.odd and table in oddities.HIDDEN:
        data.append(None)
    paging: dict[str, int | None] = {
        "per_page": per_page,
        "current_page": page,
        "next_page": page + 1 if len(rows) > per_page else None,
        "prev_page": page - 1 if page > 1 else None,
    }
    if query.word("include_paging_counts") == "TRUE":
        total = request.store.count(table, conditions)
        if query.word("limit_paging_counts") != "FALSE":
            total = min(total, request.most_counted)
        paging |= {"total_pages": -(-total // per_page), "total_count": total}
    sorting = {"sort_by": column, "sort_direction": f"{direction} NULLS LAST"}
    bare = lone_object and request.dialect == "guide" and len(data) == 1
    metadata: dict[str, Any] = {"filtering": echo, "paging": paging, "sorting": sorting}
    if per_page == MAX_PAGE:
        del metadata["paging"]
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
            echo |= {} if found[0] is None else {name: found[0]}
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


def bracketed(parse: Parse) -> Filter:
    """The guide prints `object_id=[1]`: the value may stand in brackets, which may be part of it as well."""

    def read(query: Query, name: str) -> Found | None:
        raw = query.one(name)
        if raw is None or not (raw.startswith("[") and raw.endswith("]")):
            return one(parse)(query, name)
        values = [parse(raw[1:-1]), *([raw] if parse is str else [])]
        return values[0], [among(name, values)]

    return read


def many(parse: Parse, column: str) -> Filter:
    """Any of the values; `_is_null` and its like select by whether there is a value at all."""

    def read(query: Query, name: str) -> Found | None:
        given = query.many(name)
        if given and (magic := MAGIC.get(given[-1].lower())):
            return given[-1], [Condition(f"{column} {magic}", ())]
        values = [parse(raw) for raw in given]
        return (values, [among(column, values)]) if values else None

    return read


def parts(column: str) -> Filter:
    """Parts of a text, upper and lower case alike, of which one has to be there."""

    def read(query: Query, name: str) -> Found | None:
        given = query.many(name)
        if given and (magic := MAGIC.get(given[-1].lower())):
            return given[-1], [Condition(f"{column} {magic}", ())]
        anywhere = " OR ".join([f"instr(lower({column}), lower(?)) > 0"] * len(given))
        return (given, [Condition(f"({anywhere})", tuple(given))]) if given else None

    return read


def is_set(column: str) -> Filter:
    """A flag that is kept as something else: whether there is a value."""

    def read(query: Query, name: str) -> Found | None:
        raw = query.one(name)
        if raw is None:
            return None
        value = boolean(raw)
        return value, [Condition(f"{column} IS {'NOT ' if value else ''}NULL", ())]

    return read


def visible_only(query: Query, name: str) -> Found | None:
    """Users who are deactivated are hidden, unless this is false."""
    if query.word(name) == "FALSE":
        return False, []
    return True if query.word(name) else None, [equal(field("active"), True)]


def since_and_until(query: Query, name: str) -> Found | None:
    """`updated_at[gte|gt|lte|lt]`; another word in the brackets is an unknown name and ignored.

    Source: "A malformed date filter can answer 500".
    """
    try:
        bounds = {word: moment(raw) for word, raw in query.keyed(name).items() if word in COMPARISONS}
    except ValueError:
        raise ApiError(500, {"status": 500, "error": "Internal Server Error"}) from None
    conditions = [Condition(f"{name} {COMPARISONS[word]} ?", (time,)) for word, time in bounds.items()]
    return (bounds, conditions) if bounds else None


def custom_fields(query: Query, name: str) -> Found | None:
    holds = f"EXISTS (SELECT 1 FROM json_each(fields, '$.{name}') WHERE key = ? AND lower(value) = lower(?))"
    wanted = query.keyed(name)
    return (wanted, [Condition(holds, pair) for pair in wanted.items()]) if wanted else None


def search(*columns: str) -> Filter:
    """Source: "Space-separated list of keywords used to find case-insensitive substring matches against First Name,
    Last Name, or Email". Whether all of them have to match is not said; here they have (assumed).
    """
    anywhere = " OR ".join(f"instr(lower({column}), lower(?)) > 0" for column in columns)

    def read(query: Query, name: str) -> Found | None:
        raw = query.one(name)
        if raw is None:
            return None
        return raw, [Condition(f"({anywhere})", (word,) * len(columns)) for word in raw.split()]

    return read


def field(name: str) -> str:
    """The SQL of a value inside the `fields` column."""
    return f"json_extract(fields, '$.{name}')"
