"""What `judge` says of a change is enough to write it once, to find it again, and to take it back."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from salesloft_mcp.changes.change import Change, Image, Kind, judge
from salesloft_mcp.changes.kinds import KINDS, stands_already
from salesloft_mcp.salesloft.models import MappingKey

KEYS: dict[Kind, MappingKey] = {
    "mapping": MappingKey("crm_lead", "people", "A-1"),
    "configuration": MappingKey("crm_lead", "people", ""),
    "record": MappingKey("crm_lead", "people", "A-1"),
}
ids = st.integers(1, 4)
texts = st.sampled_from(["CFO", " CFO ", "cfo", "COO"])
emails = st.sampled_from(["a@b.test", "A@B.test", "c@d.test"])
words: st.SearchStrategy[JsonValue] = st.sampled_from(["x", "y"])
custom = st.dictionaries(st.sampled_from(["A", "B"]), words)
tags = st.lists(words, unique=True)
Rows = st.SearchStrategy[dict[str, JsonValue]]
optional: dict[str, st.SearchStrategy[JsonValue]] = {
    "title": texts,
    "email_address": emails,
    "do_not_contact": st.booleans(),
    "tags": tags,
    "custom_fields": custom,
    "account_id": ids,
}

mapping_rows: Rows = st.fixed_dictionaries({"id": ids, "object_id": ids})
configuration_rows: Rows = st.fixed_dictionaries({"id": ids})
record_rows: Rows = st.fixed_dictionaries({"id": ids, **optional})
written_fields: Rows = st.fixed_dictionaries({}, optional=optional).filter(bool)


@st.composite
def mapping_changes(draw: st.DrawFn) -> Change:
    key, row = KEYS["mapping"], draw(mapping_rows)
    creation = Change("mapping", key, None, {"object_id": draw(ids)})
    return draw(st.sampled_from([creation, Change("mapping", key, row, None)]))


@st.composite
def configuration_changes(draw: st.DrawFn) -> Change:
    key, row = KEYS["configuration"], draw(configuration_rows)
    return draw(st.sampled_from([Change("configuration", key, None, {}), Change("configuration", key, row, None)]))


@st.composite
def record_changes(draw: st.DrawFn) -> Change:
    key, fields, row = KEYS["record"], draw(written_fields), draw(record_rows)
    before = {name: value for name, value in row.items() if name == "id" or name in fields}
    return draw(st.sampled_from([Change("record", key, None, fields), Change("record", key, before, fields)]))


ROWS: dict[Kind, Rows] = {
    "mapping": mapping_rows,
    "configuration": configuration_rows,
    "record": record_rows,
}
changes = st.one_of(mapping_changes(), configuration_changes(), record_changes())


@st.composite
def situations(draw: st.DrawFn) -> tuple[Change, list[Image]]:
    """A change of any kind, and what stands at its key; often just what it was made for."""
    change = draw(changes)
    rows: list[Image] = list(draw(st.lists(ROWS[change.kind], max_size=2)))
    if change.before is not None and draw(st.booleans()):
        rows.append(whole(change, change.before, draw(ROWS[change.kind])))
    if change.after is not None and draw(st.booleans()):
        rows.append(whole(change, change.after, draw(ROWS[change.kind])))
    return change, rows


def whole(change: Change, image: Image, filling: Image) -> Image:
    """A row that has what an image says; custom fields are merged one by one."""
    row = {**filling, **image}
    if "custom_fields" in image:
        row["custom_fields"] = _merged(filling.get("custom_fields"), image["custom_fields"])
    return row


def _merged(there: JsonValue, given: JsonValue) -> JsonValue:
    return {**(there if isinstance(there, dict) else {}), **(given if isinstance(given, dict) else {})}


def fits_of(change: Change) -> Callable[[Image, Image], bool]:
    return KINDS[change.kind].fits


def applied(change: Change, rows: list[Image]) -> list[Image]:
    """What Salesloft makes of a change that is open."""
    fits = fits_of(change)
    if change.before is None:
        return [whole(change, change.after or {}, {"id": 9})]
    place = next(number for number, row in enumerate(rows) if fits(row, change.before))
    if change.after is None:
        return [row for number, row in enumerate(rows) if not fits(row, change.before)]
    return [whole(change, change.after, row) if number == place else row for number, row in enumerate(rows)]


@given(situations())
def test_applying_an_open_change_makes_it_done(situation: tuple[Change, list[Image]]) -> None:
    change, rows = situation
    if judge(change, rows, fits_of(change)) == "open":
        assert judge(change, applied(change, rows), fits_of(change)) == "done"


@given(situations())
def test_what_is_done_or_in_conflict_is_never_sent(situation: tuple[Change, list[Image]]) -> None:
    """The first is there already, and the second would overwrite what was never read."""
    change, rows = situation
    verdict = judge(change, rows, fits_of(change))
    fits = fits_of(change)
    there = change.after is not None and any(fits(row, change.after) for row in rows)
    before = not rows if change.before is None else any(fits(row, change.before) for row in rows)
    if verdict == "open":
        assert before
        assert not there
    if verdict == "conflict":
        assert rows or change.before is not None
        assert not there
        assert not before


@given(situations())
def test_the_inverse_of_a_change_that_was_applied_is_open_and_leads_back(
    situation: tuple[Change, list[Image]],
) -> None:
    change, rows = situation
    fits = fits_of(change)
    if judge(change, rows, fits) != "open" or (change.kind == "record" and change.before is None):
        return  # a new record cannot be deleted, so its way back is the removal of its mapping
    after = applied(change, rows)
    back = change.inverse
    if back.before is None and after:
        return  # other rows of the same key are left, so nothing can be created there
    assert judge(back, after, fits) in ("open", "done")
    if judge(back, after, fits) == "open":
        assert judge(back, applied(back, after), fits) == "done"
        assert judge(change, applied(back, after), fits) == "open"


@given(situations())
def test_the_verdict_does_not_depend_on_the_order_of_the_rows(situation: tuple[Change, list[Image]]) -> None:
    change, rows = situation
    assert judge(change, rows, fits_of(change)) == judge(change, rows[::-1], fits_of(change))


@given(situations())
def test_an_image_that_is_as_wanted_has_nothing_to_be_sent(situation: tuple[Change, list[Image]]) -> None:
    change, rows = situation
    if stands_already(change) and any(fits_of(change)(row, change.before or {}) for row in rows):
        assert judge(change, rows, fits_of(change)) == "done"


@given(situations())
def test_the_part_of_a_row_that_a_change_keeps_still_says_that_it_is_done(
    situation: tuple[Change, list[Image]],
) -> None:
    change, rows = situation
    for row in rows:
        if change.after is not None and fits_of(change)(row, change.after):
            part = change.part(row)
            assert fits_of(change)(part, change.after)
            assert set(part) <= {"id", *change.after}


def test_deleting_what_is_not_there_is_done() -> None:
    for kind, key in KEYS.items():
        assert judge(Change(kind, key, {"id": 1}, None), [], KINDS[kind].fits) == "done"


def test_what_stood_there_and_is_gone_is_a_conflict() -> None:
    for kind, key in KEYS.items():
        assert judge(Change(kind, key, {"id": 1}, {"title": "CFO"}), [], KINDS[kind].fits) == "conflict"


def test_a_change_says_what_it_does_and_to_which_record() -> None:
    key = KEYS["mapping"]
    assert Change("mapping", key, None, {"object_id": 7}).verb == "created"
    assert Change("mapping", key, {"id": 1, "object_id": 7}, None).verb == "deleted"
    assert Change("record", key, {"id": 7}, {"title": "CFO"}).verb == "updated"
    assert Change("mapping", key, {"id": 1, "object_id": 7}, None).object_id == 7
    assert Change("record", key, {"id": 7}, {"title": "CFO"}).object_id == 7
    assert Change("record", key, None, {"title": "CFO"}).object_id is None
