"""What forms and templates leave behind in a setting that nobody filled in. Imports nothing that takes long."""

import re

_REFERENCE = re.compile(r"\$[{(A-Za-z_]|\{\{|^%\w+%|<[^<>]*>")
_NO_VALUES = frozenset({"undefined", "null", "none"})
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"


def is_blank(value: object) -> bool:
    """Whether a form or a template that nobody filled in gave this: it is as if it was not given."""
    return value is None or (isinstance(value, str) and not value.strip())


def left_behind(text: str) -> str:
    """What is wrong with a text that is not blank, and no value either; "" where nothing is."""
    if _REFERENCE.search(text) or text.strip().lower() in _NO_VALUES:
        return "is a place-holder that nothing was filled into; give the value itself, or leave it out"
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "has quotation marks around it; leave them out"
    return ""
