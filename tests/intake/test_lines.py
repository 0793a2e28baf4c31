"""Bytes to text: what is plain is read, and said; the rest is refused by name."""

import io

import pytest

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.code_pages import plain_page
from salesloft_mcp.intake.tables import open_table

from .test_tables import PEOPLE, read, refused

GOOD = "external_id,email,name\nA-1,a@x.test,José\nÉ-2,b@x.test,Müller\n"
ROWS = {2: ["A-1", "a@x.test"], 3: ["É-2", "b@x.test"]}
UNUSED = 'Not used: the column "name".'
WESTERN = "Read as Windows-1252 (Western European), as it is not UTF-8."


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("utf-16", ["Read as UTF-16, as it is not UTF-8."]),
        ("utf-16-le", ["Read as UTF-16, as it is not UTF-8."]),
        ("utf-16-be", ["Read as UTF-16, as it is not UTF-8."]),
        ("utf-32", ["Read as UTF-32, as it is not UTF-8."]),
        ("cp1252", [WESTERN]),
    ],
)
def test_text_is_read_in_its_encoding_and_what_was_assumed_is_said(encoding: str, note: list[str]) -> None:
    assert read(GOOD.encode(encoding)) == (ROWS, [*note, UNUSED])


def test_other_bytes_may_come_late() -> None:
    rows = [f"A-{number},{number}@x.test,x" for number in range(20_000)]
    text = "\n".join(["external_id,email,name", *rows, "Z,z@x.test,Zoë"])
    found, notes = read(text.encode("cp1252"))
    assert (len(found), notes) == (20_001, [WESTERN, UNUSED])
    assert read(text.encode())[1] == [UNUSED]


def test_unicode_text_of_excel_is_read() -> None:
    text = 'External ID\tE-mail\tNote\r\nA-1\ta@x.test\t"two\r\nlines, with a comma"\r\n'
    assert read(text.encode("utf-16"), "leads.txt")[0] == {2: ["A-1", "a@x.test"]}


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("José", "cp1252"),
        ("Søren Bjørn", "cp1252"),
        ("Hélène", "cp1252"),
        ("Peña", "cp1252"),
        ("O’Brien – “Zoë”", "cp1252"),
        ("ÉCOLE DES MÉTIERS £5", "cp1252"),
        ("it is—a great—really", "cp1252"),
        ("don’t, Ma’am: Women’s Int’l, d’Artagnan, dell’arte, aujourd’hui", "cp1252"),
        ("Berlin–Hamburg, Smith–Jones, cost—benefit", "cp1252"),
        ("Ra’ed Müller", "cp1252"),
        ("20°C, 10 µm", "cp1252"),
        ("20 °C, „Müller“ und ‚Weiß‘, Umsatz in £m", "cp1252"),
        ("„Dvořák“ a Nový", "cp1250"),
        ("1º Mª José, O´Brien, © Acme", "cp1252"),
        ("Łukasz Wiśniewski", "cp1250"),
        ("Jiří Dvořák, Tomáš Nováček", "cp1250"),
        ("Żółkiewska", "cp1250"),
        ("Gżegżółka", "cp1250"),
        ("Żółć, Kamiński", "cp1250"),
        ("Křížová", "cp1250"),
        ("Čapek, Kučera", "cp1250"),
        ("Kovács, Erdős", "cp1250"),
        ("MUÑOZ, Iñaki Simões", "cp1252"),
        ("Lefèvre, Zoé, Æbelø", "cp1252"),
        ("山田太郎,佐藤花子,伊藤翔", "cp932"),
        ("서울,김철수,이영희,박민수,최지우,정수빈,강하늘,조은지,윤서연,부산,주식회사,한지민,오세훈,임수정", "cp949"),
        ("Ayşe Öztürk", "cp1254"),
        ("Yıldız Sarı, İbrahim", "cp1254"),
        ("Łukasz, Stefan", "cp1250"),
        ("Ştefan Ionescu", "cp1250"),
        ("Barış Kaya", "cp1254"),
        ("Ayşe Öztürk; İbrahim Yıldız; GÜLŞAH IŞIK; Oğuz Güneş", "cp1254"),
        ("Bogdan Ioniţă, Constanţa", "cp1250"),
        ("Starý", "cp1250"),
        ("Đorđe Anđelić", "cp1250"),
        ("Общество с ограниченной ответственностью, Иван Петров и Ольга Смирнова. " * 5, "cp1251"),
        ("株式会社サンプル 東京都千代田区の代表取締役です。よろしくお願いいたします " * 5, "cp932"),
    ],
)
def test_a_code_page_is_believed_where_its_words_read_well(text: str, page: str) -> None:
    found = plain_page(text.encode(page))
    assert text.encode(page).decode(found) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("山田", "cp932"),
        ("ﾔﾏﾀﾞ", "cp932"),
        ("Иван", "cp1251"),
        ("王小明", "gb18030"),
        ("José Müller", "mac_roman"),
        ("José Müller", "cp850"),
        ("ÿ", "cp1252"),
        ("Þórunn Guðmundsdóttir", "cp1252"),
        ("Şahin", "cp1254"),  # or Romanian
        ("Ayşe", "cp1254"),
        ("Yıldız", "cp1254"),  # or Czech
        ("Uğur Dağ", "cp1254"),  # or Croatian
        ("Žukauskas", "cp1257"),
        ("תל אביב", "cp1255"),
        ("李华", "gb18030"),
        ("Müller", "mac_roman"),
        ("García", "mac_roman"),
        ("Peña, López", "mac_roman"),
        ("María Castañeda", "mac_roman"),
        ("Ángel García Muñoz", "mac_roman"),
        ("García " * 30 + "José", "mac_roman"),
        ("Zoë", "mac_roman"),
        ("José", "cp850"),
        ("Роза", "cp1251"),
        ("Воз", "cp1251"),
    ],
)
def test_what_could_be_several_code_pages_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(InputError, match="not plain which other code page"):
        plain_page(text.encode(encoding))
    words = refused(f"external_id,email,name\nA-1,a@x.test,{text}\n".encode(encoding))
    assert words.endswith('Next: save it as UTF-8 (in Excel: "CSV UTF-8").')


def test_utf_8_that_is_damaged_later_is_no_code_page() -> None:
    text = GOOD.encode() + b"A-3,c@x.test,Jos\xe9\n"
    assert refused(text).startswith("file: is not UTF-8 text.")


def test_nul_characters_are_named() -> None:
    assert refused(b"external_id,email\nA-1,a@x.test\nA\x00-2,b@x.test\n").startswith("file: holds NUL characters")


@pytest.mark.parametrize("end", ["\x1a", "\n\x1a", "\n\x1a\x1a"])
def test_marks_before_and_after_the_text_are_skipped_and_said(end: str) -> None:
    found, notes = read(f"\ufeff\ufeffexternal_id,email\nA-1,a@x.test{end}")
    assert found == {2: ["A-1", "a@x.test"]}
    assert notes == [
        "Skipped: a second mark of the byte order at its beginning.",
        "Skipped: the mark by which DOS ended a file (Ctrl-Z).",
    ]


def test_a_file_is_closed_when_its_rows_were_read_or_it_is_refused() -> None:
    raw = io.BytesIO(GOOD.encode())
    list(open_table(raw, "a.csv", PEOPLE).rows)
    assert raw.closed
    other = io.BytesIO(b"%PDF-1.4")
    with pytest.raises(InputError):
        open_table(other, "a.csv", PEOPLE)
    assert other.closed
