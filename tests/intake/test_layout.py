"""What stands around a table is skipped and counted, and never what could be a row."""

import re

import pytest

from salesloft_mcp.bulk.record_rows import UPSERT
from salesloft_mcp.intake.heads import Wanted

from .test_tables import ANY, read, refused, table, told

REPORT_END = '"Leads with e-mail"\n"Copyright (c) 2000-2025 Example, Inc. All rights reserved."\n'
ROWS = {2: ["F-1", "a@x.test"], 3: ["F-2", "b@x.test"]}
HEAD = "external_id,email\nF-1,a@x.test\nF-2,b@x.test\n"


@pytest.mark.parametrize(
    ("footer", "note"),
    [
        (f"\n{REPORT_END}", '2 lines (lines 5 to 6) of a report\'s footer, which begin with "Leads with e-mail".'),
        ("\n\nTotal records: 2\n", "1 line (line 6) of a report's footer, which begins with"),
        ("\n,Leads with e-mail\n", "1 line (line 5) of a report's footer"),
        (f"\n{REPORT_END}\n\n", "2 lines (lines 5 to 6)"),
    ],
)
def test_the_footer_of_a_report_is_skipped_and_counted(footer: str, note: str) -> None:
    found, notes = read(HEAD + footer)
    assert found == ROWS
    assert note in notes[0]
    assert "blank line" in notes[1]


@pytest.mark.parametrize(
    ("rest", "line"),
    [
        (REPORT_END, 4),  # no blank line before it
        ("\nF-9\n", 5),  # a row that was cut off
        ("\nF-9,not an address\n", 5),
        ("\nF-9,\n", 5),
        ("\n\nACME GmbH,\nBolt AG,", 6),  # as wide as the head, and with an id
        ("\n\nACME GmbH,,\n", 6),
        (f"\n{REPORT_END}F-9,c@x.test\n", 5),  # rows go on
        ('\n"Copyright (c) X"\nF-9,19" rack\n', 5),
        ("\n" + "one of many lines\n" * 40, 5),
    ],
)
def test_what_could_be_a_row_is_no_footer(rest: str, line: int) -> None:
    found, notes = read(HEAD + rest)
    assert line in found
    assert not [note for note in notes if "footer" in note]
    assert len(found) == 2 + len([one for one in rest.splitlines() if one])


TOTALS = """
Total,17; TOTAL:,17; Grand Total,13; Total (12),; Count,9003; Summe,9004; Gesamtergebnis,1; Anzahl,2; Sous-total,3
Total général,1; Somme,1; Suma,1; Totale,1; Totaal,1; Average,4; Sub-totals,; Razem,1; Total records: 2,
Grand Totals (2 records),; "Total: 1,234",; Toplam,2; Genel Toplam,2; 合計,2; 总计,2; 총합계,2; Łącznie,2
Suma końcowa,2; Celkový součet,2; Összesen,2; Σύνολο,2; Итого,2; Загальний підсумок,2; Tổng cộng,2
Total general,2; Totalt,2
"""


@pytest.mark.parametrize("total", [one.strip() for one in re.split("[;\n]", TOTALS.strip())])
@pytest.mark.parametrize("before", ["", "\n", "\nCopyright (c) X\n", "Subtotal,4\n"])
def test_totals_that_end_a_table_are_invalid_rows(total: str, before: str) -> None:
    text = f"external_id,object_id\nU-1,15\nU-2,16\n{before}{total}\n"
    for rest in ("", "\n\n", "Copyright (c) X\n"):
        found, _ = read(text + rest)
        line = 4 + len(before.splitlines())
        assert found[line] == "looks like the total of a report, not like a row.", rest
        assert [row for row in found.values() if isinstance(row, list)] == [["U-1", "15"], ["U-2", "16"]]


def test_a_total_is_known_by_its_word_before_numbers_whatever_its_column() -> None:
    upsert = Wanted(frozenset({"external_id", "name"}))
    found = told(table("name,external_id,n\nKat,7,2\nTotal,7,2\n", wanted=upsert).rows)
    assert found == {2: ["Kat", "7"], 3: "looks like the total of a report, not like a row."}


@pytest.mark.parametrize("name", ["Soma", "Suma", "Count"])
def test_a_name_that_is_a_word_for_a_sum_elsewhere_is_no_total_beside_an_id(name: str) -> None:
    upsert = Wanted(frozenset({"external_id", "name"}))
    found = told(table(f"name,external_id,phone\nKat,7,2\n{name},4711,0302\n", wanted=upsert).rows)
    assert found == {2: ["Kat", "7"], 3: [name, "4711"]}


def test_a_footer_takes_no_row_with_it_that_was_cut_off() -> None:
    found, notes = read(f'{HEAD}\n"Copyright (c) X"\nB\n\n"Confidential, for Ann"\n')
    assert found == {**ROWS, 6: "1 cell, the head has 2."}
    assert "Skipped: 2 lines (between lines 5 and 8) of a report's footer" in notes[0]


@pytest.mark.parametrize("row", ["Total,17", "Count,9003"])
@pytest.mark.parametrize("after", ["U-3,18\n", "U-3\n", "\nU-3,18\n"])
def test_a_word_for_a_total_above_other_rows_is_an_id(row: str, after: str) -> None:
    found, notes = read(f"external_id,object_id\nU-1,15\n{row}\n{after}")
    if "," in after:
        assert found[3] == row.split(",")
    assert len(found) == 3
    assert not [note for note in notes if "footer" in note]


@pytest.mark.parametrize("last", ["Totality,17", "Total Energies,17", "Sumatra,17", "Total-1,17", "Countess,17"])
def test_an_id_that_only_begins_like_a_total_is_an_id(last: str) -> None:
    assert read(f"external_id,object_id\nU-1,15\n{last}\n")[0][3] == last.split(",")


@pytest.mark.parametrize("blank", ["\n", ",\n", " , \n", '"",""\n', "\t\n", "\u00a0\n", "\u3000\n", "\u2028,\u2003\n"])
def test_blank_lines_are_skipped_and_counted(blank: str) -> None:
    found, notes = read(f"external_id,email\nF-1,a@x.test\n{blank}F-2,b@x.test\n{blank}{blank}")
    assert (found, notes) == ({2: ["F-1", "a@x.test"], 4: ["F-2", "b@x.test"]}, ["Skipped: 3 blank lines."])


def test_titles_above_the_head_are_skipped_and_counted() -> None:
    found, notes = read('Leads with e-mail\n"As of 2025-01-01, by Ann"\n,,\n\nexternal_id,n,email\nF-1,,a@x.test\n')
    assert found == {6: ["F-1", "a@x.test"]}
    assert notes == [
        'Skipped: 2 lines (lines 1 to 2) above the head, which begin with "Leads with e-mail".',
        "Skipped: 2 blank lines above the head.",
        'Not used: the column "n".',
    ]


def test_a_row_above_the_head_is_no_title() -> None:
    words = refused("F-0,z@x.test\nexternal_id,email\nF-1,a@x.test\n")
    assert words.startswith("file: line 2 names the columns, but line 1 above it looks like a row.")


@pytest.mark.parametrize(("mark", "delimiter"), [("sep=;", ";"), ('"sep=|"', "|"), ("SEP=,", ","), ("sep=\t", "\t")])
def test_a_line_that_names_the_separator_is_skipped_and_followed(mark: str, delimiter: str) -> None:
    rows = "external_id,email,a b\nF-1,a@x.test,\n".replace(",", delimiter)
    found, notes = read(f"{mark}\n{rows}")
    assert (found, notes[0][:15]) == ({3: ["F-1", "a@x.test"]}, "Skipped: line 1")


def test_a_head_is_found_below_titles_with_more_separators() -> None:
    found, _ = read("One, two, three; four\n\nexternal_id;email\nF-1;a@x.test\n")
    assert found == {4: ["F-1", "a@x.test"]}


@pytest.mark.parametrize(
    "end",
    [
        *(
            "(2 rows)",
            "(1 row)",
            "(2 rows affected)",
            "2 rows in set (0.00 sec)",
            "2 Row(s) produced. Time Elapsed: 0.1s",
        ),
        *("1 row selected (0.1 seconds)", "Total number of records retrieved: 2.", "Querying Data... done"),
        *("2 rows selected.", r"\.", "*** End of report ***", "-- End of file --"),
    ],
)
@pytest.mark.parametrize("before", ["", "\n"])
def test_what_a_database_writes_below_its_rows_is_a_footer(end: str, before: str) -> None:
    found, notes = read(f"{HEAD}{before}{end}\n")
    assert found == ROWS
    assert "of a report's footer, which begins with" in notes[0]
    assert read(f"{HEAD}{end}\nF-9,c@x.test\n")[0][4] == "1 cell, the head has 2."


def test_a_footer_of_several_lines_in_quotes_is_one() -> None:
    found, notes = read(f'{HEAD}\n"Applied filters:\nRegion is EMEA\nStage is Won"\n')
    assert found == ROWS
    assert "Skipped: 1 line (line 5) of a report's footer" in notes[0]


@pytest.mark.parametrize("head", ["external_id,email", "\ufeffexternal_id,email", "External ID,E-mail"])
def test_a_head_that_stands_again_below_is_no_row(head: str) -> None:
    found, _ = read(f"{HEAD}{head}\nF-9,c@x.test\n")
    again = "repeats the names of the columns, so that a second table may begin here."
    assert found == {**ROWS, 4: again, 5: ["F-9", "c@x.test"]}


def test_a_table_of_one_column_has_no_footer() -> None:
    found = told(table("external_id\nF-1\n\nCopyright (c) X\n", wanted=ANY).rows)
    assert found == {2: ["F-1"], 4: ["Copyright (c) X"]}


def test_a_table_without_a_head_is_told_one_that_its_kind_of_rows_may_have() -> None:
    text = "A-1,a@x.test\nA-2,b@x.test\n"
    assert refused(text, wanted=UPSERT["people"]).endswith("put a line such as external_id,email_address above it.")
    assert refused(text, wanted=UPSERT["accounts"]).endswith("put a line such as external_id,name above it.")
