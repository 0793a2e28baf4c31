"""What a plan should say of each row, read once more in the plainest way: lists in memory, no SQL."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

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
    """The verdict of each row, and what a run of them creates."""

    each: Sequence[Verdict]
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
    wanted: dict[str, set[int]] = {}
    for number, row in _new(each, rows):
        wanted.setdefault(row.external_id, set()).update(objects[number])
    creates: Counter[Pair] = Counter()
    for number, row in _new(each, rows):
        pairs = {(row.external_id, one) for one in objects[number]}
        if len(wanted[row.external_id]) > 1:
            each[number] = "invalid"
        elif not pairs:
            each[number] = "object unknown"
        elif pairs & set(held):
            each[number] = "unchanged"
        elif row.external_id in {external_id for external_id, _ in held}:
            each[number] = "conflict"
        elif pairs & set(creates):
            each[number] = "duplicate"
        else:
            each[number] = "create"
            creates.update(pairs)
    return Verdicts(each, creates)


def _new(each: Sequence[Verdict], rows: Sequence[Given]) -> Iterable[tuple[int, Given]]:
    return [(number, row) for number, row in enumerate(rows) if each[number] == "new"]
