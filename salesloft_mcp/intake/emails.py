"""Pure: e-mail addresses: how they are taken out of a text, and compared: in small letters, in one form of a domain."""

import re

from salesloft_mcp.intake.characters import misread, odd_character
from salesloft_mcp.intake.domains import HOST, in_ascii, in_letters

_SIGNS = "\"'=()[]{}"  # around an address
_LOCAL = re.compile(r"""(?![.'])[^\s<>,;|/:"()\[\]{}=@]+(?<![.'])""")
_BRACKETED = re.compile(r"<([^<>]*@[^<>]*)>")
_REMARK = re.compile(r"(?:\A|(?<=\s))\([^()@]*\)(?=\s|\Z)")
_QUERY = re.compile(r"(mailto:[^\s?<>]*)[?][^@<>]*")
# A link to an address as Markdown, a web page, a spreadsheet and a chat write it, each with what is shown of it.
_LINKS = (
    re.compile(r"\[(?P<shown>[^][]*)\]\(mailto:(?P<to>[^()\s]+)\)"),
    re.compile(r"""<a\s[^<>]*href=["']mailto:(?P<to>[^"'<>]+)["'][^<>]*>(?P<shown>[^<>]*)</a>"""),
    re.compile(r"""=hyperlink\("mailto:(?P<to>[^"]+)"[,;]\s*"(?P<shown>[^"]*)"\)"""),
    re.compile(r"<mailto:(?P<to>[^<>|]+)\|(?P<shown>[^<>|]*)>"),
)
_NOBODY = {
    *("unknown", "none", "null", "noemail", "nomail", "na", "nan", "undefined", "notprovided", "notavailable"),
    *("emailnotunlocked", "test", "email", "example", "domain"),
}
_NAMES = {"na", "nan", "test", "email", "example", "domain"}  # of people, or of mailboxes, as well
_NO_LETTER = re.compile(r"[\W_]")
_FILE = re.compile(r"[.](?:png|jpe?g|gif|svg|webp|css|js|html?|pdf)\Z")  # scraped from a page: logo@2x.png
_CODED = re.compile("%[0-9a-f]{2}|u00[0-9a-f]{2}|x3[ce]")  # a space, or the < before it
_BETWEEN = re.compile(r"[\s,;|/<>]+")


def addresses_in(text: str) -> tuple[list[str], str]:
    """The addresses of a text in small letters, and what is beside them: text that stands for a name, or signs.

    An address begins and ends where the text does, or at a sign that separates: what is left of a damaged one may be
    the address of somebody else. Words beside an address are a name only where the address stands in `<>`, or they in
    brackets. There are none when anything else is beside them.
    """
    small = text.lower()
    for link in _LINKS if "mailto:" in small else ():
        small = link.sub(r"\g<shown> <mailto:\g<to>>", small)
    small = _QUERY.sub(r"\1", small)
    bracketed = _BRACKETED.findall(small)
    plain = _BRACKETED.sub(" ", small) if bracketed else _REMARK.sub(" ", small)
    words = [word for word in _BETWEEN.split(plain) if re.search(r"\w", word)]
    if bracketed:
        words = [word for word in words if "@" in word]  # what else there is, is a name
    found = [_bare(one) for one in [*bracketed, *words]]
    whole = [one for one in found if is_address(one)]
    several = len({compared(one) for one in whole}) > 1
    if not several and len(whole) < len(found):
        return [], small
    beside = small
    for one in whole:
        beside = beside.replace(one, "")
    return whole, beside.strip()


def is_address(text: str) -> bool:
    """Whether the whole of it is an address, on a host with a dot in its name."""
    local, _, name = text.rpartition("@")
    return bool(_LOCAL.fullmatch(local) and HOST.fullmatch(name))


def _bare(word: str) -> str:
    """A word without `mailto:` and the signs around it."""
    return word.strip().strip(_SIGNS).removeprefix("mailto:").strip(_SIGNS).removesuffix(".")


def compared(address: str) -> str:
    """One spelling for all of an address: in small letters, its domain in ASCII."""
    local, at, name = address.strip().lower().rpartition("@")
    return f"{local}{at}{in_ascii(name)}"


def forms(address: str) -> tuple[str, ...]:
    """The spellings in which Salesloft may hold an address: with its domain in ASCII, and in its own letters."""
    local, at, name = address.strip().lower().rpartition("@")
    return tuple(dict.fromkeys(f"{local}{at}{form}" for form in (in_ascii(name), in_letters(name))))


def of_nobody(address: str) -> str:
    """What an address in small letters is that cannot be of a person, in words that follow it; empty for all others.

    A word for nothing stands before the @, and where that may be a name as well, behind it, too.
    """
    local, _, name = address.rpartition("@")
    word = _NO_LETTER.sub("", local)
    if word in _NOBODY and (word not in _NAMES or name.partition(".")[0] in _NOBODY):
        return "is a placeholder, not the address of a person"
    if "**" in address:
        return "is an address of which a program hid a part"
    if name.endswith(".invalid"):
        return "is an address of a Salesforce sandbox, with .invalid at its end"
    if _FILE.search(name):
        return "is the name of a file, not an address"
    if _CODED.match(local):
        return "begins with a character that is written as a code"
    cause = "" if address.isascii() else odd_character(local) or misread(address)
    return f"is no e-mail address: {cause}" if cause else ""
