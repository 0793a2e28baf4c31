"""Which field each column means: the heads of a file, or the keys of a JSON object, held against the fields wanted."""

import json
import re
import shlex
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from salesloft_mcp.errors import InputError
from salesloft_mcp.text import did_you_mean, escaped, quoted

EXTERNAL_ID = "external_id"
COLUMNS, MAP = "columns", "--map"  # what says which field a column is, in a call and at a terminal
SHOWN_COLUMNS = 12
MOST_TYPED = 80  # characters of a head that somebody may type
MANY_SHAPES = 1_000  # different lists of keys of JSON rows that are remembered
_SEPARATORS = frozenset(" _-.")  # R writes a dot where a space was
_DROPPED = ("Cf", "Cc", "Zs", "Pd")  # categories of characters without which heads are compared
_MARK = re.compile(r"[([{*].*|:(?:string|text|str|varchar|int|id)\w*\Z", re.IGNORECASE)  # Email*, Contact Id (18)
_RIVALS = {"jobtitle": "title"}  # beside a column of this, which holds Mr. and Ms. in address books
# Parts of heads that hint at a key, where a table has none by its own name.
_HINTS = {
    "email": ("mail", "courriel", "correo"),
    "domain": ("domain", "website", "webseite", "homepage"),
    "crm_id": ("salesforce", "sfdc", "crm", "contactid", "leadid", "accountid", "casesafeid"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which fields rows may have, and which of them they need."""

    names: frozenset[str]  # fields by their own names
    aliases: Mapping[str, str] = field(default_factory=dict)  # other heads that plainly mean one
    keys: tuple[str, ...] = ()  # of these at least one must be there, besides external_id, which always must
    prefix: str = ""  # heads that begin so are fields as they are, such as "custom_fields."

    def like_a_row(self, cell: Callable[[str], str]) -> bool:
        """Whether these cells, told by field, could be a row: with an id, and with a key that has the form of one."""
        if not cell(EXTERNAL_ID).strip():
            return False
        if not self.keys:
            return len(cell(EXTERNAL_ID).split()) == 1
        return any(_has_form(key, cell(key).strip()) for key in self.keys)


def columns_of(pairs: Sequence[str]) -> dict[str, str]:
    """The columns and their fields in texts such as `Contact ID=external_id`. No field leaves a column out.

    Raises:
        InputError: a text without a column, or a column that comes twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        column, _, name = pair.rpartition("=")
        if not column.strip():
            what = f"{quoted(pair)} is no column and its field."
            step = "write COLUMN=FIELD, such as 'Contact ID=external_id', or COLUMN= to leave the column out."
            raise InputError(MAP, what, next_step=step)
        if column in found:
            raise InputError(MAP, f"the column {quoted(column)} is given twice.")
        found[column] = name.strip()
    return found


class Heads:
    """Tells the field of each column, and remembers which columns were not used and which were met.

    Raises:
        InputError: `columns` names a field that does not exist, or one field for two columns.
    """

    def __init__(
        self, wanted: Wanted, columns: Mapping[str, str], where: str = "file", *, option: str = COLUMNS
    ) -> None:
        self.wanted = wanted
        self._option = option  # what holds `columns`: an argument of a call, or --map
        self.where = where  # the argument that holds the columns
        known = {**wanted.aliases, **{name: name for name in wanted.names}}
        self._known = {folded(head): name for head, name in known.items()}
        self.columns = {column: name.strip() and self._named(name) for column, name in columns.items()}
        for name, times in Counter(filter(None, self.columns.values())).items():
            if times > 1:
                both = _listed(column for column, of in self.columns.items() if of == name)
                raise InputError(
                    option,
                    f"{both} are {'both' if times == 2 else 'all'} to be {self._shown(name)}.",
                    next_step="name one of them.",
                )
        self.unused: dict[str, None] = {}
        self.met: set[str] = set()
        self._told: dict[tuple[str, ...], dict[str, int]] = {}
        self._meaning: dict[str, str] = {}  # the head of each field that nobody mapped

    def fields(self, heads: Sequence[str]) -> dict[str, int]:
        """The fields that these heads mean, each with the place of its column.

        Raises:
            InputError: two columns mean one field.
        """
        key = tuple(heads)
        if (found := self._told.get(key)) is not None:
            return found
        found = self.meant(heads)
        given = self._given(heads)
        self.met.update(given.values())
        self._meaning.update({name: heads[place] for name, place in found.items() if heads[place] not in given})
        for place, head in enumerate(heads):
            if place not in found.values() and head.strip() and len(self.unused) < MANY_SHAPES:
                self.unused[head] = None
        if len(self._told) < MANY_SHAPES:
            self._told[key] = found
        return found

    def meant(self, heads: Sequence[str]) -> dict[str, int]:
        """The same of what may be no heads at all: nothing is remembered."""
        means = defaultdict[str, list[int]](list)
        given = {head: self.columns[column] for head, column in self._given(heads).items()}
        for place, head in enumerate(heads):
            name = given[head] if head in given else self._own(head)
            if name and (head in given or name not in given.values()):
                means[name].append(place)
        for place, head in enumerate(heads):
            name = _RIVALS.get(folded(head), "")
            if name in means and head not in given and name not in given.values():
                means[name].append(place)
        for name, places in means.items():
            if len(places) > 1:
                raise self._both(name, [heads[place] for place in places], places)
        return {name: places[0] for name, places in means.items()}

    def by_itself(self, name: str) -> str:
        """The head that means this field without being mapped to it; empty when there is none."""
        return self._meaning.get(name, "")

    def lacks(self, names: Collection[str]) -> str:
        """What these fields lack to be rows; empty when nothing is missing."""
        if EXTERNAL_ID not in names:
            return EXTERNAL_ID
        keys = self.wanted.keys
        return "" if not keys or any(key in names for key in keys) else _either(keys)

    def refusal(self, lacking: str, heads: Sequence[str]) -> InputError:
        """One line for a file of which no column is a field that rows need: which columns there are, and how to map."""
        there = [head for head in dict.fromkeys(heads) if head.strip()]
        names = (EXTERNAL_ID,) if lacking == EXTERNAL_ID else self.wanted.keys
        strange = [head for head in there if not self._own(head)]
        near = [(head, name) for head in strange if (name := _nearest(head, names))]
        near += [(head, name) for name in names for head in strange if _hints_at(head, name)]
        head, name = near[0] if near else ("COLUMN", names[0])
        means = "if that is what a column holds" if head == "COLUMN" else f"if {quoted(head)} holds that"
        step = f"{means}, map it: {self.mapped(head, name)}."
        what = f"has no column {lacking}. Its columns are {_listed(there)}."
        return InputError(self.where, what, next_step=step)

    def notes(self) -> list[str]:
        """Which columns were taken for ids of Salesloft's own, as other systems have such heads, too; and what was not
        used, with the field that a column may have been meant to be.
        """
        plain = {"objectid", "salesloftid"}
        exact = {*self.wanted.names, *self.wanted.aliases}
        own = [(head, name) for name, head in self._meaning.items() if is_own_id(name) and head not in exact]
        taken = [f"{quoted(head)} ({name})" for head, name in own if folded(head) not in plain]
        notes = [f"Read as ids of Salesloft's own: {_and(taken)}."] if taken else []
        if not self.unused:
            return notes
        names = [*self.wanted.names, *self.wanted.aliases]
        told = []
        for head in list(self.unused)[:SHOWN_COLUMNS]:
            near = "" if self._own(head) else _nearest(head, names)
            near = part if (part := f"{near}.{EXTERNAL_ID}") in self.wanted.names else near  # as a column holds it
            told.append(f"{quoted(head)} (did you mean {near}?)" if near else quoted(head))
        more = [f"{len(self.unused) - len(told):,} more"] if len(self.unused) > len(told) else []
        return [*notes, f"Not used: the column{'s' * (len(self.unused) > 1)} {_and([*told, *more])}."]

    def unmet(self, heads: Iterable[str]) -> None:
        """Refuse what was said of columns that are not there."""
        for column in self.columns:
            if column not in self.met:
                near = did_you_mean(quoted(column), [quoted(head) for head in heads if head.strip()])
                raise InputError(self._option, f"there is no column {quoted(column)}.", next_step=near)

    def mapped(self, head: str, name: str) -> str:
        """How to say which field a column is, in a call or at a terminal; no name leaves the column out."""
        seen = "".join(one for one in head if unicodedata.category(one) not in _DROPPED[:2])
        if len(seen) > MOST_TYPED or escaped(seen + name) != seen + name:
            return "rename the column"
        if self._option != MAP:
            return f"{self._option} {json.dumps({seen: name}, ensure_ascii=False)}"
        pair = f"{seen}={name}"
        quote = '"' if "'" in pair and not set(pair) & set('"$`\\!') else "'"
        return f"{MAP} {quote}{pair}{quote}" if quote not in pair else f"{MAP} {shlex.quote(pair)}"

    def _given(self, heads: Sequence[str]) -> dict[str, str]:
        """The column of `columns` that names a head: as it is, or else without regard to its spelling."""
        found = {}
        for column in self.columns:
            for head in [column] if column in heads else [one for one in heads if folded(one) == folded(column)]:
                found[head] = column
        return found

    def _own(self, head: str) -> str:
        """The field that a head means by itself; empty when it means none."""
        prefix = self.wanted.prefix
        if prefix and head[: len(prefix)].casefold() == prefix.casefold() and len(head) > len(prefix):
            return prefix + head[len(prefix) :]
        return self._known.get(folded(head), "")

    def _named(self, name: str) -> str:
        if known := self._own(name):
            return known
        names = [*self.wanted.names, *[f"{self.wanted.prefix}…"] * bool(self.wanted.prefix)]
        raise InputError(self._option, f"there is no field {quoted(name)}.", next_step=did_you_mean(name, names))

    def nearly(self, head: str) -> bool:
        """Whether a head is nearly that of the external id."""
        return bool(_nearest(head, [EXTERNAL_ID])) and not any(one.isdigit() for one in head)

    def _shown(self, name: str) -> str:
        """A field of ours as it is, and one that has a name of others, such as a custom field, in quotes."""
        return name if name in self.wanted.names else quoted(name)

    def _both(self, name: str, heads: Sequence[str], places: Sequence[int]) -> InputError:
        numbers = " and ".join(str(place + 1) for place in places)
        if len(set(heads)) == 1:
            what = f"the head {quoted(heads[0])} stands in columns {numbers}."
            return InputError(self.where, what, next_step="rename or remove all of them but one.")
        what = f"{_and([quoted(head) for head in heads])} (columns {numbers}) all mean {self._shown(name)}."
        step = f"say which of them counts: {self.mapped(heads[0], name)}."
        return InputError(
            self.where, what.replace("all mean", "both mean") if len(heads) == 2 else what, next_step=step
        )


def is_own_id(name: str) -> bool:
    """Whether a field holds ids that Salesloft itself gave."""
    return name.endswith("_id") and "." not in name and name not in (EXTERNAL_ID, "crm_id")


@lru_cache(maxsize=10_000)
def folded(head: str) -> str:
    """Equal for heads that differ in case, spaces, underscores, hyphens, dots and invisible characters only."""
    plain = unicodedata.normalize("NFKC", head[:1_000]).casefold()
    return "".join(one for one in plain if one not in _SEPARATORS and unicodedata.category(one) not in _DROPPED)


def _has_form(key: str, value: str) -> bool:
    """Whether a value may be meant for a key at all."""
    if "email" in key:
        return "@" in value
    if key == "object_id":
        return any(one.isdigit() for one in value)
    return "." in value if key == "domain" else len(value.split()) == 1


def _nearest(head: str, names: Iterable[str]) -> str:
    """The name that a head is nearly, or the external id where its head is plainly some id."""
    by_fold = {folded(name): name for name in names}
    own = folded(_MARK.sub("", head) or head)
    if tail := by_fold.get(folded(head.rpartition(".")[2])):
        return tail  # properties.email
    if close := get_close_matches(own, by_fold, n=1, cutoff=0.75):
        return by_fold[close[0]]
    bare = own.rstrip("0123456789")  # Contact Id 18
    return EXTERNAL_ID if list(by_fold.values()) == [EXTERNAL_ID] and bare.endswith("id") else ""


def _hints_at(head: str, name: str) -> bool:
    return any(part in folded(head) for part in _HINTS.get(name, ()))


def _listed(heads: Iterable[str]) -> str:
    """The names of columns, quoted; no more than a few of them."""
    names = list(heads)
    more = [f"{len(names) - SHOWN_COLUMNS:,} more"] if len(names) > SHOWN_COLUMNS else []
    return _and([*map(quoted, names[:SHOWN_COLUMNS]), *more]) or "without names"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
