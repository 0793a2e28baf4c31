"""What a plan should say of each row, read once more in the plainest way: lists in memory, no SQL."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from salesloft_mcp.intake.near import difference
from salesloft_mcp.intake.values import form, suspicious
from salesloft_mcp.state.staging import Verdict

Pair = tuple[str, int]  # external id, object id


@dataclass(frozen=True, slots=True)
class Given:
    """A row as it was read: `problem` rules it out."""

    external_id: str
    by: str = "object_id"
    ref: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdict of each row, whether it gives its record one more external id, and what a run of them creates."""

    each: Sequence[Verdict]
    second: Sequence[bool]
    creates: Counter[Pair]


def verdicts(rows: Sequence[Given], find: Callable[[str, str], Collection[int]], held: Collection[Pair]) -> Verdicts:
    """`find` knows the objects of a reference; `held` is what is mapped already."""
    each: list[Verdict] = ["invalid" if row.problem else "new" for row in rows]
    for number, row in _new(each, rows):
        if any(earlier == row for _, earlier in _new(each, rows[:number])):
            each[number] = "duplicate"
    objects = [set(find(row.by, row.ref)) for row in rows]
    for number, _ in _new(each, rows):
        if len(objects[number]) > 1:
            each[number] = "object unknown"
    wanted: dict[str, set[object]] = {}
    known = {(row.external_id, row.by, row.ref) for row in rows if not row.problem}
    for number, row in enumerate(rows):
        if each[number] != "duplicate":
            named = find(row.by, row.ref) if (row.external_id, row.by, row.ref) in known else []
            wanted.setdefault(row.external_id, set()).add(_target(row, named))
    creates: Counter[Pair] = Counter()
    for number, row in _new(each, rows):
        pairs = {(row.external_id, one) for one in objects[number]}
        if not pairs:
            each[number] = "object unknown"
        elif len(wanted[row.external_id]) > 1:
            each[number] = "invalid"
        elif pairs & set(held):
            each[number] = "unchanged"
        elif row.external_id in {external_id for external_id, _ in held}:
            each[number] = "conflict"
        elif pairs & set(creates):
            each[number] = "duplicate"
        else:
            each[number] = "create"
            creates.update(pairs)
    having = Counter(one for _, one in (*set(held), *creates))
    second = [each[number] == "create" and having[next(iter(objects[number]))] > 1 for number in range(len(rows))]
    odd = _odd([row.external_id for row in rows], {external_id for external_id, _ in (*held, *creates)})
    for number, row in enumerate(rows):
        if each[number] == "create" and row.external_id in odd:
            each[number] = "suspicious"
    return Verdicts(each, second, Counter({pair: 1 for pair in creates if pair[0] not in odd}))


def _odd(given: Sequence[str], ids: Collection[str]) -> set[str]:
    """Ids that look damaged, are nearly another one, or are spelled otherwise than most of their family."""
    odd = misspelled(given)
    return {one for one in given if one in odd or suspicious(one) or any(difference(one, other) for other in ids)}


def misspelled(given: Sequence[str]) -> set[str]:
    """Ids that are spelled otherwise than most of their family.

    Of spellings that are equally frequent the first in the alphabet counts as the usual one.
    """
    spelled = Counter(form(one) for one in given)
    usual = {family: max(sorted(spelled), key=lambda of: (of[0] == family, spelled[of])) for family, _ in spelled}
    return {one for one in given if form(one) != usual[form(one)[0]]}


def _target(row: Given, objects: Collection[int]) -> object:
    """What a row names: its object, or else the words by which it does."""
    return next(iter(objects), (row.by, row.ref))


def _new(each: Sequence[Verdict], rows: Sequence[Given]) -> Iterable[tuple[int, Given]]:
    return [(number, row) for number, row in enumerate(rows) if each[number] == "new"]
