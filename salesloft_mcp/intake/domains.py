"""Pure: domains and their hosts. One host has many spellings: a URL, with `www.`, in its own letters or in ASCII."""

import re
import unicodedata

import idna

AROUND = " \t\"'<>()[]{},;:|"  # signs that stand around what is meant
SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
_LABEL = r"(?!-)[\w-]{1,63}"
HOST = re.compile(rf"(?:{_LABEL}[.])+(?=\w*[^\W\d])(?=..){_LABEL}")
MOST_SPELLINGS = 6  # of a domain that are worth a look-up each

_PATH = re.compile(r"[/?#\\]")
# Sites on which many companies have a page, some with a part for a language or a country before them.
_OF_MANY = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{2})?[.])?(?:linkedin|facebook|instagram|xing|crunchbase|twitter|youtube|wikipedia|yelp)[.]"
    r"(?:com|org)|x[.]com|(?:sites|maps|docs)[.]google[.]com|google[.]com|linktr[.]ee|bit[.]ly|goo[.]gl"
)
_END = re.compile(rf"(?::[0-9]+|[.{re.escape(AROUND)}])+\Z")  # a port, and signs
_WWW = re.compile(r"\A(?:www[.])+(?=[^.]+[.])")


def bare(text: str) -> str:
    """The host that a domain or a URL names, in small letters, without port and `www.`; letters beyond ASCII stay."""
    address = _small(text).strip().strip(AROUND)
    scheme = SCHEME.match(address)
    name = _PATH.split(address[scheme.end() :] if scheme else address, maxsplit=1)[0].rpartition("@")[2]
    return _WWW.sub("", _END.sub("", name).lstrip(f".{AROUND}"), count=1)


def host(text: str) -> str:
    """The host that a domain or a URL names, in ASCII: one spelling for all of them.

    `https://www.Trainers.test/en-gb/` is `trainers.test`, and `münchen.test` is `xn--mnchen-3ya.test`.
    """
    return in_ascii(bare(text))


def of_many(text: str) -> bool:
    """Whether it is a page on a site of many, such as LinkedIn, whose domain is not that of the company."""
    name = bare(text)
    return _OF_MANY.fullmatch(name) is not None and text.lower().partition(name)[2].strip("/ ") != ""


def in_ascii(name: str) -> str:
    """The name of a host in small letters, each label that has other letters than those of ASCII as `xn--…`.

    It is lenient: a label that the registries would refuse, such as one with an emoji, has its form, too.
    """
    return name.lower() if name.isascii() else ".".join(map(_ascii, _small(name).split(".")))


def in_letters(name: str) -> str:
    """The name of a host in small letters, each label `xn--…` in its own letters."""
    return ".".join(map(_letters, _small(name).split(".")))


def spellings(domain: str) -> list[str]:
    """Other ways in which Salesloft may hold this domain, the likeliest first. Its filter takes one, exactly."""
    name = host(domain)
    letters = in_letters(name)
    hosts = list(dict.fromkeys([name, f"www.{name}", letters, f"www.{letters}"]))
    sites = [f"https://www.{name}", f"https://{name}", f"https://www.{name}/", f"https://{name}/"]
    return [one for one in [*hosts, *sites] if one != domain.lower()][:MOST_SPELLINGS] if name else []


def _small(name: str) -> str:
    """In small letters, and without forms that only look otherwise. ß stays, as the rules of 2008 have it."""
    if name.isascii():
        return name.lower()
    try:
        return idna.uts46_remap(name, std3_rules=False, transitional=False).strip()
    except idna.IDNAError:
        return unicodedata.normalize("NFKC", name).lower().strip()  # a sign of its own may become a space with one


def _ascii(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _letters(label: str) -> str:
    """Only where they lead back to the label: `xn--harbor-foods-` is no other form of `harbor-foods`."""
    try:
        letters = label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else ""
    except UnicodeError:
        return label
    return letters if letters and _ascii(_small(letters)) == label else label
