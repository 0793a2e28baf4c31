"""Every error says what is wrong, in which field, what is allowed, and what to do next.

All places that raise one are found in the code, so an error that is added is held to the same rules.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import salesloft_mcp
from salesloft_mcp import errors
from salesloft_mcp.sandbox.sandbox import API_KEY
from salesloft_mcp.server.inventory import NAMES
from tests.conftest import Connect, one_era
from tests.server.human import text

ROOT = Path(salesloft_mcp.__file__).parent
CLASSES = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.SalesloftMcpError)
}
SAY_IT_THEMSELVES = ("InputError", "SettingsError", "MisspeltError", "PolicyError", "RateLimitedError")
PASSED_ON = ("status.problem", "found.problem")  # both lines of an error, as the table of plans keeps them
MOST_CHARACTERS = 300  # of our own words, beside what is quoted in them
TRACES = re.compile(r"Traceback|File \"|\.py\b|pydantic|<class|object at 0x|site-packages|" + API_KEY)

era = one_era


class Site(NamedTuple):
    """A place that makes an error."""

    place: str
    kind: str
    call: ast.Call

    @property
    def words(self) -> str:
        """What the code itself says of what is wrong; each value in it is a "…"."""
        at = 1 if issubclass(CLASSES[self.kind], errors.InputError) else 0
        return said(self.call.args[at]) if len(self.call.args) > at else "…"


def said(node: ast.expr) -> str:
    """The literal words of an expression."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return said(node.left) + said(node.right)
    return "…"


def called(function: ast.expr) -> str:
    """The last name of what is called: of `InputError` and of `errors.InputError` it is the same."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def sites() -> Iterator[Site]:
    for file in sorted(ROOT.rglob("*.py")):
        if "sandbox" in file.parts:  # it speaks in Salesloft's voice
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (kind := called(node.func)) in CLASSES:
                yield Site(f"{file.relative_to(ROOT)}:{node.lineno}", kind, node)


SITES = list(sites())


def test_the_places_that_raise_errors_are_found() -> None:
    assert len(SITES) > 300
    assert {"InputError", "ConflictError", "UnconfirmedError", "MissingError"} <= {site.kind for site in SITES}


def test_every_error_says_what_to_do_next() -> None:
    given = {site.place for site in SITES if any(one.arg in ("next_step", None) for one in site.call.keywords)}
    told_before = {site.place for site in SITES if ast.unparse(site.call.args[0]) in PASSED_ON}
    without = [site for site in SITES if site.place not in given | told_before]
    assert not [site.place for site in without if site.kind not in SAY_IT_THEMSELVES]


def test_no_next_step_is_an_empty_one() -> None:
    steps = [(site.place, one.value) for site in SITES for one in site.call.keywords if one.arg == "next_step"]
    assert not [place for place, value in steps if isinstance(value, ast.Constant) and not value.value]
    assert "Next: correct it" in errors.InputError("limit", "must be 1 to 100.").told({})
    assert "Next: wait 7 s" in errors.RateLimitedError("No points are left.", retry_after_seconds=7).told({})


def test_an_error_of_an_argument_names_its_field() -> None:
    fields = [
        (site.place, said(site.call.args[0])) for site in SITES if issubclass(CLASSES[site.kind], errors.InputError)
    ]
    assert not [place for place, name in fields if not name.strip() or name.endswith((".", ":"))]


def test_what_is_wrong_is_a_short_sentence_with_an_end() -> None:
    told = [(site.place, site.words.rstrip()) for site in SITES]
    assert not [one for one in told if len(one[1]) > MOST_CHARACTERS]
    assert not [one for one in told if one[1] and one[1][-1] not in ".…?"]
    assert not [one for one in told if TRACES.search(one[1])]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("resolve_external_ids", {}, "external_ids"),
    ("resolve_external_ids", {"external_ids": [""]}, "external_ids"),
    ("resolve_external_ids", {"external_ids": ["A"], "object_type": "robots"}, "object_type"),
    ("resolve_external_ids", {"external_ids": ["A"], "external_tipe": "crm_lead"}, "external_tipe"),
    ("get_records_by_external_id", {"external_ids": ["A"], "object_type": "people"}, "external_type"),
    ("search_records", {"object_type": "people", "limit": 1000}, "limit"),
    ("search_records", {"object_type": "people", "domain": "x.test"}, "domain"),
    ("list_external_id_mappings", {"cursor": "nonsense"}, "cursor"),
    ("list_external_id_configurations", {"limit": "many"}, "limit"),
    ("plan_backfill", {"external_type": "crm_lead", "object_type": "people"}, "rows"),
    ("plan_bulk_upsert", {"external_type": "crm_lead", "object_type": "users", "rows": [{}]}, "object_type"),
    ("run_plan", {"plan": "none"}, "plan"),
    ("get_plan", {"plan": "none"}, "plan"),
    ("cancel_plan", {"plan": "none"}, "plan"),
    ("undo_change", {"change": 99}, "change"),
    ("create_external_id_configuration", {"external_type": "a/b", "object_type": "robots"}, "object_type"),
    (
        "create_external_id_mapping",
        {"external_type": "crm_lead", "object_type": "people", "external_id": 7, "object_id": 1},
        "external_id",
    ),
    (
        "upsert_person_by_external_id",
        {"external_type": "crm_lead", "external_id": "A", "person": {"shoe_size": 1}},
        "shoe_size",
    ),
    (
        "upsert_account_by_external_id",
        {"external_type": "marketing", "external_id": "A", "account": {"account_tier_id": "x"}},
        "account_tier_id",
    ),
    (
        "delete_external_id_mapping",
        {"external_type": "crm_lead", "object_type": "people", "external_id": "nobody"},
        "mapping",
    ),
    ("delete_external_id_configuration", {"external_type": "none", "object_type": "people"}, "external_type|type"),
]


@pytest.mark.anyio
async def test_what_a_model_reads_of_an_error_names_the_field_and_the_next_step(connect: Connect) -> None:
    faults = []
    async with connect() as client:
        for tool, arguments, field in WRONG:
            result = await client.call_tool(tool, arguments)
            words = text(result)
            what, _, step = words.partition("\nNext: ")
            good = result.is_error and any(name in what for name in field.split("|")) and step.rstrip().endswith(".")
            if not good or TRACES.search(words) or len(words) > 600:
                faults.append((tool, arguments, words))
    assert not faults


def test_the_tools_of_the_wrong_calls_exist() -> None:
    assert {tool for tool, _, _ in WRONG} <= set(NAMES)
