"""What one row of a bulk upsert may hold by itself."""

import math
from datetime import date, datetime
from pathlib import Path

import pytest

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.record_rows import fields_in, row_of
from salesloft_mcp.intake.json_rows import Number
from salesloft_mcp.state.staging import NewRow, Staging


def checked(**fields: object) -> NewRow:
    row = {"external_id": "A-1", "email_address": "a@x.test", **fields}
    return row_of(1, row, Aim("crm_lead", "people", "upsert"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (493012345, "city: must be text in quotes; a number may have lost leading zeros."),
        (datetime(2024, 1, 2), "city: must be text, not a date or a time, which a program made of what stood there."),
        (date(2024, 1, 2), "city: must be text, not a date or a time, which a program made of what stood there."),
        (["Berlin"], "city: must be text, not a list."),
        (True, "city: must be text, not true or false."),
        (math.nan, "city: is NaN, which stands for no value, not text: leave it out in the source."),
        (Number("-Infinity"), "city: is an infinite number, not text."),
    ],
)
def test_a_value_that_is_no_text_is_named_for_what_it_is(value: object, words: str) -> None:
    row = checked(city=value)
    assert (row.verdict, row.note) == ("invalid", words)


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ({"id": 5}, 'owner.external_id: is required. "owner.id" is not known here'),
        ({"externalId": "U-1"}, 'owner.external_id: is required. "owner.externalId" is not known here: did you mean'),
    ],
)
def test_an_owner_that_is_named_otherwise_than_by_an_external_id_is_not_dropped(owner: object, words: str) -> None:
    row = checked(owner=owner)
    assert (row.verdict, row.note[: len(words)]) == ("invalid", words)


@pytest.mark.parametrize("owner", [{}, {"external_id": None}, {"external_id": " ", "external_type": "hr"}])
def test_an_owner_of_whom_nothing_is_given_is_absent(owner: object) -> None:
    row = checked(owner=owner)
    assert (row.verdict, row.refs, "owner" in row.fields) == ("new", "", False)


@pytest.mark.parametrize("nothing", [None, ""])
def test_the_type_of_an_owner_is_that_of_the_row_where_none_is_given(nothing: object) -> None:
    row = checked(owner={"external_id": "U-1", "external_type": nothing})
    assert row.refs == '{"owner_id": ["crm_lead", "users", "U-1"]}'


def test_the_name_of_a_custom_field_that_is_no_text_rules_out_its_row_alone(tmp_path: Path) -> None:
    with Staging(tmp_path / "one.db") as staging:
        staging.add([checked(**{"custom_fields.\ud800": "x"})])
        assert [(row.verdict, row.fields) for row in staging.lines()] == [
            ("invalid", '{"custom_fields.\\\\ud800": "x", "email_address": "a@x.test"}')
        ]


@pytest.mark.parametrize("text", ["['a', 'b']", "{a,b}", "[object Object]", "[1, 2]", '{"a": 1}', "[" * 100_000])
def test_a_list_that_only_programs_read_is_refused(text: str) -> None:
    row = checked(tags=text)
    assert row.verdict == "invalid"
    assert "looks like a list or an object as a program prints it." in row.note


@pytest.mark.parametrize("text", ["a; b", "a,b", ' ["a", "b"]'])
def test_a_cell_of_several_values_is_a_list(text: str) -> None:
    assert fields_in(checked(tags=text).fields)["tags"] == ["a", "b"]


def test_keys_are_trimmed_of_any_space_and_reported_as_they_came() -> None:
    row = checked(email_address="\ta@x.test\n", crm_id="\r\n0031x00001AbCdE")
    assert fields_in(row.fields)["email_address"] == "a@x.test"
    assert fields_in(row.given) == {"email_address": "\ta@x.test\n", "crm_id": "\r\n0031x00001AbCdE"}
    assert row.taken.count("without the spaces around it") == 2
