"""How Salesloft lists mappings."""

from salesloft_mcp.salesloft.spellings import (
    BOTH_WORDS,
    IGNORED,
    IN_EVERY_ROW,
    IN_NO_ROW,
    MAPPING_ID,
    NEITHER_WORD,
    OBJECT_TYPE_FILTER,
    ONLY_PLURAL,
    ONLY_SINGULAR,
)
from salesloft_mcp.verify.answers import NotToldError
from salesloft_mcp.verify.bench import MAIN, NOTHING, Bench
from salesloft_mcp.verify.check import NOBODY, Check

FAR_PAGE = 50  # far past the end of the throw-away type, and at the price of any other page


async def _one_row(bench: Bench) -> str:
    bench.done("a mapping")
    found = await bench.mappings(("external_id", MAIN))
    if found.data == found.rows and found.rows:
        return "a list"
    return "the row itself" if found.rows and found.data == found.row else "something else"


async def _no_rows(bench: Bench) -> str:
    bench.done("a throw-away type")
    found = await bench.mappings(("external_id", NOTHING))
    shapes = {"[]": "an empty list", "None": "null"}
    return shapes.get(str(found.data), "something else") if found.ok else found.outcome


async def _mapping_id(bench: Bench) -> str:
    created = bench.done("a mapping").row
    lists = {
        "lists by external id": await bench.mappings(("external_id", MAIN)),
        "lists by record": await bench.mappings(("object_id", str(bench.user))),
        "lists by type": await bench.mappings(),
    }
    rows = {"what is created": [created]} | {name: found.rows for name, found in lists.items()}
    ours = {name: [row for row in some if row.get("external_id") == MAIN] for name, some in rows.items()}
    if not all(ours.values()):
        raise NotToldError("not every list shows the mapping")
    shown = [name for name, some in ours.items() if type(some[0].get("id")) is int]
    if len(shown) == len(ours):
        return IN_EVERY_ROW
    return f"only in {', '.join(shown)}" if shown else IN_NO_ROW


async def _object_type(bench: Bench) -> str:
    bench.done("a mapping")
    found = [
        word
        for word in ("users", "user", "accounts")
        if MAIN in (await bench.mappings(("object_type", word))).values("external_id")
    ]
    words = {"users user": BOTH_WORDS, "users": ONLY_PLURAL, "user": ONLY_SINGULAR, "": NEITHER_WORD}
    return words.get(" ".join(found), IGNORED)


async def _unknown_filter(bench: Bench) -> str:
    bench.done("a mapping")
    found = await bench.mappings(("no_such_filter", "1"))
    return (
        "it is ignored"
        if MAIN in found.values("external_id")
        else f"it finds nothing ({found.outcome})"
        if found.ok
        else found.outcome
    )


async def _sorting(bench: Bench) -> str:
    bench.done("a mapping")
    up, down = [
        (await bench.mappings(("sort_by", "id"), ("sort_direction", direction))).values("external_id")
        for direction in ("ASC", "DESC")
    ]
    if len(up) < 2:
        raise NotToldError("there are not two mappings to be sorted")
    return "both ways" if up == down[::-1] else "it is ignored"


async def _past_the_end(bench: Bench) -> str:
    bench.done("a throw-away type")
    found = await bench.mappings(page=FAR_PAGE)
    return found.outcome if not found.ok else "rows" if found.rows else "no rows"


async def _counts(bench: Bench) -> str:
    bench.done("a mapping")
    counted = await bench.mappings(("include_paging_counts", "true"), ("limit_paging_counts", "false"), per_page=1)
    total = counted.paging("total_count")
    if total is None:
        return "no number"
    return "the number of rows" if total == len((await bench.mappings()).rows) else "another number"


LISTING = (
    Check(
        "one-row",
        "A list with one row is a list, or the row itself",
        "an object in the guide, a list in the reference",
        "GET mappings by an external id",
        ("a list", "the row itself"),
        "Answers with one row may not be readable: writes then say that their outcome is unknown.",
        1,
        _one_row,
    ),
    Check(
        "no-rows",
        "A list without rows is an empty list, or null",
        "the guide shows none",
        "GET mappings by an external id that is not mapped",
        ("an empty list", "null"),
        "Look-ups of ids that are not mapped end with an error instead of saying so; nothing wrong is written.",
        1,
        _no_rows,
    ),
    Check(
        MAPPING_ID,
        "Every mapping shows its id, or none does",
        "the guide prints none, though a deletion needs it; the reference has it always",
        "the id in what is created, and in lists by external id, by record and by type",
        (IN_EVERY_ROW, IN_NO_ROW),
        "Deleting a mapping takes one to six points more, to find its id in a list that shows it.",
        3,
        _mapping_id,
    ),
    Check(
        OBJECT_TYPE_FILTER,
        "Mappings are filtered by `users`, and perhaps by `user` as well",
        "`people` in the guide, `person` in the reference",
        "GET mappings with object_type users, user and accounts",
        (BOTH_WORDS, ONLY_PLURAL),
        "From its next start on the client asks by the word that works, or selects here where none does.",
        3,
        _object_type,
    ),
    Check(
        "unknown-filter",
        "A filter that is not known is ignored",
        NOBODY,
        "GET mappings with a filter that does not exist",
        ("it is ignored",),
        "Nothing is at risk: every row is held against what was asked for.",
        1,
        _unknown_filter,
    ),
    Check(
        "sorting",
        "Mappings sort by id, both ways",
        "the reference names sort_by and sort_direction",
        "GET mappings in ascending and in descending order",
        ("both ways",),
        "Lists of more than 10,000 rows cost more points, because they are read from one end only.",
        2,
        _sorting,
    ),
    Check(
        "past-the-end",
        "A page past the end has no rows",
        NOBODY,
        f"GET page {FAR_PAGE} of the mappings of the throw-away type",
        ("no rows",),
        "A list that shrinks while it is read may end with an error; call again.",
        1,
        _past_the_end,
    ),
    Check(
        "counts",
        "A list is counted when that is asked for",
        "the reference has include_paging_counts",
        "total_count of the mappings of the throw-away type, held against its rows",
        ("the number of rows",),
        "Look-ups of many ids cost more points, and the question before a deletion says that nobody knows how many"
        " mappings go.",
        2,
        _counts,
    ),
)
