"""Pure: characters that nobody sees, that look like others, or that stand for others that were lost."""

import re
import unicodedata
from collections.abc import Sequence

# Default-ignorable characters of Unicode, and the few others that are drawn as nothing: Braille blank, null notehead.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SPACES = "\t-\r\x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u02d7\ufe58\ufe63\uff0d\u2796"
_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\uff07\u055a"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u02ba\u02ee\uff02"
# Capitals and small letters alike, so that case stays the only difference between two spellings in one script.
_LETTERS = {
    "АВСЕНІЈКМОРЅТХУавсеніјкморѕтху": "ABCEHIJKMOPSTXYabcehijkmopstxy",
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεζηικμνορτυχ": "ABEZHIKMNOPTYXabezhikmnoptyx",
}
_LATIN_OF = {ord(one): latin for alike, to in _LETTERS.items() for one, latin in zip(alike, to, strict=True)}
_ASCII_OF = _LATIN_OF | dict.fromkeys(map(ord, _DASHES), "-") | dict.fromkeys(map(ord, _QUOTES), "'")
_ASCII_OF |= dict.fromkeys(map(ord, _DOUBLE_QUOTES), '"')

_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")  # those whose letters pass for letters of another one
_STYLED = re.compile("[\uff01-\uff5e\uffe0-\uffe6\ufb00-\ufb06\U0001d400-\U0001d7ff\u2460-\u24ff]")
# What UTF-8 looks like when it is read as another code: in part of the text, or in all of it.
_MISREAD = re.compile(
    "[\u00c2\u00c3\u00d0\u00d1][\u00a0-\u00bf\u2018-\u203a\u20ac\u2122\u0152\u0153\u0160\u0161]"
    "|\u00e2\u20ac|\u00ef\u00bb\u00bf|\u00ef\u00bf\u00bd"
)
_BEYOND_ASCII = re.compile("[^\x00-\x7f]{2}")  # as many at least make one character of UTF-8
_GREEK_OR_CYRILLIC = re.compile("[\u0370-\u052f]")
_CODES = ("cp1252", "mac_roman", "cp437", "cp850")
# What can be told by one character.
_KINDS = {
    "an invisible character": _INVISIBLE,
    "a character that was lost": "\ufffd",
    "an unusual space": _SPACES,
    "a dash that is not the one of a keyboard": _DASHES,
    "a quote that is not the one of a keyboard": _QUOTES + _DOUBLE_QUOTES,
}
_UNUSUAL = re.compile(f"[{''.join(_KINDS.values())}]")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")


def visible(text: str) -> str:
    """The text without characters that are drawn as nothing. Spaces stay."""
    return text if text.isascii() else _HIDDEN.sub("", text)


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return not visible(text).strip()


def trimmed(text: str) -> str:
    """The text without invisible characters, and without spaces of any kind at its ends."""
    return visible(text).strip()


def plain(text: str) -> str:
    """The text with every character that looks like one of ASCII, or is a styled form of another, as that one."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_ASCII_OF)).translate(_ASCII_OF)


def odd_character(text: str) -> str:
    """Which character of an id looks as if it had got there by accident, in a few words; empty when none does."""
    if text.isalnum() and text.isascii():
        return ""
    if text != text.strip():
        return f"a space at its {'end' if text == text.lstrip() else 'beginning'}"
    if "  " in text:
        return "two spaces in a row"
    if text.isascii() and text.isprintable():
        return ""
    if found := _UNUSUAL.search(text):
        kind = next(words for words, characters in _KINDS.items() if re.match(f"[{characters}]", found[0]))
        return f"{kind} (U+{ord(found[0]):04X})"
    return "" if text.isascii() else _odd_letters(text)


def misread(text: str) -> str:
    """Of a text that lost characters, or was read in a wrong code, which of the two; empty of any other."""
    if text.isascii():
        return ""
    if "\ufffd" in text:
        return "a character that was lost (U+FFFD)"
    wrong = _BEYOND_ASCII.search(text) and any(_is_utf_8_read_as(code, text) for code in _CODES)
    return "letters that were read in a wrong character code" if wrong or _MISREAD.search(text) else ""


def _odd_letters(text: str) -> str:
    if cause := misread(text):
        return cause
    if _STYLED.search(text):
        return "full-width or styled characters"
    if digit := next((one for one in text if one.isdecimal() and one > "9"), ""):
        return f"a digit of another alphabet (U+{ord(digit):04X})"
    if not unicodedata.is_normalized("NFC", text) and len(unicodedata.normalize("NFC", text)) < len(text):
        return "an accent that is a character of its own"
    if not _GREEK_OR_CYRILLIC.search(text):
        return ""
    words = _WORD.findall(text)
    if _mixes_alphabets(words):
        return "letters of several alphabets that look alike"
    alone = all(len(word) == 1 and ord(word) in _LATIN_OF for word in words)
    return "may hold look-alike letters" if alone and re.search("[0-9]", text) else ""


def _is_utf_8_read_as(code: str, text: str) -> bool:
    try:
        return text.encode(code).decode("utf-8") != text
    except UnicodeError:
        return False


def _mixes_alphabets(words: Sequence[str]) -> bool:
    """Within a word, or in a word that only looks like one of the alphabet that the others are in."""
    scripts = [{script for one in word if (script := _script(one))} for word in words]
    if any(len(one) > 1 for one in scripts):
        return True
    return {"LATIN"} in scripts and any(all(ord(one) in _LATIN_OF for one in word) for word in words)


def _script(letter: str) -> str:
    script = unicodedata.name(letter, "").partition(" ")[0]
    return script if script in _SCRIPTS else ""
