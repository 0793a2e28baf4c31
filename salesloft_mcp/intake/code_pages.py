"""Pure: which Windows code page a text that is not UTF-8 is in, where that is plain.

Most bytes are letters in every page, and names are too short for the frequency of letters. So the three Latin pages
that people send are told apart by their words, and Windows-1252 is taken where they read as well in others. Other pages
are believed when the detector is sure.
"""

import codecs
import re
from collections import Counter
from collections.abc import Mapping
from itertools import islice

from charset_normalizer import from_bytes

from salesloft_mcp.errors import InputError

SAVE = 'save it as UTF-8 (in Excel: "CSV UTF-8").'

WESTERN, CENTRAL, TURKISH = "cp1252", "cp1250", "cp1254"
NAMES = {
    CENTRAL: "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    WESTERN: "Windows-1252 (Western European)",
    "cp1253": "Windows-1253 (Greek)",
    TURKISH: "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp932": "Windows-932 (Japanese)",
    "cp949": "Windows-949 (Korean)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
}
# The letters of languages besides a to z, and what none of them has. In names each word is of one language.
_ALPHABETS = {
    WESTERN: "àâæçèéêëîïôùûüÿœ äöüß áéíñóúü àáâãçéêíóôõúü àèéìíîòóù æøåéö åäöé éëïöüáó àçèéíïòóúü",
    CENTRAL: "ąćęłńóśźż áčďéěíňóřšťúůýž áäčďéíľĺňóôŕšťúýž áéíóöőúüű ăâîşţ čćđšž äöüß",
    TURKISH: "çğıöşü\u0307",
}
_LETTERS = {page: [set(one) for one in alphabets.split()] for page, alphabets in _ALPHABETS.items()}
_NEVER = {
    WESTERN: re.compile("ñ(?![aeiouáéíóúü])|œ(?![uid])|è[aeiouáéíóúý]|õ(?!e)|^ç[bdfghjklmnpqrstvwxz]"),
    CENTRAL: re.compile("ń[aeiouy]|ţ.*[kqwy]|[kqwy].*ţ|^ý|[bcdfghjklmnprstvwxz][źż][bcdfghjklmnprstvwxz]"),
    TURKISH: re.compile("(?<![aeıioöuü])ğ|[qwx]"),
}
# Marks that no word begins with, and quotes that none ends with; other pages have letters there.
_GLUED = re.compile("^[£¥©®ª][^\\W\\d_]{3}|[^\\W\\d_](?:[‚„‰]|‘$)")
# A quote or a long dash where words have none, as in García and Peña from an old Macintosh, whose í and ñ they are.
_ELISION = re.compile(
    "(?:^|(?<=[^a-z]))(?:[dljmnstc]|qu|(?:jus|lors|puis|pres)qu|aujourd|[dnasb]?[aeu]ll|un|sant|quest)’"
)
_ODD_JOINT = re.compile(
    "[A-Za-z](?:’(?!(?:[stdlm]|ll|[rv]e|am|clock)(?:[^A-Za-z]|$))|(?<![A-Za-z]{4})[–—]|[–—](?![a-z]{4}))(?=[a-z])"
)
_OR_TURKISH = re.compile(b"[\xd0\xdd\xde\xf0\xfe]|\xfd(?=[a-z])")  # letters of Romanian, Croatian and Czech as well
# Kana and the first level of kanji, and the syllables of Korean; and how many signs are plain.
_SIGNS = {
    "cp932": (re.compile(rb"[\x88-\x97][\x40-\xfc]|\x98[\x40-\x72]|[\x82\x83][\x40-\xf1]|\x81[\x40-\xac]"), 10),
    "cp949": (re.compile(rb"[\xb0-\xc8][\xa1-\xfe]"), 40),
}
_RIVALS = (*NAMES, "mac_roman", "mac_cyrillic", "koi8_r", "cp437", "cp850", "cp866", "euc_jp", "euc_kr")
_MARKS = "‘’“”‚„…–—•·´°ºª®™©«»‹›€£¥§±½¿¡µ‰"  # stand beside words
_JOINTS = str.maketrans("", "", "’´–—")  # stand in words
_WORD = re.compile(r"[A-Za-z\x80-\U0010ffff]+")
_A_TO_Z = set("abcdefghijklmnopqrstuvwxyz")
_FEW = 2  # different letters, for Turkish: others write one of them with the same byte
_SURE = 0.95  # of the words must read well
_USUAL = 0.9  # of the signs must be usual ones
_COHERENT = 0.4  # the detector's measure of how much letters are as frequent as in some language
_AHEAD = 0.05
_ENOUGH = 100  # bytes, for a page that is the only one in which they are text
_MAX_WORDS = 20_000


def plain_page(sample: bytes) -> str:
    """The code page that a text is plainly in, by a part of it that holds other bytes than ASCII.

    Raises:
        InputError: it is not plain.
    """
    scores = {page: _score(sample, page) for page in (WESTERN, CENTRAL, TURKISH)}
    best = max(scores, key=scores.__getitem__)  # the first of several
    if scores[best] >= _SURE and not _could_be_another(sample, best, scores):
        return best
    if page := _by_common_signs(sample) or _by_frequency(sample):
        return page
    what = "is not UTF-8 text, and it is not plain which other code page it is in."
    raise InputError("file", what, next_step=SAVE)


def _could_be_another(sample: bytes, best: str, scores: Mapping[str, float]) -> bool:
    """Whether what reads well in one page would read as well in another, in few or other letters."""
    if best == WESTERN:
        return _could_be_macintosh(sample.decode(WESTERN))
    if best == TURKISH:
        return len(_LETTERS[TURKISH][0] & set(sample.decode(TURKISH).lower())) < _FEW
    return best == CENTRAL and scores[TURKISH] == scores[CENTRAL] and _OR_TURKISH.search(sample) is not None


def _could_be_macintosh(text: str) -> bool:
    """Whether most of its words with other letters, quotes or dashes hold a quote or a dash where words have none."""
    words = list(islice((word for word in _WORD.findall(text) if not word.isascii()), _MAX_WORDS))
    usual = [word for word in words if not _ODD_JOINT.search(_ELISION.sub("", word))]
    inner = [one for word in usual if not (one := word.strip(_MARKS)).isascii()]
    return len(words) - len(usual) > sum(_reads_well(one.translate(_JOINTS), WESTERN) for one in inner)


def _score(sample: bytes, page: str) -> float:
    """The part of the words with other letters than a to z that read well; 0 for what is no text in that page."""
    try:
        text = sample.decode(page)
    except UnicodeDecodeError:
        return 0.0
    every = (word for match in _WORD.finditer(text) if not (word := match.group()).isascii())
    held = list(islice(every, _MAX_WORDS))
    glued = sum(_GLUED.search(word) is not None and word[0] != "‚" for word in held)
    found = [word.strip(_MARKS).translate(_JOINTS) for word in held]
    words = [word for word in found if len(word) > 1]
    letters = set("".join(words).lower())
    if words and not letters & _A_TO_Z:
        return 0.0  # of another alphabet
    good = sum(_reads_well(word, page) for word in words) - glued
    return good / len(words) if words else float("".join(found).isascii() and not glued)


def _reads_well(word: str, page: str) -> bool:
    """One word of one language, in usual case."""
    usual = word.isupper() or all(part[1:].islower() or len(part) < 2 for part in re.split("(?=[A-Z])", word))
    lower = word.lower()
    other = {one for one in lower if one > "\x7f"}
    return usual and not _NEVER[page].search(lower) and any(other <= letters for letters in _LETTERS[page])


def _by_common_signs(sample: bytes) -> str:
    """Japanese or Korean, where nearly all signs of its words are usual ones.

    Where these lie in the page, the other pages have rare signs, or none.
    """
    for page, (signs, enough) in _SIGNS.items():
        try:
            text = codecs.getincrementaldecoder(page)().decode(sample)  # the sample may end within a sign
        except UnicodeDecodeError:
            continue
        words = islice((word for word in _WORD.findall(text) if not word.isascii()), _MAX_WORDS)
        found = Counter("".join(words))
        usual = sum(times for sign, times in found.items() if signs.fullmatch(sign.encode(page)))
        if usual >= enough and usual >= _USUAL * found.total():
            return page
    return ""


def _by_frequency(sample: bytes) -> str:
    """The other page that the detector is sure of."""
    words = b"\n".join(re.findall(rb"[^\x00-\x20,;|\"]*[\x80-\xff][^\x00-\x20,;|\"]*", sample)[:_MAX_WORDS])
    found = list(from_bytes(words, cp_isolation=list(_RIVALS)))
    best = max(found, key=lambda match: match.coherence, default=None)
    if best is None:
        return ""
    rivals = [match.coherence for match in found if str(match) != str(best)]
    pages = [page for page in (best.encoding, *best.could_be_from_charset) if page in NAMES.keys() - _LETTERS.keys()]
    alone = not rivals and len(words) >= _ENOUGH
    ahead = best.coherence >= _COHERENT and best.coherence - max(rivals, default=0.0) >= _AHEAD
    return pages[0] if pages and (alone or ahead) else ""
