"""The rows of workbooks (.xlsx), with the library of the extra `excel`. Text comes as text, and numbers as numbers.

A workbook is a zip that may unpack to anything: what is read of it has limits, and XML with entities is refused.
"""

import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.lines import CHUNK, MAX_LINE
from salesloft_mcp.intake.strict_csv import Row

MAX_WORKBOOK = 256 * 1024**2  # bytes as it is stored
MAX_SHEET = 2 * 1024**3  # bytes of one sheet, unpacked; it is never held
MAX_PART = 64 * 1024**2  # bytes of any other part, unpacked, such as the texts of all cells, which are held
MAX_ROWS = 2**20  # of a sheet, as in Excel

_BEGIN = 2**10  # bytes; a document type stands before the first element
_SHEET = "xl/worksheets/"
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_HIDDEN = re.compile(rb"""<(?:\w+:)?row\b[^<>]*\shidden=["'](?:1|true)["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_SAVE = "save the sheet as CSV, in UTF-8."
_INSTALL = "pip install 'salesloft-mcp[excel]', or save the sheet as CSV (in Excel: \"CSV UTF-8\")."
_KINDS = {  # a part of the zip that tells what it is
    "xl/workbook.bin": ("is a binary workbook (.xlsb).", "save it as .xlsx, or as CSV in UTF-8."),
    "word/document.xml": ("is a document (Word).", _SAVE),
    "ppt/presentation.xml": ("is a presentation (PowerPoint).", _SAVE),
    "content.xml": ("is a document of OpenOffice, such as .ods.", "save it as .xlsx, or as CSV in UTF-8."),
    "Index/Document.iwa": ("is a document of Numbers or Pages.", "export it as .xlsx, or as CSV in UTF-8."),
}
# What the library raises on damage depends on what is damaged.
_DAMAGE = (
    LookupError, ValueError, TypeError, AttributeError, ArithmeticError, SyntaxError, OSError, EOFError, RuntimeError,
    zipfile.BadZipFile, zlib.error, expat.ExpatError,
)  # fmt: skip


class NoResult:
    """Stands in a cell for the result of a formula that no program has calculated yet."""

    problem = "holds a formula without a result; open the workbook in Excel and save it."

    def __str__(self) -> str:
        return ""


@contextmanager
def open_workbook(raw: BinaryIO, start: bytes) -> Iterator["Workbook"]:
    """The workbook that begins with `start` and goes on in `raw`, from a copy on disk that is gone afterwards.

    Raises:
        InputError: it is another kind of zip, cannot be read, is over the limits, or the extra is not installed.
    """
    with tempfile.TemporaryFile() as copy:
        more, size = start, 0
        while more:
            size += copy.write(more)
            if size > MAX_WORKBOOK:
                raise InputError("file", f"is a workbook of more than {_mib(MAX_WORKBOOK)}.", next_step=_SAVE)
            more = raw.read(CHUNK)
        try:
            with zipfile.ZipFile(copy) as parts:
                _check(parts)
                books = [_load(copy, results=True)]
                sheets = dict(_parts_of(parts))
                hidden = {
                    name: sum(len(_HIDDEN.findall(tags)) for tags in _tags(parts, sheets[name])) for name in sheets
                }
                if any(_FORMULA.search(tags) for part in sheets.values() for tags in _tags(parts, part)):
                    books.append(_load(copy, results=False))
        except _DAMAGE:
            raise _damaged() from None
        try:
            yield Workbook(hidden, *books)
        finally:
            for book in books:
                book.close()


class Workbook:
    """An open workbook. Where it has formulas, `formulas` is the same one with them in place of their results."""

    def __init__(self, hidden: Mapping[str, int], book: Any, formulas: Any = None) -> None:  # noqa: ANN401 - the library has no types
        self._hidden = hidden  # rows of each sheet
        self._sheets = {sheet.title: sheet for sheet in book.worksheets}
        self._formulas = {sheet.title: sheet for sheet in formulas.worksheets} if formulas else {}

    @property
    def sheets(self) -> list[str]:
        """The names of its sheets, in their order."""
        return list(self._sheets)

    @property
    def hidden(self) -> list[str]:
        """The names of the sheets that are not shown."""
        return [name for name, sheet in self._sheets.items() if sheet.sheet_state != "visible"]

    def hidden_rows(self, sheet: str) -> int:
        """How many rows of a sheet are not shown, as a filter leaves them."""
        return self._hidden.get(sheet, 0)

    def rows(self, sheet: str) -> Iterator[Row]:
        """Every row of a sheet, those without cells as well. They can be read again.

        Raises:
            InputError: the sheet is damaged, or has more than `MAX_ROWS`; while rows are read.
        """
        try:
            for number, cells in enumerate(self._cells(sheet), 1):
                if number > MAX_ROWS:
                    raise InputError("file", f"has a sheet of more than {MAX_ROWS:,} rows.", next_step=_SAVE)
                yield Row(number, cells)
        except _DAMAGE:
            raise _damaged() from None

    def _cells(self, sheet: str) -> Iterator[Sequence[object]]:
        sheets = [one[sheet] for one in (self._sheets, self._formulas) if one]
        for one in sheets:
            one.reset_dimensions()  # what a sheet says of its size may be wrong, and is not needed
        if len(sheets) == 1:
            yield from sheets[0].iter_rows(values_only=True)
            return
        for cells, formulas in zip(*(one.iter_rows() for one in sheets), strict=True):
            yield [_result(cell, formula) for cell, formula in zip(cells, formulas, strict=True)]


def _result(cell: Any, formula: Any) -> object:  # noqa: ANN401 - the library has no types
    """What a cell holds. A formula whose result is an empty text is of the type "str", with no value."""
    unknown = formula.data_type == "f" and cell.value is None and cell.data_type != "str"
    return NoResult() if unknown else cell.value


def _load(copy: IO[bytes], results: bool) -> Any:  # noqa: ANN401 - the library has no types
    try:
        import openpyxl
    except ImportError:
        raise InputError("file", "is a workbook, and what reads them is not installed.", next_step=_INSTALL) from None
    warnings.filterwarnings("ignore", module="openpyxl")  # of styles and extensions, which are not read
    reader = openpyxl.reader.excel.ExcelReader(copy, read_only=True, data_only=results, keep_links=False)
    read_chart = reader.read_chartsheet

    def tried(*sheet: object) -> None:
        with suppress(AttributeError):  # raised last, where it has no drawing; and a sheet that is a chart has no rows
            read_chart(*sheet)

    reader.read_chartsheet = tried
    reader.read()
    return reader.wb


def _parts_of(parts: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The name of each sheet, with that of its part, if it has one."""
    from openpyxl.reader.workbook import WorkbookParser

    parser = WorkbookParser(parts, "xl/workbook.xml")
    parser.parse()
    names = set(parts.namelist())
    yield from ((sheet.name, part.target) for sheet, part in parser.find_sheets() if part.target in names)


def _check(parts: zipfile.ZipFile) -> None:
    """Refuse other kinds of zips, and what would fill the memory: a zip never unpacks to more than it says."""
    names = set(parts.namelist())
    for name, (what, step) in _KINDS.items():
        if name in names:
            raise InputError("file", what, next_step=step)
    if "xl/workbook.xml" not in names:
        raise InputError("file", "is a zip archive.", next_step="unpack it, and give the file inside.")
    for part in parts.infolist():  # any of them may be named as a sheet, whatever its own name
        sheet = _is_sheet(part)
        if part.file_size > (MAX_SHEET if sheet else MAX_PART):
            what = f"is a workbook that unpacks to more than {_mib(MAX_SHEET if sheet else MAX_PART)} in one part."
            raise InputError("file", what, next_step=_SAVE)
        _check_begin(parts, part)
        if sheet and part.file_size > MAX_LINE:
            _check_rows(parts, part)


def _check_begin(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse XML with a document type: nothing else can define entities, and no program puts one into a workbook."""
    begun: list[str] = []

    def doctype(*_: object) -> None:
        raise InputError("file", "is a workbook that defines XML entities.", next_step=f"open it, and {_SAVE}")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda name, _: begun.append(name)
    with parts.open(part) as xml, suppress(expat.ExpatError):  # a picture, or what the library finds to be damaged
        while not begun and (piece := xml.read(_BEGIN)):
            parser.Parse(piece)


def _check_rows(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse a row that would fill the memory, as the library reads rows whole."""
    since = 0
    with parts.open(part) as sheet:
        while piece := sheet.read(CHUNK):
            last = max((found.start() for found in _ROW.finditer(piece)), default=-1)
            since = len(piece) - last if last >= 0 else since + len(piece)
            if since > MAX_LINE:
                what = f"is a workbook with a row of more than {_mib(MAX_LINE)}."
                raise InputError("file", what, next_step=_SAVE)


def _is_sheet(part: zipfile.ZipInfo) -> bool:
    return part.filename.startswith(_SHEET) and part.filename.endswith(".xml")


def _tags(parts: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A part in pieces, none of which ends in the middle of a tag."""
    held = b""
    with parts.open(part) as xml:
        while piece := xml.read(CHUNK):
            whole, tag, rest = (held + piece).rpartition(b"<")
            yield whole
            held = tag + rest
    yield held


def _damaged() -> InputError:
    return InputError("file", "is a workbook that cannot be read: it is damaged.", next_step=f"open it, and {_SAVE}")


def _mib(size: int) -> str:
    return f"{size // 1024**2:,} MiB"
