"""Pure: rows of mappings become findings. Nothing here awaits."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from salesloft_mcp.intake.damage import KEPT_15, ends_as_if_kept
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.intake.values import form, suspicious
from salesloft_mcp.salesloft.models import Mapping as MappingRow
from salesloft_mcp.salesloft.models import ObjectType

Kind = Literal["shared_ids", "several_ids", "orphans", "near_duplicates", "suspicious_ids"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Object = tuple[ObjectType, int]


class Row(NamedTuple):
    """A live mapping. Much smaller than the model it comes from: an audit holds all of them at once."""

    external_type: str
    object_type: ObjectType
    external_id: str
    object_id: int
    mapping_id: int | None

    @property
    def object(self) -> Object:
        return self.object_type, self.object_id


@dataclass(frozen=True, slots=True)
class Finding:
    """Mappings that are suspicious together. An orphan is so alone; so is an id that looks damaged, and it says why."""

    kind: Kind
    rows: tuple[Row, ...]
    why: str = ""


def row_of(mapping: MappingRow) -> Row:
    """The part of a mapping that an audit looks at."""
    return Row(mapping.external_type, mapping.object_type, mapping.external_id, mapping.object_id, mapping.id)


def findings(rows: Iterable[Row], gone: Set[Object]) -> tuple[Finding, ...]:
    """Everything there is to find, kind after kind, and in each in the order of types and ids."""
    ordered = sorted(rows, key=lambda row: (*row[:4], row.mapping_id or 0))
    of_objects = (*shared_ids(ordered), *several_ids(ordered), *orphans(ordered, gone))
    return (*of_objects, *near_duplicates(ordered), *suspicious_ids(ordered))


def shared_ids(rows: Iterable[Row]) -> list[Finding]:
    """External ids of one type that stand for several objects, of one kind or of several."""
    return _groups("shared_ids", rows, lambda row: (row.external_type, row.external_id), lambda row: row.object)


def several_ids(rows: Iterable[Row]) -> list[Finding]:
    """Objects with several external ids of one type."""
    return _groups("several_ids", rows, lambda row: (row.external_type, *row.object), lambda row: row.external_id)


def orphans(rows: Iterable[Row], gone: Set[Object]) -> list[Finding]:
    """Mappings to objects that are gone."""
    return [Finding("orphans", (row,)) for row in rows if row.object in gone]


def near_duplicates(rows: Iterable[Row]) -> list[Finding]:
    """External ids of one type that look like spellings of one id."""
    return _groups(
        "near_duplicates",
        rows,
        lambda row: (row.external_type, near_key(row.external_id)),
        lambda row: row.external_id,
    )


def suspicious_ids(rows: Iterable[Row]) -> list[Finding]:
    """External ids that look damaged, or are spelled differently from most of their family in one type."""
    rows = list(rows)
    forms = Counter((row.external_type, *form(row.external_id)) for row in rows)
    sizes: Counter[tuple[str, str]] = Counter()
    for (external_type, family, _), times in forms.items():
        sizes[external_type, family] += times
    usual: dict[tuple[str, str], tuple[str, str]] = {}  # with a word for how many have it
    for external_type, family, spelling in sorted(forms, key=lambda one: (-forms[one], one)):
        many = 2 * forms[external_type, family, spelling] > sizes[external_type, family]
        usual.setdefault((external_type, family), (spelling, "most" if many else "others"))
    kept = _kept_15_digits(rows)
    reasons = ((row, _damage(row, kept) or _odd_form(row, usual)) for row in rows)
    return [Finding("suspicious_ids", (row,), why) for row, why in reasons if why]


def _damage(row: Row, kept: Set[tuple[str, int]]) -> str:
    why = suspicious(row.external_id)
    if why and why != KEPT_15:
        return why
    return KEPT_15 if ends_as_if_kept(row.external_id) and (row.external_type, len(row.external_id)) in kept else ""


def _kept_15_digits(rows: Iterable[Row]) -> Set[tuple[str, int]]:
    """The types in which half of the numbers of one length, or more, end as if a spreadsheet had kept 15 digits."""
    found = (row for row in rows if len(row.external_id) > 15 and row.external_id.isdecimal())
    numbers = [row for row in found if row.external_id[0] != "0"]  # a spreadsheet keeps no leading zeros
    every = Counter((row.external_type, len(row.external_id)) for row in numbers)
    ended = Counter((row.external_type, len(row.external_id)) for row in numbers if ends_as_if_kept(row.external_id))
    return {one for one, times in ended.items() if 2 * times >= every[one] and (every[one] > 2 or one[1] > 16)}


def _odd_form(row: Row, usual: Mapping[tuple[str, str], tuple[str, str]]) -> str:
    family, spelling = form(row.external_id)
    other, many = usual[row.external_type, family]
    return "" if spelling == other else f"{family} with {spelling}, where {many} of this type have {other}"


def _groups(
    kind: Kind, rows: Iterable[Row], same: Callable[[Row], Hashable], differs: Callable[[Row], Hashable]
) -> list[Finding]:
    """Rows that are the same in one respect and not all the same in the other."""
    groups: dict[Hashable, list[Row]] = {}
    for row in rows:
        groups.setdefault(same(row), []).append(row)
    return [
        Finding(kind, tuple(found))
        for found in groups.values()
        if len(found) > 1 and any(differs(row) != differs(found[0]) for row in found)
    ]
