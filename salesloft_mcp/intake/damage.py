"""Pure: the shapes that programs leave where a value was: words for nothing, errors, a spreadsheet's numbers and dates.

Ids of every kind pass here, so a shape is told only where it fits the whole text, and an id hardly ever looks like it.
"""

import re
import unicodedata

from salesloft_mcp.intake.near import ENTITY, ESCAPED, is_salesforce, salesforce_18
from salesloft_mcp.intake.totals import says_total

# One of 16 digits ends so by chance in a tenth of all: there, and where several numbers are at hand, these decide.
KEPT_15 = "a number of which a spreadsheet kept 15 digits"
MASKED = "a value of which a program hid a part"
GUARD = "the sign by which a spreadsheet marks text or a formula"
CUT = 255  # characters: the most that many columns hold

# Words for nothing in the languages of spreadsheets, and heads of columns, without accents and what stands in between.
_WORDS_FOR_NOTHING = (
    "null none nil nan na nat nd nv ka void empty blank missing undefined unknown unassigned unspecified unavailable "
    "notavailable notapplicable notset notfound notprovided notspecified notknown novalue nodata noid nothing default "
    "dummy placeholder test testing tbd tba tbc todo pending inf infinity nanind loading id externalid "
    "keine keiner kein leer unbekannt nichtvorhanden nichtverfugbar fehlt inconnu neant vide aucun aucune "
    "nondisponible desconocido ninguno nulo vacio sindatos nodisponible sconosciuto vuoto nessuno nondisponibile "
    "nenhum desconhecido vazio onbekend leeg geen okand saknas ukjent brak nieznany нет пусто неизвестно"
)
_NOTHING = frozenset(_WORDS_FOR_NOTHING.split())
_MARKS_FOR_NOTHING = {"\\n", "\\\\n", "s/d", "s/n"}
_TRUE_OR_FALSE = {"true", "false", "wahr", "falsch", "vrai", "faux", "verdadero", "falso", "vero", "verdadeiro"}
_BETWEEN = re.compile(r"""[\s_./\\()\[\]<>{}"'*?!:;,#…-]+""")

_MONTHS = (
    "jan(?:uary)? feb(?:ruary)? mar(?:ch)? apr(?:il)? may june? july? aug(?:ust)? sept?(?:ember)? oct(?:ober)? "
    "nov(?:ember)? dec(?:ember)? januar februar märz? mrz mai juni juli okt(?:ober)? dez(?:ember)? "
    "janv(?:ier)? févr(?:ier)? mars avr(?:il)? juin juil(?:let)? août déc(?:embre)? ene(?:ro)? abr(?:il)? "
    "ago(?:sto)? dic(?:iembre)?"
)
_MONTH = f"(?i:{'|'.join(_MONTHS.split())})[.]?"
_DAY, _OF_YEAR, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "(?:19|20)[0-9]{2}"
_SECONDS = "[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
_HOUR = "(?:[01][0-9]|2[0-4]):[0-5][0-9]"
_CLOCK = rf"(?:{_SECONDS}|[0-9]{{1,2}}:[0-9]{{2}})\s?(?:[AaPp][Mm]|Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
_DATE = "|".join(
    (
        f"[0-9]{{4}}[-/.]{_OF_YEAR}[-/.]{_DAY}",
        f"(?:{_DAY}[-/.]{_OF_YEAR}|{_OF_YEAR}[-/.]{_DAY})[-/.]{_YEAR}",
        f"(?:{_DAY}/{_OF_YEAR}|{_OF_YEAR}/{_DAY})/[0-9]{{2}}|[0-3][0-9][.][01][0-9][.][0-9]{{2}}",
        f"{_DAY}[.]?[- ]{{1,2}}{_MONTH}(?:[-, ]{{1,2}}(?:{_YEAR}|[0-9]{{2}}))?",
        f"{_MONTH}(?: {_DAY},)?[- ]{_YEAR}",
        f"(?![A-Z]{{2}}){_MONTH}[- ][0-9]{{2}}",  # Jan-24 or jan-24; capitals, as in DEC-24, are more often an id
    )
)
_GROUPS = "(?:,[0-9]{3})+|(?:'[0-9]{3})+|(?: [0-9]{3}){2,}|(?:[.][0-9]{3}){2,}"
_AMOUNT, _MONEY = "[+-]?[0-9][0-9.,' ]*", "(?:[$€£¥₹]|EUR|USD|GBP|CHF|JPY)"
_ERROR = "N/?A|N/?D|N/?V|Н/?Д|I/?T|BRAK|YOK|REF|VALUE|NAME|NUM|NULL|DIV/0|GETTING_DATA"

# The first that fits the whole text is the cause.
_SHAPES = {
    "the error of a spreadsheet cell": (rf"#(?i:{_ERROR})", r"#[¡¿]?[^\W\d_]\S*[!?]", "##+", "Err:[0-9]{3}"),
    "a placeholder": (
        r"(?i:urn:)?(?i:uuid:)?[{(]?(?:(?i:0{8}(?:-?0{4}){3}-?0{12})|(?i:f{8}(?:-?f{4}){3}-?f{12}))[)}]?",
        "0{15}(?i:AAA)",
    ),
    "a date that stands for none": (
        rf"(?:0000-00-00|1900-01-00|0?1/0?0/(?:19)?00|0?0[./]0?1[./](?:19)?00)(?:[T ]{_CLOCK})?",
    ),
    "a number that a program could not work out": ("[+-]?[0-9][.]#(?:IND|[QS]?NAN|INF)[0-9]*",),
    "a list or an object of a program": (
        "Array",
        r".*\[object \w+\].*",
        r"""[\[{]\s*["'].*[\]}]|\[[\[{].*\]""",
        r"b'.*'",
        r"\[[0-9]+(?:, ?[0-9]+)*\]",
        r"""[A-Z]\w*\((?:\w+=|["']).*\)""",  # ObjectId("…"), UUID('…'), Contact(id=1)
        r"System[.](?:Object|String|DBNull|Data[.]\w+|\w+\[\])(?:\[\])?",
    ),
    "a template that was not filled": (
        *(r".*\$\{[^}]*\}.*", r".*\{\{.*\}\}.*", r"[#%$]?\{\w?[A-Za-z_ .]*\}", r"%[sd]", "%%?[A-Za-z_]+%%?"),
        *(r"<%?=?[A-Za-z_ ]+%?>", r"\[[A-Za-z_ ]+\]", r"\$[A-Z_]+", r"\*\|\w+\|\*", "__[A-Za-z_]+__"),
    ),
    GUARD: ("=[^=].*", "'.*"),
    MASKED: (r"(?=[^0-9A-Za-z]*[0-9A-Za-z])[0-9A-Za-z ._@-]*\*{3}[0-9A-Za-z ._@*-]*",),
    "a link, not the id alone": (r"\[[^\]]*\]\([^()\s]+\)",),
    "a tag of a web page": (r".*</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>.*", ".*<!--.*"),
    "quotes around it": ('".*"',),
    "a number that a spreadsheet shortened": (
        *("[+-]?[0-9]+[.,][0-9]*[Ee][+-]?[0-9]+", r"[+-]?[0-9]{1,3}[Ee]\+[0-9]+", "[+-]?[1-9][Ee]-[0-9]{2,3}"),
    ),
    "a number with .0 at its end": ("[+-]?[0-9]+[.,]0{1,2}",),
    "a number with the rounding of a program": ("[+-]?[0-9]+[.,][0-9]{10,}",),
    KEPT_15: ("[+-]?[1-9][0-9]{14}00+",),
    "a number with thousands separators": (
        rf"(?!(?:[0-9]+[.]){{3}}[0-9]+\Z)[+-]?[0-9]{{1,3}}(?:{_GROUPS})(?:[.,][0-9]+)?",
        "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}",
    ),
    "an amount, not a plain number": (
        rf"(?![A-Z]{{3}}[0-9]+\Z){_MONEY}\s?{_AMOUNT}",
        rf"{_AMOUNT}(?:%|{_MONEY})",
        rf"\({_AMOUNT}\)",
    ),
    "a date or a time": (
        rf"(?:{_DATE})(?:[T, ]{{1,2}}{_CLOCK})?",
        _SECONDS,
        _HOUR,
        r"[0-9]{1,2}:[0-9]{2}\s?[AaPp][Mm]",
    ),
    "only zeros": ("[+-]?0+",),
    "one letter again and again": ("[Xx]{2,9}", "[Zz]{3,9}"),
    "no letter and no digit": (r"[\W_]+",),
}
_CAUSES = list(_SHAPES)
_SHAPE = re.compile("|".join(f"(?P<s{number}>{'|'.join(one)})" for number, one in enumerate(_SHAPES.values())), re.S)
_FOR_NOTHING = {*_CAUSES[:6], *_CAUSES[-3:]}
# What is damage in any field of a record, and what programs write there for no value; people type most of the others.
IN_FIELDS = {*_CAUSES[:6], "a number that a spreadsheet shortened"}
NO_VALUE = {
    *("NULL", "null", "nan", "NaN", "NaT", "undefined", "None", "none", "N/A", "n/a", "N/a", "\\N", "\\\\N"),
    *("Loading...", "Loading…", "∅"),
}
PLAIN_FIELD = re.compile(
    "[A-Za-z](?:[A-Za-z ,'&@:.-]*[A-Za-z.])?|[A-Za-z0-9](?:[A-Za-z0-9 ,'&@]*[A-Za-z0-9])?|[+(]?[0-9][0-9() ]*"
)  # most of them, for speed
# Before what a spreadsheet would run or change, but not before a name such as 's-Hertogenbosch.
GUARDED = re.compile(
    r"""'[=+@-][\w"(].*|'[0-9][0-9 ()./-]{3,}|=(?:"|[+(-]|[A-Za-z.]+[0-9]*[(!|]).*"""
    r"|=[A-Za-z]{1,3}[0-9]+(?:[-+*/&:].*)?",
    re.DOTALL,
)
MASKED_NUMBER = re.compile(r"(?=[^0-9]*[0-9])(?=(?:[^0-9*]*[0-9*]){7})[0-9()+ ./-]*\*{2}[0-9()+ ./*-]*")
# Line ends and tabs as databases write them into text: O\'Brien, VP Sales\nEMEA. A login such as CORP\nancy is none.
_ESCAPED_END = re.compile(r"\\r\\n|(?<=[a-z.,;:!?)\s])\\[nrt](?=[A-Z\s(-]|\Z)")
NO_VALUE_IN_SIGNS = re.compile(r"""[<(\["'](?i:null|nil|na|n/a|nan|none|blank|empty|undefined)[>)\]"']""")
_DIGIT = re.compile("[0-9]")
_CODE = re.compile(
    r"_x[0-9A-Fa-f]{4}_|\\['\"/]|\\u(?![0-9]{5,}\Z)[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}"
)  # but no CORP\u123456
# Most ids and keys, for speed: numbers, letters before a number (but for a month before a year), long mixtures of
# letters and digits (but for an amount with its currency), GUIDs, e-mail addresses. None is a shape or a word of above.
_ORDINARY = re.compile(
    r"0*[1-9][0-9]{0,14}|(?![A-Za-z]{3,9}-[0-9]{2}(?:[0-9]{2})?\Z)[A-Za-z]{1,40}[_-]?[0-9]{1,40}"
    r"|(?=[0-9]+[A-Za-z]|[A-Za-z]+[0-9])(?![0-9]+[A-Z]{3}\Z)[0-9A-Za-z]{10,40}"
    "|(?!0{8}-|[Ff]{8}-)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){4}[0-9A-Fa-f]{8}|[A-Za-z][A-Za-z0-9.]{0,60}@[A-Za-z0-9.-]{1,60}"
)


def damage(text: str) -> str:
    """What a program did to an id, in a few words; empty where it looks like an id."""
    if len(text) in (15, 18) and (is_salesforce(text) or _begins_like_salesforce(text)):
        fits = len(text) == 15 or salesforce_18(text[:15]) == text
        return "" if fits else "its last three characters do not fit the rest"
    if _ORDINARY.fullmatch(text) and len(text) != CUT:
        return ""
    if cause := shape(text) or _word(text):
        return cause
    if len(text) <= 40 and says_total(text):
        return "a word for a total"
    if cause := written_as_code(text):
        return cause
    if "%" in text and "://" not in text and ESCAPED.search(text):
        return "a character that is written as a code"
    if text.strip(",;") != text:
        return f"a sign that separates values, at its {'end' if text[0] not in ',;' else 'beginning'}"
    if text.endswith(("...", "…")):
        return "dots at its end, where it was cut"
    return f"it may have been cut at {CUT} characters" if len(text) == CUT else ""


def ends_as_if_kept(number: str) -> bool:
    """Whether a number ends as if a spreadsheet had kept 15 digits of it, which by itself may be chance."""
    return len(number) > 15 and number.isdecimal() and number[0] != "0" and not number[15:].strip("0")


def written_as_code(text: str) -> str:
    """Whether a character stands in it as XML, JSON, a database or a workbook writes it, in the words that say so; else
    empty.
    """
    coded = ("&" in text and ENTITY.search(text)) or _CODE.search(text) or _ESCAPED_END.search(text)
    return "a character that is written as a code" if coded else ""


def placeholder(text: str) -> str:
    """Why a text stands for no value at all, in a few words; empty where it may be one."""
    if _ORDINARY.fullmatch(text):
        return ""
    return cause if (cause := shape(text)) in _FOR_NOTHING else _word(text)


def _begins_like_salesforce(text: str) -> bool:
    """Whether it is as long as its 18 characters, of which the last three need not be what they are in any such id."""
    return text.startswith("00") and text.isascii() and text.isalnum() and is_salesforce(text[:15])


def _word(text: str) -> str:
    if len(text) > 30 or _DIGIT.search(text):
        return ""
    bare = _BETWEEN.sub("", text).casefold()
    if not bare.isascii():
        bare = "".join(one for one in unicodedata.normalize("NFD", bare) if not unicodedata.combining(one))
    if bare in _TRUE_OR_FALSE:
        return "true or false, not an id"
    return "a word for nothing" if bare in _NOTHING or text.lower() in _MARKS_FOR_NOTHING else ""


def shape(text: str) -> str:
    """What the whole text is, in a few words, where it is one of the shapes that programs leave; else empty."""
    found = _SHAPE.fullmatch(text)
    return _CAUSES[int(str(found.lastgroup)[1:])] if found else ""
