"""Which values of a configuration may be secrets, so that a change can be shown without them."""

import re

MASK = "***"

# What is longer is never shown: no line of a change is, and programs keep whole conversations in their files.
_LONGEST = 2_000
_NAME = re.compile(r"key|token|secret|passw|auth|credential|bearer|cookie|(?:^|_)pat(?:$|_)", re.IGNORECASE)
_FOLDERS = frozenset({"env", "headers", "http_headers"})
_REFERENCE = re.compile(r"\$\{[^}]+\}|\$[A-Z_][A-Z0-9_]*")
_TOKEN = re.compile(
    r"://[^/\s@]+:[^/\s@]+@"  # a user name and password in an address
    r"|://\S+/(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{24,}"  # addresses with a key in their path
    r"|\beyJ[\w-]{8,}\."  # a JSON Web Token
    # Long words of letters and digits, as tokens are; no part of a path of files, and no commit.
    r"|(?<![\w/\\.@-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}(?![\w/\\.-])"
)
# A header, an assignment, a parameter of an address; what follows may be a reference.
_ASSIGNED = re.compile(r"(?<![-\w])([-\w]+)\s*[=:]\s*(?![\s$/\\])")


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name may be a secret."""
    return name in _FOLDERS or bool(_NAME.search(name))


def is_flag(word: object) -> bool:
    """Whether this argument of a command says that the next one is a secret."""
    return isinstance(word, str) and word.startswith("-") and "=" not in word and bool(_NAME.search(word))


def is_secret_value(value: str, *, named: bool) -> bool:
    """Whether this text may be a secret; `named` where a name says so. References to a secret are none."""
    if not value or _REFERENCE.fullmatch(value):
        return False
    if named or len(value) > _LONGEST:
        return True
    return any(_NAME.search(name) for name in _ASSIGNED.findall(value)) or bool(_TOKEN.search(value))
