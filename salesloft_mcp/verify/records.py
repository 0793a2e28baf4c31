"""How Salesloft finds records by external id, and people by their fields. Nothing is written, and nobody is named."""

from collections import Counter

from salesloft_mcp.salesloft.requests import MAX_IDS_A_CALL
from salesloft_mcp.salesloft.spellings import FEWER_IDS, IDS_A_CALL
from salesloft_mcp.verify.answers import Answer, NotToldError
from salesloft_mcp.verify.bench import MAIN, NOTHING, Bench
from salesloft_mcp.verify.check import NOBODY, Check

PEOPLE = "/v2/people"
LONG_ENOUGH = 4  # letters of a place of which a part says something


async def _unmapped(bench: Bench) -> str:
    bench.done("a mapping")
    some, none = await bench.records(MAIN, NOTHING), await bench.records(NOTHING)
    bench.said["a look-up of an id that is not mapped"] = none
    if not some.rows:
        return f"nothing is found beside it ({some.outcome})"
    return "left out" if none.ok and not none.rows else none.outcome


async def _without_external_id(bench: Bench) -> str:
    found = await _records(bench)
    return "with it" if found.row.keys() & {"external_id", "external_ids"} else "without it"


async def _arrays(bench: Bench) -> str:
    numbered = bool((await bench.records(MAIN)).rows)
    users = await bench.ask("/v2/users", ("ids[]", str(bench.user)), ("visible_only", "false"))
    empty = users.values("id") == [bench.user]
    return {(True, True): "both", (True, False): "only external_ids[1]", (False, True): "only ids[]"}.get(
        (numbered, empty), "neither"
    )


async def _page_size(bench: Bench) -> str:
    found = await bench.records(MAIN, pages=False)
    size = found.paging("per_page")
    if size is None:
        raise NotToldError("the answer has no paging")
    return str(size) if type(size) is int else "something else"


async def _hundred(bench: Bench) -> str:
    await _records(bench)

    async def taken(number: int) -> bool:
        return bool((await bench.records(MAIN, *(f"{NOTHING} {one}" for one in range(1, number)))).rows)

    if await taken(MAX_IDS_A_CALL):
        return f"more than {MAX_IDS_A_CALL}" if await taken(MAX_IDS_A_CALL + 1) else str(MAX_IDS_A_CALL)
    for words, number in FEWER_IDS.items():
        if await taken(number):
            return words
    raise NotToldError("the record is not found by its external id any more")


async def _not_configured(bench: Bench) -> str:
    return (await bench.records(MAIN, of=bench.unconfigured)).outcome


async def _slash(bench: Bench) -> str:
    await bench.configure("a type with a slash", bench.slashed)
    bench.done("a type with a slash")
    found = await bench.records(NOTHING, of=bench.slashed)
    return "passes" if found.outcome == bench.answer("a look-up of an id that is not mapped").outcome else found.outcome


async def _records(bench: Bench) -> Answer:
    """
    Raises:
        NotToldError: the user is not found by its external id.
    """
    bench.done("a mapping")
    found = await bench.records(MAIN)
    if not found.rows:
        raise NotToldError(f"the record is not found by its external id ({found.outcome})")
    return found


async def _counted(bench: Bench, *query: tuple[str, str]) -> int:
    counts = (("include_paging_counts", "true"), ("limit_paging_counts", "false"))
    total = (await bench.ask(PEOPLE, *query, *counts, per_page=1)).paging("total_count")
    if type(total) is not int:
        raise NotToldError("people are not counted")
    return total


async def _null_words(bench: Bench) -> str:
    every, without = await _counted(bench), await _counted(bench, ("crm_id[]", "_is_null"))
    if without in (0, every):
        raise NotToldError("either all people here have a CRM id, or none has, or _is_null does not select")
    same = [await _counted(bench, ("crm_id[]", word)) == without for word in ("_unmapped", "Null")]
    return "the same" if all(same) else "something else"


async def _parts(bench: Bench) -> str:
    people = await bench.ask(PEOPLE)
    cities = Counter(city for city in people.values("city") if isinstance(city, str))
    usable = [one for one, _ in cities.most_common() if len(one) > LONG_ENOUGH and one.isascii() and one.isalpha()]
    if not usable:
        raise NotToldError("none of the people who were updated last has a city to look for")
    found = await bench.ask(PEOPLE, ("city[]", usable[0][1:].swapcase()))
    return "found" if usable[0] in found.values("city") else "not found"


async def _metered(bench: Bench) -> str:
    return "every answer" if bench.metered == {True} else "some answers" if True in bench.metered else "no answer"


RECORDS = (
    Check(
        "unmapped-ids",
        "External ids that are not mapped are left out of the records",
        NOBODY,
        "GET users by an id that is mapped and one that is not, and by the latter alone",
        ("left out",),
        "Look-ups of many records are refused as soon as one id is not mapped; ask for mappings instead.",
        2,
        _unmapped,
    ),
    Check(
        "records-without-external-id",
        "Records by external id do not say which id found them",
        "the guide shows none",
        "the keys of the user that is found",
        ("without it",),
        "Nothing is at risk: a few points are spent to find out what the answer says already.",
        1,
        _without_external_id,
    ),
    Check(
        "array-spelling",
        "Several values are `external_ids[1]=…` for external ids, and `ids[]=…` for ids of records",
        "the guide numbers them, the reference leaves the brackets empty",
        "GET users by external id, and by their own id",
        ("both",),
        "Records are looked up one by one, or not at all; tell Salesloft's support.",
        2,
        _arrays,
    ),
    Check(
        "records-page-size",
        "Records by external id come in pages of 25, like any list",
        NOBODY,
        "GET users by external id without per_page",
        ("25",),
        "Nothing is at risk: a hundred a page are asked for, and every page is read.",
        1,
        _page_size,
    ),
    Check(
        IDS_A_CALL,
        "One call takes at most 100 external ids",
        NOBODY,
        "GET users by 100 and by 101 external ids, and by fewer when those are refused",
        ("100",),
        "Where fewer are taken, the client asks for no more at a time from its next start on, which costs more points."
        " More than 100 are of no use here.",
        6,
        _hundred,
    ),
    Check(
        "unconfigured-records",
        "Without a configuration, records are neither found nor upserted by external id (404)",
        NOBODY,
        "GET users by an id of a type that is not configured; an upsert is not tried, because it might create a person",
        ("404",),
        "A misspelt type looks like ids that are not mapped; the look-up by mappings still names the nearest types.",
        1,
        _not_configured,
    ),
    Check(
        "slash-in-path",
        "An encoded slash in an external id reaches the endpoint as part of the id",
        NOBODY,
        "configure a type whose name has a slash, and GET users by it: a type stands in the path as an id does",
        ("passes",),
        "Records whose external id has a slash cannot be upserted; map them by their Salesloft id instead.",
        3,
        _slash,
    ),
    Check(
        "null-words",
        "`_unmapped` and `Null` select what `_is_null` does",
        NOBODY,
        "count the people by crm_id[] with each of these words",
        ("the same",),
        "A search for such a text is refused here although Salesloft would look for it.",
        4,
        _null_words,
    ),
    Check(
        "parts-of-fields",
        "Places, titles and industries are found by a part, in whatever case",
        NOBODY,
        "GET people by a part of the city of one of them, in the other case",
        ("found",),
        "Searches by place, title and industry find only exact values: give them whole.",
        2,
        _parts,
    ),
)

METERED = Check(
    "metered",
    "Every answer counts the team's points",
    NOBODY,
    "the x-ratelimit headers of all these answers",
    ("every answer",),
    "The points that other integrations of the team spend are not seen: set SALESLOFT_RATE_LIMIT lower.",
    0,
    _metered,
)
