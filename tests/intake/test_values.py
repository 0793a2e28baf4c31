"""What people hand in: ids keep every byte and damage is told; keys are taken out of what stands around them."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.json_rows import Number
from salesloft_mcp.intake.values import (
    Key,
    crm_id,
    domain,
    email,
    external_id,
    field_damage,
    form,
    object_id,
    suspicious,
)
from salesloft_mcp.salesloft.models import ObjectType

GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def refusal(check: Callable[..., object], *given: object) -> str:
    with pytest.raises(InputError) as raised:
        check(*given)
    return str(raised.value)


class TestExternalIds:
    """Kept as they are, or refused."""

    @given(st.text(min_size=1, max_size=20))
    def test_an_id_is_never_changed(self, text: str) -> None:
        with suppress(InputError):
            assert external_id(text) == text

    @pytest.mark.parametrize(
        "blank",
        [
            " ",
            "\u00a0 ",
            "\u200b",
            "\u2060\u00ad",
            "\ufeff",
            "\u3164",
            "\u115f\u1160",
            "\uffa0",
            "\u2800",
            "\u3000",
            "\u2003\u2009",
            "\u180e",
            "\ufe0f",
            "\U000e0020",
            "\t\n",
            "\u034f",
            "\u17b4",
            "\u061c",
            "\u202e",
            "\u2028",
        ],
    )
    def test_an_id_that_nobody_can_see_is_refused(self, blank: str) -> None:
        assert refusal(external_id, blank).startswith("external_id: is blank: it holds only spaces or invisible")

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (None, "is missing."),
            (7, "must be text; a number may have lost leading zeros."),
            (10**120, "must be text; a number may have lost leading zeros."),
            (Number("1" * 120), "must be text; a number may have lost leading zeros."),
            (1.5, "is a number with a fraction or an exponent, not text; a number may have lost leading zeros."),
            (Number("1E5"), "is a number with a fraction or an exponent, not text;"),
            (float("nan"), "is NaN, which stands for no value, not text: leave it out in the source."),
            (Number("NaN"), "is NaN,"),
            (Number("-Infinity"), "is an infinite number, not text."),
            (True, "is true or false, not text."),
            (datetime(2024, 1, 2, 3, 4), "is a date, not text: a program made it of what stood there. Make the column"),
            (date(2024, 1, 2), "is a date, not text: "),
            (time(12, 30), "is a time, not text: a program made it of what stood there."),
            (timedelta(hours=30), "is a duration, not text: a program made it of what stood there."),
            (b"7", "is bytes, not text: decode it in the source."),
            (["7"], "is a list, not text: give each of its values in a row of its own."),
            ({}, "is an object, not text: give one of its values."),
            (1j, "is a value of the type complex, not text."),
            ("", "is empty."),
            ("..", "cannot be a path step"),
            ("a\x00b", "has a character that cannot be sent (code 0"),
            ("a\ud800", "has a character that cannot be sent (code 55296"),
            ("x" * 1_025, "has 1025 characters; at most 1024"),
        ],
    )
    def test_each_value_that_is_no_id_has_its_own_words(self, value: object, words: str) -> None:
        assert refusal(external_id, value).startswith(f"external_id: {words}")


GUID_1 = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
WORDS = """
CONTACT3456 00QDn00000AbCdEMAV 3f2504e0-4f89-41d3-9a0c-0305e82c3301 {3F2504E0-4F89-41D3-9A0C-0305E82C3301} 12345 007
A-1/2 user@x.test urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301 urn:ietf:rfc:2141 2024-INV-0001 E10 1E5 1e5a 12E10 100E
12.5-A 151 5e8848 5d41402abc4b2a76b9719d911017c592 01ARZ3NDEKTSV4RRFFQ69G5FAV N/A-12 NULLABLE-1 test-1 tests 1 9 A x NO
株式会社-7 شركة-7 Ωμέγα-3 Москва-7 АВС-123 🦊7 Zoë-1 SÃO-1 Müller Łódź-1 ñandú DEC-24 MAY-1001 SET-12 20240102 2024-01
192.168.100.200 1.2.3 10.1.24 v1.0.0 1.2.840.113619 5:10 25:30 x<y +49301234567 #1234 A#1 https://x.test/a%20b
https://x.test/?a=b&c=d R&D-7 AT&T O'Brien-1 12-34-56 0x1F 1000 100 100000000000000 9007199254740993 123456789012345
18446744073709551615 a_b_c cus_9s6XKzkNRiz8i3 gid://shopify/Customer/5 ABC abc many-000001x -1 1-1 1/2 foo MARCH1 1.5
1234567890123450 CORP\\u123456 12,5 A,B a;b 1;2 1001|1002 A-1/A-2 a:1;b:1 CN=Kat,OU=Sales
Total-1 Totality Suma Average 0001000 TRUE-1 x%y
zoë.castillo115@harbor-foods.test
"""
ORDINARY = WORDS.split()


@pytest.mark.parametrize(
    "ordinary",
    [*ORDINARY, "São Paulo 7", "A1 B2", "030 1234567", "404 555 0100", "12 345", "SW1A 1AA", "x" * 254, "x" * 256],
)
def test_ids_as_they_are_in_the_field_are_not_suspicious(ordinary: str) -> None:
    assert suspicious(ordinary) == ""


DAMAGED = {
    "a word for a total": ["Total", "Grand Total (12)", "Subtotal:", "Gesamtergebnis", "合計", "TOTAL"],
    "the sign by which a spreadsheet marks text or a formula": ['="00123"', "='x", "'00123", "=1+1"],
    "quotes around it": ['"A-1"'],
    "2 ids in one": [
        *("9876543210;9876543211", "C-1, C-2", "C-1,C-2", "C-5 C-6", "C-5 and C-6", "1001 / 1002", "A1;A1"),
        *("003Dn0000000105IAA;00QDn00000AbCdEMAV", "a@x.test; b@x.test"),
        *("62a1b2c3d4e5f60012345678,62a1b2c3d4e5f60012345679", f"{GUID_1};{GUID_1.upper()}"),
    ],
    "3 ids in one": ["A-1, A-2, A-3"],
    "dots at its end, where it was cut": ["ACME-000001…", "ACME-000001..."],
    "a link, not the id alone": ["[A-1](https://x.test/1)"],
    "a value of which a program hid a part": ["****1234", "00Q***MAV", "k***@x.test"],
    "a number that a spreadsheet shortened": [
        "8.96529E+19",
        "1.00E+05",
        "1,23E+05",
        "1.0E+03",
        "1e+20",
        "1E-05",
        "8.96529e19",
    ],
    "a number with .0 at its end": ["1001.0", "12,0", "7.00", "0.0"],
    "a number with thousands separators": ["1,234", "1,234,567", "1.234.567", "1 234 567", "1'234", "12,34,567"],
    "an amount, not a plain number": ["$5", "5 €", "5€", "EUR 5.20", "50%", "(123)"],
    "a date or a time": [
        *("2024-01-02", "1/2/2024", "02-Jan", "Jan-24", "jan-24", "2.1.2024", "31.12.24", "2024-01-02T10:11:12Z"),
        *("2024-01-02 10:11", "02-JAN-24", "janv.-24", "ene-24", "Mrz 24", "2. Jan", "Jan 2, 2024", "10:11:12"),
        *("12:30", "00:00", "00:00:00", "24:00"),
        *("10:11 AM", "01-Feb-2024", "3 March 2024", "1/2/24", "2024/1/2", "2024-01-02T10:11:12.123+01:00"),
    ],
    "a word for nothing": [
        *("NULL", "none", "nan", "NaN", "n/a", "N/A", "na?", "undefined", "Unknown", "test", "TBD", "todo"),
        *("(blank)", "not available", "Not Applicable", "k.A.", "s/d", "unbekannt", "nicht verfügbar"),
        *("\\N", "N.A.", "No Data", "not_set", "external_id", "ID", "-none-", "inconnu", "Loading...", "Loading…"),
    ],
    "no letter and no digit": ["-", "--", "?", "???", "…", "*", "#", "_", "∅", "。", "✗"],
    "only zeros": ["0", "000"],
    "one letter again and again": ["xxx", "XX", "zzz"],
    "a placeholder": [
        *("00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "F" * 32),
        *("ffffffff-ffff-ffff-ffff-ffffffffffff", "{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF}", "000000000000000AAA"),
    ],
    "its last three characters do not fit the rest": [
        *("003dn0000000105iaa", "003DN0000000105IAA", "003Dn0000000105IAB", "003Dn0000000105IA9"),
    ],
    "a date that stands for none": ["1900-01-00", "1/0/1900", "00.01.1900", "1/0/00", "0000-00-00 00:00:00"],
    "a number that a program could not work out": ["-1.#IND", "1.#QNAN", "1.#INF00"],
    "a tag of a web page": ['<a href="x">A2</a>', "A2<br/>", "<b>A2</b>", "A2<!-- x -->"],
    "may hold look-alike letters": ["\u0410123", "\u0412-125", "\u0391#1", "\u0410-1-\u0412"],
    "true or false, not an id": ["TRUE", "false", "wahr", "FALSO"],
    "a template that was not filled": [
        *(
            "<null>",
            "${ID}",
            "LEAD-${ID}",
            "{{id}}",
            "x{{ id }}",
            "%ID%",
            "<id>",
            "{0}",
            "{id}",
            "[id]",
            "$ID",
            "%s",
            "*|ID|*",
        ),
    ],
    "a list or an object of a program": [
        *("[object Object]", "Array", '["N-8"]', "{'id': 5}", "b'7'", "[1001]", 'ObjectId("62a1b2c3d4e5f60012345678")'),
        *("UUID('3f2504e0')", "Contact(id=1)", "System.String[]", "System.Object"),
    ],
    "the error of a spreadsheet cell": [
        *(
            "#N/A",
            "#REF!",
            "#VALUE!",
            "#DIV/0!",
            "#NAME?",
            "#NV",
            "#¿NOMBRE?",
            "#¡REF!",
            "#BEZUG!",
            "#ИМЯ?",
            "#Н/Д",
            "####",
        ),
        *("Err:502", "#SPILL!", "#NUM!", "#NULL!", "#N/D"),
    ],
    "a character that is written as a code": [
        *("&amp;", "A&#39;B", "A&amp;B", "A&nbsp;B", "A%20B", "a%2Fb", "_x000D_A", "Zo\\u00eb"),
    ],
    "letters that were read in a wrong character code": ["cafÃ©", "Ã©Ã©", "ZoÃ« Ł", "√©-1", "├⌐-1", "MÃ¼ller-1"],
    "a character that was lost (U+FFFD)": ["A\ufffdB"],
    "a space at its beginning": [" A", "\u00a0A", "\tA"],
    "a space at its end": ["A ", "A\u00a0", " A "[1:]],
    "two spaces in a row": ["A  B"],
    "an unusual space (U+0009)": ["A\tB"],
    "an unusual space (U+00A0)": ["A\u00a0B"],
    "an invisible character (U+200B)": ["A\u200bB", "INV-1\u200b"],
    "an invisible character (U+FEFF)": ["\ufeffINV-6"],
    "a dash that is not the one of a keyboard (U+2013)": ["A\u20131"],
    "a dash that is not the one of a keyboard (U+2212)": ["A\u22121"],
    "a dash that is not the one of a keyboard (U+2011)": ["A\u20111"],
    "a quote that is not the one of a keyboard (U+2019)": ["O\u2019Brien", "\u2019A"],
    "a quote that is not the one of a keyboard (U+201C)": ["\u201cA\u201d"],
    "a digit of another alphabet (U+0663)": ["\u0663\u0664"],
    "full-width or styled characters": ["ＡＢ１", "\U0001d400-1", "①", "ﬁx-1"],
    "an accent that is a character of its own": ["Zoe\u0308"],
    "letters of several alphabets that look alike": ["C\u041eNTACT1", "\u0410-CONTACT1", "CONT\u0391CT"],
    "a number of which a spreadsheet kept 15 digits": ["8965290000000000000", "12345678901234500"],
    "a sign that separates values, at its end": ["A-1,", "A-1;", "kat@x.test;"],
    "a sign that separates values, at its beginning": [",A-1", ";A-1"],
    "a number with the rounding of a program": ["0.30000000000000004", "1234.9999999999"],
    "it may have been cut at 255 characters": ["y" * 255, "CONTACT" + "1" * 248],
}


@pytest.mark.parametrize(("why", "damaged"), [(why, one) for why, ids in DAMAGED.items() for one in ids])
def test_damage_is_told_with_its_cause(why: str, damaged: str) -> None:
    assert suspicious(damaged) == why


@given(st.text(max_size=30))
def test_any_text_at_all_can_be_looked_at(text: str) -> None:
    assert isinstance(suspicious(text) + "".join(form(text)), str)


FIELDS = {
    "a word for nothing": [
        *(
            "∅",
            "NULL",
            "null",
            "nan",
            "NaN",
            "NaT",
            "undefined",
            "None",
            "none",
            "N/A",
            "n/a",
            " NULL ",
            "\\N",
            "Loading...",
        ),
        *("<null>", "(blank)", "[NULL]", "<NA>", '"null"', "\\\\N"),
    ],
    "the error of a spreadsheet cell": ["#N/A ", "#REF!", "#NAME?", "#VALUE!", "########", "#BEZUG!", "Err:502"],
    "a template that was not filled": [
        "{{title}}",
        "Hi {{first_name}}",
        "${X}",
        "%%NAME%%",
        "*|FNAME|*",
        "{first_name}",
    ],
    "a list or an object of a program": ["[object Object]", "Kat [object Object]", "['CEO']", '{"a": 1}'],
    "a number that a spreadsheet shortened": ["4.93012E+11", "4,93012E+11"],
    "a number with .0 at its end": ["493012345678.0", "+493012345678.0"],
    "letters that were read in a wrong character code": ["MÃ¼ller", "ZoÃ«", "itâ€™s"],
    "a character that was lost (U+FFFD)": ["M\ufffdller"],
    "a date that stands for none": ["1900-01-00", "0000-00-00"],
    "a number that a program could not work out": ["-1.#IND"],
    "a character that is written as a code": [
        *("R&amp;D", "O&#39;Brien", "Kat_x000D_", "Zo\\u00eb", "O\\'Brien", "https:\\/\\/x.test"),
        *("VP Sales\\nEMEA", "First line.\\r\\nSecond"),
    ],
    "the sign by which a spreadsheet marks text or a formula": [
        *("'+1 404 555 0100", "'0404555", "'@kat", '="VP"', '="+14045550100"', '=HYPERLINK("https://x.test","Kat")'),
        *("=A1", "=B12+C3", "=-4"),
    ],
    "a value of which a program hid a part": ["+1 404 *** **00", "******0100"],
}
ORDINARY_FIELDS = (
    """
Null|Nan|Nil|Test|Unknown|unknown|-|--|0|x|X|xxx|None of your business|N/A-12|Jennifer Null|Na|NA|TBD|true|No|Array
Kat|Ann-Marie|O'Brien|Zoë|Müller|Łódź|SÃO PAULO|Ã|ÂNGELO|Kat, PhD|VP, R&D|AT&T|株式会社|Москва|Ωμέγα|\u0410\u0412\u0421
+49 30 1234567|(030) 123-4567|030.123.4567|555-0100 x12|5.0|12.0|2024.0|1E5|3.5E|2024-01-02|1/2/2024|12:30|10:11:12|$5
1,234|1.5|Suite #100|#1|C#|Level 3 (Interim)|a < b|<b>Kat</b>|"Kat"|'Kat|=Kat|Yes!|???|https://x.test/a%20b?c=d&e=f
kat@x.test|Kat \u201cthe cat\u201d Haddad|Kat \u2013 CEO|Berlin\u00a0Mitte|two  spaces|M1|Loading Dock Manager||
's-Hertogenbosch|'t Hooft|'94|=> see below|=)|CORP\\nancy|C:\\new|\\\\server\\share|***VIP***|5 ***|4**
Head of (EMEA)|System.Administrator|Sales (West)
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize(("why", "damaged"), [(why, one) for why, values in FIELDS.items() for one in values])
def test_damage_of_a_field_is_told_with_its_cause(why: str, damaged: str) -> None:
    assert field_damage(damaged) == why


@pytest.mark.parametrize("ordinary", ORDINARY_FIELDS)
def test_a_field_may_hold_much_that_would_be_no_id(ordinary: str) -> None:
    assert field_damage(ordinary) == ""


@given(st.text(max_size=30) | st.text(st.sampled_from("kat@x.test<>;,'\"=(/: 03D\n")))
def test_any_text_at_all_is_a_key_or_refused(text: str) -> None:
    for check in (email, domain, object_id, partial(crm_id, object_type="people")):
        with suppress(InputError):
            assert check(text).text
    assert isinstance(field_damage(text), str)


class TestForms:
    """Spellings of one family in one column."""

    @pytest.mark.parametrize(
        ("id_", "expected"),
        [
            (GUID, ("GUID", "dashes, lower case")),
            (GUID.upper(), ("GUID", "dashes, upper case")),
            (f"{{{GUID.upper()}}}", ("GUID", "braces, upper case")),
            (f"({GUID})", ("GUID", "brackets, lower case")),
            (f"urn:uuid:{GUID}", ("GUID", "urn:uuid:, lower case")),
            (GUID.replace("-", ""), ("GUID", "no dashes, lower case")),
            (GUID.replace("f", "F"), ("GUID", "dashes, mixed case")),
            ("003Dn00000AbCdE", ("Salesforce id", "15 characters")),
            ("003Dn00000AbCdEIAV", ("Salesforce id", "18 characters")),
            ("123456789012345", ("number of 15 digits", "no leading zeros")),
            ("000103", ("number of 3 digits", "3 leading zeros")),
            ("0103", ("number of 3 digits", "1 leading zero")),
            ("ABC-103", ('"abc" and a number', '"ABC-" before it')),
            ("abc104", ('"abc" and a number', '"abc" before it')),
            ("Crm_US 7", ('"crm us" and a number', '"Crm_US " before it')),
            ("Москва-7", ('"москва" and a number', '"Москва-" before it')),
            ("kat@x.test", ("", "")),
            ("A-1-B", ("", "")),
            ("-1", ("", "")),
            ("", ("", "")),
        ],
    )
    def test_a_family_and_its_spelling(self, id_: str, expected: tuple[str, str]) -> None:
        assert form(id_) == expected

    @pytest.mark.parametrize(
        ("column", "rare"),
        [
            ("000101 000102 103", "103"),
            ("000101 000102 0103", "0103"),
            ("000101 000102 123456 234567", ""),
            ("1 2 10 99 100 12345", ""),
            ("ABC-101 abc-103 ABC-102 ABC104", "abc-103 ABC104"),
            ("ABC_101 ABC-103 ABC_1", "ABC-103"),
            ("CRM-US-1 CRM-US-2 crm_us_3", "crm_us_3"),
            ("A-1 B-2 c3 D.4", ""),
            ("CONTACT1001 CONTACT1002 LEAD-7", ""),
            ("A-BC-1 AB-C-2", ""),
            ("\u041c-1 M1 M2", ""),
            ("kat1@x.test KAT2@x.test", ""),
        ],
    )
    def test_only_the_rarer_spellings_of_one_family_stand_out(self, column: str, rare: str) -> None:
        forms = {one: form(one) for one in column.split()}
        usual: dict[str, str] = {}
        for (family, spelling), _ in reversed(Counter(forms.values()).most_common()):
            usual[family] = spelling
        assert [one for one, (family, spelling) in forms.items() if usual[family] != spelling] == rare.split()


# An address in which something went wrong. What follows it would be the address of somebody else.
CUT_IN_TWO = (
    """
kat bergstrom@x.test|kat/berg@x.test|kat(home)berg@x.test|kat (home)berg@x.test|.kat@x.test|kat.@x.test|kat,berg@x.test
kat;berg@x.test|kat:berg@x.test|kat[berg@x.test|<kat>berg@x.test|kat=berg@x.test|'kat'berg@x.test x|'kat'@x.test
kat@x.test berg|kat@x.test/berg|kat@x.test.berg@|mailto:kat berg@x.test|<kat berg@x.test>|kat@ x.test|kat @x.test
kat@x .test|kat@x.test?cc=1|kat berg@x.test <kat@>|Kat <.kat@x.test>|mailto:kat@x.test?cc=kay@x.test|kat@@x.test
""".strip()
    .replace("\n", "|")
    .split("|")
)


class TestEMails:
    """The address is taken out of what stands around it."""

    @pytest.mark.parametrize(
        ("value", "text", "taken"),
        [
            ("kat@x.test", "kat@x.test", ""),
            ("KAT@X.TEST", "kat@x.test", ""),
            ("kat+crm@x.test", "kat+crm@x.test", ""),
            ("nan@x.test", "nan@x.test", ""),
            ("na@x.test", "na@x.test", ""),
            ("o'brien@x.test", "o'brien@x.test", ""),
            ("zoë@x.test", "zoë@x.test", ""),
            ("zoe\u0308@x.test", "zoë@x.test", ""),
            ("kat@müller.test", "kat@müller.test", ""),
            ("zoe@xn--harbor-foods-.test", "zoe@xn--harbor-foods-.test", ""),
            (" kat@x.test\u00a0", "kat@x.test", "without the spaces around it"),
            ("kat@x.test\u200b", "kat@x.test", "without invisible characters"),
            ("Kat Haddad <Kat@X.test>", "kat@x.test", "without the name beside it"),
            ('"Haddad, Kat" <kat@x.test>', "kat@x.test", "without the name beside it"),
            ("kat@x.test (Kat)", "kat@x.test", "without the name beside it"),
            ("MAILTO:kat@x.test", "kat@x.test", 'without "mailto:"'),
            ("mailto:kat@x.test?subject=a b", "kat@x.test", 'without "mailto:"'),
            ("<mailto:kat@x.test>", "kat@x.test", 'without "mailto:" and the signs around it'),
            ("<kat@x.test>", "kat@x.test", "without the signs around it"),
            ("kat@x.test;", "kat@x.test", "without the signs around it"),
            ("'kat@x.test", "kat@x.test", "without the signs around it"),
            ('="kat@x.test"', "kat@x.test", "without the signs around it"),
            ("kat@x.test.", "kat@x.test", "without the signs around it"),
            ("(kat@x.test)", "kat@x.test", "without the signs around it"),
            ("Kat<kat@x.test>", "kat@x.test", "without the name beside it"),
            *(
                (link, "kat@x.test", 'without "mailto:" and the name beside it')
                for link in (
                    "[Kat](mailto:kat@x.test)",
                    '<a href="mailto:Kat@x.test?subject=a">Kat</a>',
                    '=HYPERLINK("mailto:kat@x.test";"Kat")',
                    "<mailto:kat@x.test|Kat>",
                )
            ),
            ("kat@müller.test, kat@xn--mller-kva.test", "kat@xn--mller-kva.test", "which was given more than once"),
            ("kat@x.test, Kat@x.test", "kat@x.test", "which was given more than once"),
            ("kat@x.test / kat@x.test", "kat@x.test", "which was given more than once"),
            (
                "kat@x.test <kat@x.test>",
                "kat@x.test",
                "which was given more than once, without the signs around it",
            ),
        ],
    )
    def test_an_address_and_what_was_taken_off(self, value: str, text: str, taken: str) -> None:
        assert email(value) == Key(text, taken)

    def test_a_link_that_shows_another_address_than_it_leads_to_holds_two(self) -> None:
        assert "holds 2 addresses" in refusal(email, "[kat@x.test](mailto:kay@x.test)")

    @pytest.mark.parametrize("between", ["; ", ", ", "|", " ", "/", " / ", ";", "\n", " and "])
    def test_several_addresses_are_counted(self, between: str) -> None:
        assert refusal(email, f"kat@x.test{between}kay@home.test").startswith("email: holds 2 addresses.")

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("NULL", '"NULL" is a placeholder (a word for nothing), not an e-mail address.'),
            ("#N/A", '"#N/A" is a placeholder'),
            ("-", '"-" is a placeholder (no letter and no digit)'),
            ("#REF!", '"#REF!" is a placeholder (the error of a spreadsheet cell)'),
            ("{{email}}", '"{{email}}" is a placeholder (a template that was not filled)'),
            ("unknown@x.test", '"unknown@x.test" is a placeholder, not the address of a person.'),
            ("Test@test.com", '"test@test.com" is a placeholder, not the address of a person.'),
            ("email_not_unlocked@domain.com", '"email_not_unlocked@domain.com" is a placeholder'),
            ("k***@x.test", '"k***@x.test" is an address of which a program hid a part'),
            ("kat@x.test.invalid", '"kat@x.test.invalid" is an address of a Salesforce sandbox'),
            ("logo@2x.png", '"logo@2x.png" is the name of a file, not an address.'),
            ("%20kat@x.test", '"%20kat@x.test" begins with a character that is written as a code.'),
            ("u003ekat@x.test", '"u003ekat@x.test" begins with a character'),
            (
                "ann\u2013lee@x.test",
                '"ann\u2013lee@x.test" is no e-mail address: a dash that is not the one of a keyboard',
            ),
            ("o\u2019brien@x.test", '"o\u2019brien@x.test" is no e-mail address: a quote that is not'),
            ("\uff4bat@x.test", '"\uff4bat@x.test" is no e-mail address: full-width or styled characters.'),
            ("zoÃ«@x.test", '"zoã«@x.test" is no e-mail address: letters that were read in a wrong'),
            ("kat@x.c", '"kat@x.c" is no e-mail address.'),
            ("kat@-x.test", '"kat@-x.test" is no e-mail address.'),
            ("no-email@x.test", '"no-email@x.test" is a placeholder'),
            ("na@na.test", '"na@na.test" is a placeholder'),
            ("_is_null", '"_is_null" is a command to Salesloft\'s filters'),
            ("", "is empty."),
            ("\u2800 ", "is blank"),
            ("kat at x.test", '"kat at x.test" is no e-mail address.'),
            *((one, f'"{one}" is no e-mail address.') for one in CUT_IN_TWO),
            ("kat@localhost", '"kat@localhost" is no e-mail address.'),
            ("@x.test", '"@x.test" is no e-mail address.'),
            ("a@b@c.test", '"a@b@c.test" is no e-mail address.'),
            ("kat@x..test", '"kat@x..test" is no e-mail address.'),
            ("x.test", '"x.test" is no e-mail address.'),
            (None, "is missing."),
            (5, "is a number, not an e-mail address."),
            (date(2024, 1, 2), "is a date, not an e-mail address: a program made it of what stood there."),
            (["kat@x.test"], "is a list, not an e-mail address: "),
            ("Kat\n<kat@x.test>", "has a character that cannot be sent"),
            ("k" * 300 + "@x.test", "has 307 characters; at most 255"),
        ],
    )
    def test_what_is_no_address_has_its_own_words(self, value: object, words: str) -> None:
        assert refusal(email, value).startswith(f"email: {words}")


class TestDomains:
    """The domain is taken out of a URL."""

    @pytest.mark.parametrize(
        ("value", "text", "taken"),
        [
            ("x.test", "x.test", ""),
            ("Iris-Manufacturing.TEST", "iris-manufacturing.test", ""),
            ("x.test.", "x.test", "without the dot at its end"),
            ('"x.test"', "x.test", "without the signs around it"),
            ("x.test;", "x.test", "without the signs around it"),
            ("x.test|", "x.test", "without the signs around it"),
            ("- x.test", "x.test", "without the signs around it"),
            ("x.test\\en", "x.test", "the domain of a URL"),
            (".x.test", "x.test", "without the signs around it"),
            ("acme.test//contact", "acme.test", "the domain of a URL"),
            ("www.n1.test//contact", "n1.test", "the domain of a URL"),
            (" x.test ", "x.test", "without the spaces around it"),
            ("https://www.x.test/", "x.test", "the domain of a URL"),
            ("HTTP://X.test:8080/p?q=1#f", "x.test", "the domain of a URL"),
            ("http://user:pw@x.test/a;b.c", "x.test", "the domain of a URL"),
            ("//x.test", "x.test", "the domain of a URL"),
            ("x.test/contact", "x.test", "the domain of a URL"),
            ("www.x.test", "x.test", 'without "www."'),
            ("www.test", "www.test", ""),
            ("https://www.linkedin.com/", "linkedin.com", "the domain of a URL"),
            ("notlinkedin.com/acme", "notlinkedin.com", "the domain of a URL"),
            ("@x.test", "x.test", "without the @ before it"),
            ("münchen.test", "münchen.test", ""),
            ("xn--mnchen-3ya.test", "xn--mnchen-3ya.test", ""),
            (" https://x.test/a\u00a0", "x.test", "the domain of a URL, without the spaces around it"),
            ("@www.x.test ", "x.test", "without the @ before it and the spaces around it"),
            ("straße.test", "straße.test", ""),
            ("x.test, x.test", "x.test", "which was given more than once"),
            ("x.test www.X.test", "x.test", "which was given more than once"),
            ("münchen.test, XN--MNCHEN-3YA.test", "münchen.test", "which was given more than once"),
        ],
    )
    def test_a_domain_and_what_was_taken_off(self, value: str, text: str, taken: str) -> None:
        assert domain(value) == Key(text, taken)

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("a.test, b.test", "holds 2 domains."),
            ("https://a.test https://b.test", "holds 2 domains."),
            ("a.test / b.test", "holds 2 domains."),
            ("a.test (US)", '"a.test (US)" is no domain.'),
            *(
                (page, f'"{page}" is a page on {site}, not the domain of the account.')
                for page, site in (
                    ("https://www.linkedin.com/company/acme", "linkedin.com"),
                    ("de.linkedin.com/company/acme/", "de.linkedin.com"),
                    ("facebook.com/acme", "facebook.com"),
                    ("https://sites.google.com/view/acme", "sites.google.com"),
                    ("https://en.wikipedia.org/wiki/Acme", "en.wikipedia.org"),
                )
            ),
            ("N/A", '"N/A" is a placeholder'),
            ("_unmapped", '"_unmapped" is a command to Salesloft\'s filters'),
            ("Evergreen Inc", '"Evergreen Inc" is no domain.'),
            ("localhost", '"localhost" is no domain.'),
            ("192.168.0.1", '"192.168.0.1" is no domain.'),
            *(
                (one, f'"{one}" is no domain.')
                for one in ("https://", "http//bolt.test", "http:/bolt.test", "x//y.test")
            ),
            ("x..test", '"x..test" is no domain.'),
            ("x.t", '"x.t" is no domain.'),
            ("straÃŸe.test", '"straÃŸe.test" is no domain: letters that were read in a wrong character code.'),
        ],
    )
    def test_what_is_no_domain_has_its_own_words(self, value: str, words: str) -> None:
        assert refusal(domain, value).startswith(f"domain: {words}")

    @pytest.mark.parametrize("value", ["sales@x.test", "mailto:sales@x.test", "Sales@X.test"])
    def test_of_an_address_the_domain_is_offered_and_not_taken(self, value: str) -> None:
        words = refusal(domain, value)
        assert "is an e-mail address." in words
        assert 'give "x.test" if that is the account\'s own domain.' in words


class TestCrmIds:
    """Salesforce's are checked, others are taken as they are."""

    @pytest.mark.parametrize(
        ("value", "object_type", "text", "taken"),
        [
            ("003Dn0000000105IAA", "people", "003Dn0000000105IAA", ""),
            ("00QDn00000AbCdEMAV", "people", "00QDn00000AbCdEMAV", ""),
            ("001Dn0000000105IAA", "accounts", "001Dn0000000105IAA", ""),
            ("003Dn0000000105", "people", "003Dn0000000105IAA", "the 18 characters of the 15 given"),
            ("003000000000001", "people", "003000000000001AAA", "the 18 characters of the 15 given"),
            ("003dn0000000105iaa", "people", "003Dn0000000105IAA", "with the capitals that it must have"),
            ("003DN0000000105IAA", "people", "003Dn0000000105IAA", "with the capitals that it must have"),
            ("003Dn0000000105IAC", "people", "003Dn0000000105IAA", "with the last three characters that it must have"),
            ("'003Dn0000000105IAA", "people", "003Dn0000000105IAA", "without the signs around it"),
            ('="003Dn0000000105IAA"', "people", "003Dn0000000105IAA", "without the signs around it"),
            (
                "'003Dn0000000105",
                "people",
                "003Dn0000000105IAA",
                "the 18 characters of the 15 given, without the signs around it",
            ),
            (
                "003Dn0000000105IAA; 003Dn0000000105IAA",
                "people",
                "003Dn0000000105IAA",
                "which was given more than once",
            ),
            ('"151"', "people", "151", "without the signs around it"),
            ("151;", "people", "151", "without the signs around it"),
            ("a b|c", "people", "a b|c", ""),
            ("11", "people", "11", ""),
            (" 003Dn0000000105IAA", "people", "003Dn0000000105IAA", "without the spaces around it"),
            (
                "https://acme.lightning.force.com/lightning/r/Contact/003Dn0000000105IAA/view",
                "people",
                "003Dn0000000105IAA",
                "the id in a URL",
            ),
            ("151", "people", "151", ""),
            (151, "people", "151", ""),
            ("0031234567", "people", "0031234567", ""),
            (GUID, "accounts", GUID, ""),
        ],
    )
    def test_an_id_and_what_was_changed(self, value: object, object_type: ObjectType, text: str, taken: str) -> None:
        assert crm_id(value, object_type) == Key(text, taken)

    @pytest.mark.parametrize(
        ("value", "object_type", "words"),
        [
            ("N/A", "people", '"N/A" is a placeholder'),
            ("Null", "people", '"Null" is a placeholder'),
            ("_is_not_null", "accounts", "is a command to Salesloft's filters"),
            ("001Dn0000000105", "people", "is the id of an account; those of people begin with 003 or 00Q."),
            ("003Dn0000000105IAA", "accounts", "is the id of a contact; those of accounts begin with 001."),
            ("003Dn00000001", "people", "has 13 characters; a Salesforce id has 15 or 18."),
            ("003Dn0000000105IAA;003Dn0000000106IAA", "people", "holds 2 ids."),
            ("003Dn0000000105IAA 00QDn00000AbCdEMAV", "people", "holds 2 ids."),
            ("151; 152,153", "people", "holds 3 ids."),
            ("'", "people", "is no CRM id."),
            ("1.2E+10", "people", '"1.2E+10" is no CRM id: a number that a spreadsheet shortened.'),
            ("'1.2E+10", "people", "is no CRM id: a number that a spreadsheet shortened."),
            ("151.0", "people", "is no CRM id: a number with .0 at its end."),
            ("2024-01-02", "people", "is no CRM id: a date or a time."),
            ("003 Dn0000000105IAA", "people", "has a space or a letter of another alphabet in it."),
            ("003Dn0000000105I\u0410A", "people", "has a space or a letter of another alphabet in it."),
            ('=HYPERLINK("https://x.test/003Dn0000000105IAA","K")', "people", "is a formula of a spreadsheet, not a"),
            ('<a href="/003Dn0000000105IAA">Kat</a>', "people", "is no CRM id: a tag of a web page."),
            ("kat@x.test", "people", '"kat@x.test" is an e-mail address, not a CRM id.'),
            ("https://x.test/contact/151", "people", "is a URL without the id of a Salesforce record."),
            ("000000000000000AAA", "people", '"000000000000000AAA" is a placeholder, not a CRM id.'),
            ("003dN0000000105IAA", "people", "do not fit its capitals"),
            ("003Dn0000000105IA9", "people", "do not fit its capitals"),
        ],
    )
    def test_what_cannot_be_one_has_its_own_words(self, value: str, object_type: ObjectType, words: str) -> None:
        assert words in refusal(crm_id, value, object_type)


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("578495206", ""),
        (578495206, ""),
        (" 578495206\u00a0", "without the spaces around it"),
        ("578495206\u200b", "without invisible characters"),
        ("0578495206", "without the leading zeros"),
        ("'578495206", "without the signs around it"),
        ('="0578495206" ', "without the signs around it, the leading zeros and the spaces around it"),
    ],
)
def test_an_object_id_is_a_whole_number_and_what_was_taken_off_is_told(value: object, taken: str) -> None:
    assert object_id(value) == Key("578495206", taken)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("5.0", '"5.0" is not a Salesloft id: a number with .0 at its end.'),
        ("5.78E+08", '"5.78E+08" is not a Salesloft id: a number that a spreadsheet shortened.'),
        ("CONTACT1", '"CONTACT1" is not a Salesloft id.'),
        ("9" * 5_001, "has 5,001 characters; at most 255 are allowed."),
        (str(2**63), "is not a Salesloft id"),
        ("²", "is not a Salesloft id"),
        ("0", "is a placeholder (only zeros)"),
        (0, "is a placeholder (only zeros)"),
        (-5, "is not a Salesloft id"),
        (5.0, "is a number with a fraction or an exponent, not a Salesloft id: make it text or a whole number"),
        (Number("5E8"), "is a number with a fraction or an exponent, not a Salesloft id"),
        (True, "is true or false"),
        (None, "is missing."),
    ],
)
def test_any_other_object_id_is_refused_in_words(value: object, words: str) -> None:
    assert words in refusal(object_id, value)
