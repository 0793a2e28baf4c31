"""One leniency for every argument of every tool: what is meant is taken, what has two readings is refused by name."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from salesloft_mcp.server.inventory import INVENTORY, build_tool
from salesloft_mcp.server.leniency import ADDED_BY_HOSTS, lenient
from salesloft_mcp.server.tool_errors import invalid_arguments
from tests.conftest import Connect
from tests.server.calling import call, refused

TOOLS = {entry.name: build_tool(entry) for entry in INVENTORY}
TAKE_ONE = [name for name, tool in TOOLS.items() if "external_id" in tool.parameters["properties"]]
TAKE_MANY = [name for name, tool in TOOLS.items() if "external_ids" in tool.parameters["properties"]]
SAMPLES = {"since": "2026-01-31", "until": "2026-02-28", "cursor": "7", "filters": {"title": "VP"}}
LEFT_OUT: tuple[object, ...] = (None, "", [], {}, 0)
# External ids that are something else in JSON, and have to arrive byte for byte.
IDS_LIKE_JSON = ("null", "true", "[1]", "{}", "0042", "7.0", '["a","b"]', " 7", '"a"', "NULL", "None")
AMBIGUOUS: dict[str, tuple[object, ...]] = {
    "integer": (True, False, 1.5, 2.0**60, "1.5", " 7", "7.0", "٧", "seven", [7], {"a": 7}),
    "boolean": (1, "yes", "1", [True], {"a": True}),
    "string": (7.5, True, ["7"], {"a": "7"}),
    "enum": (7, True, "no such value", ["no such value"], {"a": "b"}),
    "array": ("[a, b]", '["a"', '[{"a": 1, "a": 2}', "[" * 50_000),
    "object": (7, True, "text", '["a"]', '{"a": 1, "a": 2}', ["text"]),
}
Path = tuple[str | int, ...]


def sample(schema: dict[str, Any], name: str = "") -> Any:
    """A value as the schema asks for it."""
    if name in SAMPLES:
        return SAMPLES[name]
    if "enum" in schema:
        return schema["enum"][-1]
    match schema["type"]:
        case "integer":
            return 7
        case "boolean":
            return True
        case "array":
            return [sample(schema["items"])]
        case "object":
            known = schema.get("properties", {"Column": {"type": "string"}})
            return {key: sample(one, key) for key, one in known.items()}
    return "0042"


def places(schema: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any], bool]]:
    """Everything that a caller gives: where it stands in the arguments, its schema, and whether it may be left out."""
    for name, one in schema.get("properties", {}).items():
        yield (*path, name), one, name not in schema.get("required", [])
        yield from places(one, (*path, name))
        if one["type"] == "array":
            yield (*path, name, 0), one["items"], False


def with_value(arguments: dict[str, Any], path: Path, *value: object) -> dict[str, Any]:
    """The arguments with another value at that place, or without any."""
    changed = deepcopy(arguments)
    inside: Any = changed
    for part in path[:-1]:
        inside = inside[part]
    if value:
        inside[path[-1]] = value[0]
    else:
        del inside[path[-1]]
    return changed


def spellings(value: Any, schema: dict[str, Any]) -> list[Any]:
    """Other ways to write the same."""
    if "enum" in schema:
        return [value.upper(), f" {value.title()}\n", value.replace("_", " ").capitalize(), value.replace("_", "-")]
    match schema["type"]:
        case "integer":
            return [float(value), str(value)]
        case "boolean":
            return ["true", "True", " TRUE "]
        case "array":
            return [json.dumps(value), f"\n{json.dumps(value, indent=1)}", value[0]]
        case "object":
            return [json.dumps(value), f" {json.dumps(value, indent=1)}\n"]
    return []


def received(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the function of a tool gets of such arguments."""
    built = TOOLS[tool]
    return built.fn_metadata.validate_arguments(lenient(arguments, built.parameters))


def told(tool: str, arguments: dict[str, Any]) -> str:
    """The words in which such arguments are refused."""
    with pytest.raises(ValidationError) as refusal:
        received(tool, arguments)
    return invalid_arguments(refusal.value, TOOLS[tool].fn_metadata.arg_model)


@pytest.mark.parametrize("tool", TOOLS)
class TestEveryArgument:
    def test_is_taken_in_any_spelling_that_means_the_same(self, tool: str) -> None:
        schema = TOOLS[tool].parameters
        strict = sample(schema)
        for path, one, _ in places(schema):
            for other in spellings(sample(one, str(path[-1])), one):
                assert received(tool, with_value(strict, path, other)) == received(tool, strict), (path, other)

    def test_that_may_be_left_out_is_left_out_where_it_is_empty(self, tool: str) -> None:
        schema = TOOLS[tool].parameters
        strict = sample(schema)
        for path, one, optional in places(schema):
            empty = (*LEFT_OUT, *(("0", 0.0) if one["type"] == "integer" else ()))
            for nothing in empty if optional else ():
                absent = received(tool, with_value(strict, path))
                assert received(tool, with_value(strict, path, nothing)) == absent, (path, nothing)

    def test_that_is_ambiguous_is_refused_by_its_name(self, tool: str) -> None:
        schema = TOOLS[tool].parameters
        strict = sample(schema)
        for path, one, _ in places(schema):
            for wrong in AMBIGUOUS["enum" if "enum" in one else one["type"]]:
                words = told(tool, with_value(strict, path, wrong))
                assert words.startswith(".".join(map(str, path))), (path, wrong, words)


@pytest.mark.parametrize("tool", TAKE_ONE)
@pytest.mark.parametrize("external_id", IDS_LIKE_JSON)
def test_an_external_id_that_looks_like_json_is_that_id(tool: str, external_id: str) -> None:
    strict = sample(TOOLS[tool].parameters)
    assert received(tool, {**strict, "external_id": external_id})["external_id"] == external_id


@pytest.mark.parametrize("tool", TAKE_MANY)
def test_a_list_of_external_ids_holds_them_byte_for_byte(tool: str) -> None:
    strict = sample(TOOLS[tool].parameters)
    for ids in (list(IDS_LIKE_JSON), json.dumps(IDS_LIKE_JSON)):
        assert received(tool, {**strict, "external_ids": ids})["external_ids"] == list(IDS_LIKE_JSON)
    for one in ("0042", "true", "{}", "a,b", "7.0"):
        assert received(tool, {**strict, "external_ids": one})["external_ids"] == [one]


@pytest.mark.parametrize("tool", TAKE_MANY)
def test_a_text_that_could_be_a_list_or_nothing_is_no_external_id(tool: str) -> None:
    """A list in JSON is a list, because hosts send lists so and no system has such ids."""
    strict = sample(TOOLS[tool].parameters)
    assert received(tool, {**strict, "external_ids": '["a","b"]'})["external_ids"] == ["a", "b"]
    for ambiguous in ("null", "[ACME] 42", "[a]"):
        assert "external_ids: must be a list" in told(tool, {**strict, "external_ids": ambiguous})
    for number in ("[1]", [1], 1):
        assert "external_ids.0: must be text in quotes" in told(tool, {**strict, "external_ids": number})


def test_a_field_that_a_caller_named_is_zero_and_not_absent() -> None:
    person = {"custom_fields": {"Score": 0, "Region": "", "Area": None}}
    strict = {"external_type": "crm_lead", "external_id": "a"}
    words = told("upsert_person_by_external_id", {**strict, "person": person})
    assert words.startswith('person.custom_fields."Score": must be text in quotes')


def test_what_hosts_add_is_set_aside_and_no_argument_of_ours() -> None:
    added = dict.fromkeys(ADDED_BY_HOSTS, "added")
    for tool, built in TOOLS.items():
        known = built.parameters["properties"]
        strict = sample(built.parameters)
        assert received(tool, {**added, **strict}) == received(tool, strict)
        words = told(tool, {**strict, "sesionId": "x"})
        assert '"sesionId" is not known here' in words
        assert all(name not in known or name == "tool" for name in ADDED_BY_HOSTS)


def test_a_name_is_known_in_the_spelling_of_any_program_and_never_twice() -> None:
    strict = {"external_type": "crm_lead", "external_id": "a", "person": {"first_name": "Kim"}}
    tool = "upsert_person_by_external_id"
    for other in (
        {"externalType": "crm_lead", "ExternalId": "a", "person": {"firstName": "Kim"}},
        {"external-type": "crm_lead", "EXTERNAL_ID": "a", "Person": {"First Name": "Kim"}},
    ):
        assert received(tool, other) == received(tool, strict)
    assert '"externalId" is not known here: did you mean external_id?' in told(tool, {**strict, "externalId": "b"})
    person = {"firstName": "Kim", "FirstName": "Jo"}
    assert '"person.firstName" is not known here' in told(tool, {**strict, "person": person})


@pytest.mark.parametrize("around", ["kwargs", "arguments", "args", "params", "parameters", "Input"])
def test_a_word_around_all_arguments_is_taken_off(around: str) -> None:
    strict = {"external_ids": ["a"], "object_type": "people"}
    tool = "resolve_external_ids"
    for other in (strict, json.dumps(strict)):
        assert received(tool, {around: other, "toolCallId": "x"}) == received(tool, strict)
    assert f'"{around}" is not known here' in told(tool, {around: {"object_type": "people"}, "external_ids": ["a"]})


def test_a_list_of_numbers_that_holds_nothing_is_absent() -> None:
    strict = {"object_type": "people", "external_type": "crm_lead", "external_ids": ["null"]}
    other = received("get_records_by_external_id", {**strict, "object_ids": ["null"]})
    assert other == received("get_records_by_external_id", strict)
    assert other["external_ids"] == ["null"]  # is an id


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"object_type": "Contacts"},
            "must be people, accounts or users, or be left out; contacts and leads are people.",
        ),
        ({"object_type": "all"}, "must be people, accounts or users, or be left out."),
        ({"object_type": ["people"]}, "must be people, accounts or users, not a list, or be left out."),
        ({"external_ids": ["a", None]}, "external_ids.1: must be text, not null."),
        ({"external_ids": "A1\nA2\n"}, "a line break: one id is one text, and several are a list."),
        ({"external_ids": "['a']"}, 'external_ids: must be a list, such as ["a", "b"].'),
    ],
)
def test_a_refusal_makes_the_next_call_right(arguments: dict[str, Any], words: str) -> None:
    assert words in told("resolve_external_ids", {"external_ids": ["a"], **arguments})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"title": "VP"}, '"title" is not known here: did you mean person.title?'),
        (
            {"person": {"owner": "kim@cobalt.test"}},
            "person.owner: must be an object with external_type and external_id.",
        ),
    ],
)
def test_a_field_in_the_wrong_place_is_told_its_own(arguments: dict[str, Any], words: str) -> None:
    strict = {"external_type": "crm_lead", "external_id": "a", "person": {"title": "x"}}
    assert words in told("upsert_person_by_external_id", {**strict, **arguments})


@pytest.mark.anyio
async def test_a_call_in_which_everything_is_spelled_otherwise_is_answered(connect: Connect) -> None:
    async with connect() as client:
        plain = await call(client, "list_external_id_mappings", external_type="crm_lead", object_type="people", limit=2)
        other = await call(
            client,
            "list_external_id_mappings",
            external_type="crm_lead",
            external_id="",
            object_type=" People ",
            object_id=0,
            include_deleted="False",
            order=None,
            limit="2",
            cursor=[],
            toolCallId="call_1",
        )
        assert other == plain
        wrong = await refused(client, "list_external_id_mappings", limits=2)
    assert wrong.startswith('"limits" is not known here: did you mean limit?')
