"""Lists of ids: one a line whatever it holds, or the column external_id of any table."""

import io

import pytest

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.tables import read_list

from .test_tables import Told, told


def listed(text: str, name: str = "ids", **columns: str) -> Told:
    return told(read_list(io.BytesIO(text.encode()), name, columns).rows)


@pytest.mark.parametrize("text", ['a\nb, c\n\n"d', '\ufeffa\r\nb, c\r\n\r\n"d\r\n'])
def test_a_list_has_an_id_a_line_whatever_it_holds(text: str) -> None:
    assert listed(text) == {1: ["a"], 2: ["b, c"], 4: ['"d']}


def test_damaged_numbers_and_the_name_of_the_column_further_down_are_ids() -> None:
    ids = ["1001.0", "1.0E+03", "001001", "external_id"]
    assert listed("\n".join(ids)) == {number: [one] for number, one in enumerate(ids, 1)}


@pytest.mark.parametrize(
    "text",
    [
        "external_id,name\na,b\nc\n",
        '"External ID";"name"\n"a";"b"\n"c"\n',
        "external_id\tname\na\tb\nc\n",
        "EXTERNAL-ID|name\na|b\nc\n",
    ],
)
def test_a_list_whose_head_names_the_column_is_a_table(text: str) -> None:
    assert listed(text) == {2: ["a"], 3: "1 cell, the head has 2."}


@pytest.mark.parametrize(
    "text",
    [
        '{"external_id": "a"}\n{"external_id": "b"}\n',
        '[{"External_ID": "a"}, {"External_ID": "b"}]',
        '["a", "b"]',
        '[\n "a",\n "b"\n]',
        '{"external_ids": ["a", "b"]}',
        '{"data": [{"external_id": "a"}, {"external_id": "b"}], "meta": {"count": 2}}',
    ],
)
@pytest.mark.parametrize("name", ["ids.jsonl", "ids.csv", "-"])
def test_json_is_read_whatever_its_form(text: str, name: str) -> None:
    assert listed(text, name) == {1: ["a"], 2: ["b"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,email\na,b\n", "--map 'id=external_id'"),
        ("Externl ID\na\nb\n", "--map 'Externl ID=external_id'"),
        ("name,contact_id\nx,a\n", "--map 'contact_id=external_id'"),
        ('{"name": "x", "tags": ["a"]}', 'has no column external_id. Its columns are "name" and "tags".'),
        ('[{"id": "a"}]', 'has no column external_id. Its columns are "id".'),
        ("", "is empty (0 bytes)."),
        ("\n\n", "is empty: it holds blank lines only."),
        ("<html>", "is a web page (HTML)."),
    ],
)
def test_what_holds_no_ids_is_refused_once(text: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        listed(text)
    assert words in str(raised.value)


def test_columns_say_where_the_ids_are() -> None:
    assert listed("name,Contact\nx,a\n", Contact="external_id") == {2: ["a"]}
    with pytest.raises(InputError, match="there is no column"):
        listed("name,Contact\nx,a\n", Contakt="external_id")


@pytest.mark.parametrize(
    "text", ["a,a@x.test\nb,b@x.test\n", "a;1\nb;2\n", "x\ty\nz\tw\n", "a,a@x.test\n", '"a","1"\n"b","2"\n']
)
def test_a_table_without_a_head_is_no_list(text: str) -> None:
    with pytest.raises(InputError, match=r"has no line with the names of its columns: line 1 looks like a row"):
        listed(text)


def test_quotes_around_a_whole_id_are_those_of_a_csv() -> None:
    found = read_list(io.BytesIO(b'"a"\n"ACME, Inc."\nb\n"say ""hi"""\n"c\n'))
    assert told(found.rows) == {1: ["a"], 2: ["ACME, Inc."], 3: ["b"], 4: ['say "hi"'], 5: ['"c']}
    assert found.notes == ["Taken off: the quotes around 3 ids."]


def test_numbers_in_a_list_of_json_are_no_ids() -> None:
    assert listed('["a", 7, 1.50]') == {
        1: ["a"],
        2: 'is a number, "7"; write ids as text, in quotes.',
        3: 'is a number, "1.50"; write ids as text, in quotes.',
    }
