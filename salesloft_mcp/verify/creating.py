"""What Salesloft answers when configurations and mappings are created."""

from salesloft_mcp.salesloft.spellings import SAME_MAPPING
from salesloft_mcp.verify.answers import NotToldError
from salesloft_mcp.verify.bench import CHARACTERS, CONFIGURATIONS, MAIN, Bench
from salesloft_mcp.verify.check import NOBODY, Check

NO_USER = 2_147_483_629  # no user has this id; it is looked up before
_SUCCESS = ("200", "201")


async def _configuration(bench: Bench) -> str:
    return (await bench.configure("a throw-away type", bench.external_type)).outcome


async def _source(bench: Bench) -> str:
    row = bench.done("a throw-away type").row
    kinds = sorted(type(row.get(name)).__name__ for name in ("source_id", "source_type"))
    return {"NoneType NoneType": "none", "int str": "a word and a number"}.get(" ".join(kinds), "something else")


async def _second_configuration(bench: Bench) -> str:
    bench.done("a throw-away type")
    return (await bench.configure("the same configuration again", bench.external_type)).outcome


async def _configuration_filter(bench: Bench) -> str:
    bench.done("a throw-away type")
    found = await bench.ask(CONFIGURATIONS, ("external_type", bench.external_type))
    types = found.values("external_type")
    if types and all(one == bench.external_type for one in types):
        return "it selects"
    return "it is ignored" if bench.external_type in types else f"it finds nothing ({found.outcome})"


async def _mapping(bench: Bench) -> str:
    bench.done("a throw-away type")
    return (await bench.map("a mapping", MAIN)).outcome


async def _word(bench: Bench) -> str:
    word = bench.done("a mapping").row.get("object_type")
    return word if word in ("user", "users", "User", "Users", "USER", "USERS") else "another word"


async def _inserted_at(bench: Bench) -> str:
    when = bench.done("a mapping").row.get("inserted_at")
    if not isinstance(when, str):
        return "something else"
    return "a time" if "T" in when else "a date" if len(when) == len("2024-02-01") else "something else"


async def _tenant(bench: Bench) -> str:
    if bench.team is None:
        raise NotToldError("the token may not see its team")
    return "the team's id" if bench.done("a mapping").row.get("tenant_id") == bench.team else "something else"


async def _same_again(bench: Bench) -> str:
    bench.done("a mapping")
    return (await bench.map("the same mapping again", MAIN)).outcome


async def _several(bench: Bench) -> str:
    bench.done("a mapping")
    answer = await bench.map("a second external id", CHARACTERS)
    return "accepted" if answer.ok else answer.outcome


async def _characters(bench: Bench) -> str:
    if bench.done("a second external id").row.get("external_id") != CHARACTERS:
        return "changed when it is created"
    listed = await bench.mappings(("external_id", CHARACTERS))
    if CHARACTERS not in listed.values("external_id"):
        return "not found in the list of mappings"
    return "kept" if (await bench.records(CHARACTERS)).rows else "not found among the records"


async def _other_spelling(bench: Bench) -> str:
    bench.done("a mapping")
    for spelling, words in ((MAIN.lower(), "in lower case"), (f" {MAIN}", "with a space before it")):
        if (await bench.mappings(("external_id", spelling))).rows:
            return f"found {words}"
    return "not found"


async def _unconfigured(bench: Bench) -> str:
    return (await bench.map("a mapping without a configuration", MAIN, of=bench.unconfigured)).outcome


async def _missing_object(bench: Bench) -> str:
    bench.done("a throw-away type")
    users = await bench.ask("/v2/users", ("ids[]", str(NO_USER)), ("visible_only", "false"))
    if NO_USER in users.values("id"):
        raise NotToldError("there is a user of the id that was meant to be free")
    return (await bench.map("a mapping to nobody", "of nobody", user=NO_USER)).outcome


CREATING = (
    Check(
        "configuration-status",
        "Creating a configuration is answered 200 or 201",
        "201 in the guide, 200 in the reference",
        "POST a configuration of the throw-away type for users",
        _SUCCESS,
        "Nothing is at risk: any success is read as one, and any other answer is looked up.",
        2,
        _configuration,
    ),
    Check(
        "configuration-source",
        "A configuration has no source with an API key, and a word and a number with OAuth",
        "the guide prints the word and the number in each other's place",
        "source_id and source_type of that answer",
        ("none", "a word and a number"),
        "The source of a configuration may be shown wrongly; nothing is decided by it.",
        0,
        _source,
    ),
    Check(
        "second-configuration",
        "A second live configuration of a type and object is a 422 on `external_type`",
        NOBODY,
        "POST the same configuration again",
        ("422 on external_type",),
        "A configuration that two clients create at once may be there twice, or be told as created by both.",
        3,
        _second_configuration,
    ),
    Check(
        "configuration-filter",
        "Configurations can be filtered",
        NOBODY,
        "GET configurations with external_type",
        ("it selects",),
        "Nothing is at risk: all configurations are read, and selected here.",
        1,
        _configuration_filter,
    ),
    Check(
        "mapping-status",
        "Creating a mapping is answered 200 or 201",
        "201 in the guide, 200 in the reference",
        "POST a mapping of the token's own user",
        _SUCCESS,
        "Nothing is at risk: any success is read as one, and any other answer is looked up.",
        2,
        _mapping,
    ),
    Check(
        "object-type-word",
        "A mapping says `user` or `users`",
        "`people` in the guide, `person` in the reference",
        "object_type of that answer",
        ("user", "users"),
        "Mappings whose object type is another word cannot be read; upper and lower case are read alike.",
        0,
        _word,
    ),
    Check(
        "inserted-at",
        "A mapping says when it was made by a date or a time",
        "a time in the guide, a date in the reference",
        "inserted_at of that answer",
        ("a time", "a date"),
        "It is shown as it comes; nothing is decided by it.",
        0,
        _inserted_at,
    ),
    Check(
        "tenant-id",
        "The `tenant_id` of a mapping is the id of the team",
        "both say what it is called, and neither what it is",
        "tenant_id of that answer, held against GET /v2/team",
        ("the team's id",),
        "It is shown as it comes; the team is taken from /v2/team.",
        0,
        _tenant,
    ),
    Check(
        SAME_MAPPING,
        "An external id that is taken is a 422, and so is creating the same mapping again",
        NOBODY,
        "POST the same mapping again; that of another record is not tried, because it would map somebody else",
        ("422 on external_id",),
        "Every write looks first, so this only meets two clients that write at once. The audit finds ids of several"
        " records.",
        3,
        _same_again,
    ),
    Check(
        "several-ids",
        "A record may have several external ids of one type",
        "the guide allows several with different types, and says nothing of one type",
        "POST a second external id of the same user",
        ("accepted",),
        "Replacing an external id fails while the old one is there: delete the old one first, then map the new one.",
        2,
        _several,
    ),
    Check(
        "characters",
        "External ids with any characters are kept and found byte for byte",
        NOBODY,
        "that second id has a space, a slash, a plus sign and others that paths and queries treat in their own way",
        ("kept",),
        "Use external ids of letters, digits, dashes and underscores alone, until Salesloft's support has mended it.",
        2,
        _characters,
    ),
    Check(
        "exact-ids",
        "External ids are compared byte for byte",
        NOBODY,
        "GET mappings by the first id in lower case, and with a space before it",
        ("not found",),
        "Two ids that differ in case or blanks alone may be one for Salesloft; rows are compared here all the same.",
        2,
        _other_spelling,
    ),
    Check(
        "unconfigured-type",
        "A mapping under an unconfigured type is a 422 on `external_type`",
        NOBODY,
        "POST a mapping of a type that is not configured",
        ("422 on external_type",),
        "A misspelt type may make mappings that nobody finds: look at the coverage in the audit.",
        3,
        _unconfigured,
    ),
    Check(
        "missing-object",
        "A mapping to an object that is not there is a 422 on `object_id`",
        NOBODY,
        "POST a mapping to a user that does not exist",
        ("422 on object_id",),
        "A wrong object id may make mappings to nothing: the audit finds them.",
        4,
        _missing_object,
    ),
)
