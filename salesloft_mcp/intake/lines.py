"""Bytes to lines of text: in UTF-8, in UTF-16, or in a Windows code page where it is plain which one."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.code_pages import NAMES, SAVE, plain_page

MAX_LINE = 16 * 1024**2  # characters; a row of several lines has the same limit
CHUNK = 2**17  # bytes that are read at once
SAMPLE = 2**20  # bytes that have to tell the code page
DOS_END = "\x1a"

Line = tuple[int, str]  # its number, and its text with the line end

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def lines_of(texts: Iterable[str], notes: list[str]) -> Iterator[Line]:
    """The numbered lines of a text that comes in pieces, without the mark by which DOS ended a file.

    Raises:
        InputError: a line over `MAX_LINE`.
    """
    number, held = 0, ""
    for text in texts:
        found = io.StringIO(held + text, newline="").readlines()
        # A carriage return at the end may be the first half of a line end.
        held = found.pop() if found and not found[-1].endswith("\n") else ""
        for number, line in enumerate(found, number + 1):  # noqa: B020 - goes on from the last one
            if len(line) > MAX_LINE:
                raise _too_long(number)
            yield number, line
        if len(held) > MAX_LINE:
            raise _too_long(number + 1)
    if held.endswith(DOS_END):
        notes.append("Skipped: the mark by which DOS ended a file (Ctrl-Z).")
        held = held.rstrip(DOS_END)
    if held:
        yield number + 1, held


def without_end(text: str) -> str:
    """What a text holds besides spaces; nothing where those are marks by which DOS ended a file."""
    return text.strip() if text.replace(DOS_END, "").strip() else ""


def texts_of(raw: BinaryIO, start: bytes, notes: list[str]) -> Iterator[str]:
    """The text that begins with `start` and goes on in `raw`, piece by piece, without the marks before it. `raw` is
    closed at the end. What was assumed and skipped is added to `notes`.

    Raises:
        InputError: it is no text, or not plainly so.
    """
    first = True
    with raw:
        for text in _decoded(raw, start, notes):
            if "\0" in text:
                what = "holds NUL characters, as no text does: it is damaged, or another kind of file."
                raise InputError("file", what, next_step="save it again as CSV, in UTF-8.")
            if first and text:
                bare = text.lstrip("\ufeff")
                if len(text) - len(bare) > 1:
                    notes.append("Skipped: a second mark of the byte order at its beginning.")
                text, first = bare, False
            yield text


def _decoded(raw: BinaryIO, start: bytes, notes: list[str]) -> Iterator[str]:
    """The text, with a mark of the byte order where it has one."""
    encoding = _marked(start)
    while not encoding and start.isascii():
        if not start:
            return
        yield start.decode("ascii")
        start = raw.read(CHUNK)
    if not encoding:
        start += filled(raw, SAMPLE - len(start))
        encoding = _unmarked(start)
    if encoding != "utf-8":
        notes.append(f"Read as {NAMES.get(encoding) or encoding[:6].upper()}, as it is not UTF-8.")
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while start:
            yield decoder.decode(start)
            start = raw.read(CHUNK)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        what = f"is not {NAMES.get(encoding) or encoding.upper()} text throughout."
        raise InputError("file", what.replace("UTF-8 text throughout", "UTF-8 text"), next_step=SAVE) from None


def filled(raw: BinaryIO, size: int) -> bytes:
    """So many bytes, unless the end comes first."""
    found = bytearray()
    while len(found) < size and (more := raw.read(size - len(found))):
        found += more
    return bytes(found)


def _marked(start: bytes) -> str:
    """The encoding by its mark, or UTF-16 by the zeros that every letter of English has in it."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    high, low = start[0:4096:2], start[1:4096:2]
    if low and low.count(0) > 0.6 * len(low) and not high.count(0):
        return "utf-16-le"
    return "utf-16-be" if low and high.count(0) > 0.6 * len(high) and not low.count(0) else ""


def _unmarked(start: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) < SAMPLE)
    except UnicodeDecodeError as error:
        # One that fails only after other characters of UTF-8 is UTF-8 that was damaged.
        good = re.search(rb"[\xc2-\xf4][\x80-\xbf]", start[: error.start])
        return "utf-8" if good else plain_page(start)
    return "utf-8"


def _too_long(number: int) -> InputError:
    return InputError("file", f"line {number} is longer than {MAX_LINE:,} characters.")
