"""Pure: what a file is by its first bytes. What is no table is refused in words that name it."""

import re
from typing import Literal

from salesloft_mcp.errors import InputError

Form = Literal["text", "zip"]
TextForm = Literal["cells", "json lines", "json items", "json array"]

_UNPACK = "unpack it, and give the file inside."
_SAVE = "save it as CSV, in UTF-8."
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "is compressed with gzip.", _UNPACK),
    (b"BZh", "is compressed with bzip2.", _UNPACK),
    (b"\xfd7zXZ\0", "is compressed with xz.", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd.", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive.", _UNPACK),
    (b"Rar!\x1a\x07", "is a RAR archive.", _UNPACK),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "is a workbook of the old form (.xls), or one that is protected by a password.",
        "save it as .xlsx without a password, or as CSV in UTF-8.",
    ),
    (b"%PDF-", "is a PDF.", "export the table as CSV, in UTF-8."),
    (b"{\\rtf", "is a document (RTF).", _SAVE),
    (b"SQLite format 3\0", "is an SQLite database.", "export the table as CSV, in UTF-8."),
    (b"PAR1", "is a Parquet file.", "export it as CSV or JSON Lines, in UTF-8."),
    (b"Obj\x01", "is an Avro file.", "export it as CSV or JSON Lines, in UTF-8."),
    (b"\x89PNG", "is a picture (PNG).", ""),
    (b"\xff\xd8\xff", "is a picture (JPEG).", ""),
    (b"GIF8", "is a picture (GIF).", ""),
)
_HTML = re.compile(
    r"\s*<(?:!--|(?:!doctype\s+html|html|head|body|table|meta|script|style|title|div|br)\b)", re.IGNORECASE
)
_TABLE = re.compile(r"(?!.*<form\b).*(?:<table\b|urn:schemas-microsoft-com:office)", re.IGNORECASE | re.DOTALL)
_XML = re.compile(r"\s*<(?:\?xml|[A-Za-z][\w:.-]*(?:\s+[\w:.-]+=|\s*/?>))")
_DUMP = re.compile(
    r"(?:--[^\n]*\n\s*|/\*[^*]*\*/;?\s*)*(?:INSERT\s+INTO|(?:CREATE|DROP)\s+(?:TABLE|DATABASE|SCHEMA)|LOCK\s+TABLES"
    r"|COPY\s+\S+\s*\(|SET\s+\w+\s*=|PRAGMA\s+\w+\s*=|BEGIN\s+TRANSACTION)\b|(?:--[^\n]*\n\s*)*--[^\n]*\bdump\b",
    re.IGNORECASE,
)
_SYLK = re.compile(r"ID;P[^\n]*\n(?:P;P|B;[XY]|C;[XYK]|[FO];[A-Z]|N[NUE];)")
_DIF = re.compile(r"TABLE\r?\n0,1\r?\n")
_PYTHON = re.compile(r"(?:\[\s*)?\{\s*u?'[^']*'\s*:")
# What terminals and Markdown draw around the cells of a table, or the first line of one that has a line for each cell.
_DRAWN = re.compile(
    r"\s*(?:[+┌╔╭][-+=─═━┬╤╦┐╗╮]{3,}|-\[ RECORD |\*{9,} 1\. row)"
    r"|(?:[|│]|[^\n]* [|│]|[^\n]*[|│] )[^\n]*\n(?=[^\n]*(?:--|──))[-─ :|│+┼├┤]+(?:\n|\r|\Z)"
    r"|[^\n]*\n[ ]*[─━═]{3,}[─━═ ]*(?:\r|\n|\Z)"
)
_MAIL = re.compile(r"(?:MIME-Version|Return-Path|Received|From|Date|Subject): .*\n(?:[ \t].*\n|[A-Za-z-]+: .*\n)", re.I)
_OBJECT = re.compile(r'\s*\{\s*(?:"|\}|$)')
_ARRAY = re.compile(r'\s*\[\s*(?:[\[{"\]]|-?\d|true|false|null|$)')
_TEXTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (_DUMP, "is a dump of a database (SQL).", "export the table, or the result of a query, as CSV in UTF-8."),
    (_SYLK, "is a table in the form SYLK (.slk).", "save it as .xlsx, or as CSV in UTF-8."),
    (_DIF, "is a table in the form DIF.", "save it as .xlsx, or as CSV in UTF-8."),
    (
        _DRAWN,
        "is a table as a terminal or Markdown shows it, drawn with lines and filled up with spaces.",
        "export it as CSV, such as with psql --csv, mysql --batch or bq --format=csv.",
    ),
    (
        re.compile("version https://git-lfs"),
        "is a pointer to a file in Git LFS, not the file.",
        "fetch it: git lfs pull.",
    ),
    (re.compile("BEGIN:VCARD", re.IGNORECASE), "holds address cards (vCard).", "export the contacts as CSV, in UTF-8."),
    (_MAIL, "is an e-mail or a page saved with its pictures (MIME).", "save the table itself as CSV, in UTF-8."),
    (re.compile(r"(?:---\s+)?- \w[\w ]*:(?:\s|$)"), "is YAML.", "write it as JSON or CSV, in UTF-8."),
    (
        re.compile(r'"\s*[\[{]+\s*\\"'),
        "holds JSON that was written as a text once more.",
        "write the text alone, such as with jq -r.",
    ),
    (
        re.compile("HTTP/[0-9.]+ [0-9]{3}"),
        "begins with the headers of an answer of a server.",
        "save its body alone, such as with curl without -i.",
    ),
    (_PYTHON, "holds objects as Python prints them, not JSON.", "write them with json.dumps, one a line."),
)
_OPEN = ("{", "[", ",", ":")  # how a line ends whose object goes on


def form_of(start: bytes) -> Form:
    """Whether these bytes may begin a text, or begin a zip, as workbooks do.

    Raises:
        InputError: they begin something that is no table.
    """
    for magic, what, step in _MAGIC:
        if start.startswith(magic):
            raise InputError("file", what, next_step=step)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if not start:
        raise InputError("file", "is empty (0 bytes).")
    return "text"


def text_form_of(start: str, name: str) -> TextForm:
    """What a text holds by its first line, which may be cut off, and where that is open by its name.

    Raises:
        InputError: it is a page or another document with tags.
    """
    line, ended, _ = start.partition("\n" if "\n" in start else "\r")
    for form, what, step in _TEXTS:
        if form.match(start):
            raise InputError("file", what, next_step=step)
    if _HTML.match(start):
        step = "export the table as CSV; a page often says that one has to sign in first."
        if _TABLE.match(start):  # many programs save one under the name of a workbook
            step = "open it in a spreadsheet, and save it as .xlsx, or as CSV in UTF-8."
        raise InputError("file", "is a web page (HTML).", next_step=step)
    if _XML.match(line):
        raise InputError("file", "is XML.", next_step="save it as .xlsx or as CSV in UTF-8.")
    if _ARRAY.match(line):
        return "json array"
    if _OBJECT.match(line) or (line.lstrip()[:1] == "{" and name.lower().endswith((".jsonl", ".ndjson", ".json"))):
        return "json items" if ended and line.rstrip().endswith(_OPEN) else "json lines"
    return "cells"
