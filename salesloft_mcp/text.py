"""Text from elsewhere, made safe to show to a person or a model, and the nearest right name for a wrong one."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import SequenceMatcher, get_close_matches
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, ValidationInfo, WithJsonSchema, field_validator

# Cc control, Cf format (bidi overrides, zero-width, tag characters), Co private, Cs surrogate, Zl/Zp separators.
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
SHOWN_NAMES = 12
SLIP = 0.85  # how alike a name and a slip of the pen are
SHOWN_WORDS = 20
SHOWN_CHARACTERS = 6_000  # of the values of one record; an answer holds them twice, old and new


def escaped(text: str) -> str:
    """`text` on one line: every character that hides, breaks or reorders text is written as its code point.

    Two texts that differ stay different: what looks like such a code point already has its backslash written as one.
    """
    if text.isascii() and text.isprintable() and "\\u{" not in text:
        return text
    chars = text.replace("\\u{", "\\u{5c}u{")
    return "".join(f"\\u{{{ord(one):x}}}" if unicodedata.category(one) in _HIDDEN else one for one in chars)


def utc(at: float) -> str:
    """A time in seconds since 1970, for people and programs: UTC, to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_named(name: str, typed: str) -> bool:
    """Whether a person has typed a name. Nobody can type what does not show: a blank at an end of it, in which of two
    forms an accent is kept, and a hidden character but as it is shown.
    """
    shown = {unicodedata.normalize("NFC", one) for one in (name.strip(), escaped(name), escaped(name.strip()))}
    return typed == name or unicodedata.normalize("NFC", typed) in shown - {""}


def quoted(text: str, limit: int = 80) -> str:
    """`text` escaped and in double quotes, so that it cannot pass for our words.

    A text of more than `limit` characters is cut, and its length and a short digest tell it from one that begins alike.
    """
    safe = escaped(text).replace('"', "'")
    return f'"{safe}"' if len(safe) <= limit else f'"{safe[: limit - 1]}…" ({_measured(text)})'


def shortened(text: str, limit: int = 200) -> str:
    """`text` escaped; of a longer text than `limit` characters its beginning, its length and a short digest."""
    safe = escaped(text)
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}… ({_measured(text)})"


def safe(value: Any, show: Callable[[str], str] = escaped, nulls: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """The same value with every text in it made safe to show, and without what is null unless `nulls` are wanted."""
    if isinstance(value, str):
        return show(value)
    if isinstance(value, dict):
        kept = ((name, one) for name, one in value.items() if nulls or one is not None)
        return {escaped(str(name)): safe(one, show, nulls) for name, one in kept}
    return [safe(one, show, nulls) for one in value] if isinstance(value, list | tuple) else value


class View(BaseModel):
    """What is shown. Every text is made safe when it comes in; the fields named in `ours` hold words of ours alone,
    in which other text is quoted already.
    """

    model_config = ConfigDict(from_attributes=True)
    ours: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="after")
    @classmethod
    def _made_safe(cls, value: Any, field: ValidationInfo) -> Any:  # noqa: ANN401 - whatever a field holds
        return value if field.field_name in cls.ours else safe(value)

    def data(self) -> dict[str, Any]:
        """For programs. What is as it goes without saying is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)


def some(words: Sequence[str], most: int = SHOWN_WORDS) -> list[str]:
    """The first of these, and how many more there are."""
    return list(words) if len(words) <= most else [*words[:most], f"{len(words) - most} more"]


def within(value: JsonValue, room: int) -> JsonValue:
    """`value` in about so many characters of JSON: of long lists and objects their beginning, and how many more there
    are.
    """
    if not isinstance(value, dict | list) or len(json.dumps(value)) <= room:
        return value
    entries = list(value.items()) if isinstance(value, dict) else [("", one) for one in value]
    kept: dict[str, JsonValue] = {}
    for number, (name, one) in enumerate(entries):
        part = within(one, room // 2)
        room -= len(json.dumps([name, part]))
        if room < 0:
            more = f"{len(entries) - number} more"
            return {**kept, "…": more} if isinstance(value, dict) else [*kept.values(), f"… {more}"]
        kept[name if isinstance(value, dict) else str(number)] = part
    return kept if isinstance(value, dict) else list(kept.values())


# Values as an object, made safe to show, long texts and long lists shortened and nulls kept.
Shown = Annotated[
    Mapping[str, JsonValue],
    BeforeValidator(lambda values: within(safe(dict(values), shortened, nulls=True), SHOWN_CHARACTERS)),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]


def whole_number(text: str, digits: int = 18) -> int | None:
    """The number that at most so many ASCII digits stand for; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ "did you mean email_address?", or what there is when nothing is near. A name that holds every word of the wrong
    one is nearer than one that shares letters with it: of several such, the shortest three are told.
    """
    names = sorted(known)
    by_small = {_bare(one): one for one in names}
    holding = sorted((one for one in by_small if _words(name) <= _words(one)), key=len)[:3] if _words(name) else []
    close = get_close_matches(_bare(name), by_small, n=1, cutoff=0.5)
    if close and (not holding or SequenceMatcher(None, _bare(name), close[0]).ratio() > SLIP):
        holding = close
    if holding:
        *others, last = (by_small[one] for one in holding)
        return f"did you mean {' or '.join([', '.join(others), last] if others else [last])}?"
    more = ", …" if len(names) > SHOWN_NAMES else ""
    return f"there are {', '.join(names[:SHOWN_NAMES])}{more}." if names else "there are none."


def _words(name: str) -> set[str]:
    return set(_bare(name).replace("_", " ").split())


def _bare(name: str) -> str:
    """A name as it is compared: quotes make any two look alike."""
    return name.lower().strip('"')


def _measured(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{len(text)} characters, SHA-256 {digest[:8]}"
