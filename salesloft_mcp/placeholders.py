"""What forms and templates leave behind in a setting that nobody filled in. Imports nothing that takes long."""

import re
import unicodedata

_REFERENCE = re.compile(
    r"""
    \$[{(A-Za-z_] | \{\{ | <[^<>]*>   # shells, Compose, hosts; templates; what a person should have replaced
    | %[A-Za-z_][A-Za-z0-9_]{2,}%      # Windows; in an address %2F and its like are no names
    | ^(\{.*\} | \[.*\] | \#\{.*\}\#? | __\w+__ | @\w+@ | @@\w+@@)$   # the MCP registry, tools that deploy
    | ^op://                           # 1Password, where `op run` was left out
    """,
    re.VERBOSE,
)
_NO_VALUES = frozenset({"undefined", "null", "none"})
_QUOTES = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\uff02\uff07"
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})  # line breaks, a byte order mark, spaces of all kinds


def is_blank(value: object) -> bool:
    """Whether a form or a template that nobody filled in gave this: it is as if it was not given."""
    return value is None or (isinstance(value, str) and not value.strip())


def left_behind(text: str) -> str:
    """What is wrong with a text that is not blank, and no value either; "" where nothing is."""
    if _REFERENCE.search(text) or text.strip().lower() in _NO_VALUES:
        return "is a place-holder that nothing was filled into; give the value itself, or leave it out"
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "has quotation marks around it; leave them out"
    if unicodedata.category(text[0]) in _UNSEEN or unicodedata.category(text[-1]) in _UNSEEN:
        return "has a space, a line break or a character that nobody sees before or after it; copy it again without"
    return ""
