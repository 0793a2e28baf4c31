"""What an audit says in words and numbers, and how long it is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.audit.findings import Row
from salesloft_mcp.audit.report import KEPT_AUDITS, KEPT_SECONDS, Audit, Audits, audit_of, percent
from salesloft_mcp.salesloft.models import ObjectType, Scope

ROWS = [
    Row("crm", "people", "A", 1, 11),
    Row("crm", "people", "A", 2, 12),
    Row("crm", "people", "B", 2, 13),
    Row("crm", "people", "b", 3, 14),
    Row("erp", "users", "7", 5, 15),
]


def audited(rows: list[Row], **totals: int | None) -> Audit:
    return audit_of(Scope(), rows, {("people", 3)}, {("crm", "people")}, totals, deleted=2)  # type: ignore[arg-type]


def test_the_sentence_can_be_read_out() -> None:
    assert audited(ROWS, people=8, accounts=1, users=2).sentence == (
        "2 of 8 people (25 %), 0 of 1 account (0 %) and 1 of 2 users (50 %) have an external id. "
        "1 id stands for several objects, 1 object has several ids of one type, "
        "1 mapping leads to an object that is gone or hidden from this token and 1 group of ids looks like one id."
    )


def test_the_sentence_of_one_type_is_about_its_ids_and_its_kinds_of_record_alone() -> None:
    totals: dict[ObjectType, int | None] = {"people": 8, "accounts": 1, "users": 2}
    audit = audit_of(Scope("crm"), ROWS[:2], set(), {("crm", "people")}, totals, deleted=0)
    assert audit.sentence.startswith("2 of 8 people (25 %) have an external id of this type. ")


def test_the_sentence_of_a_clean_team_says_so() -> None:
    assert audited([], people=0).sentence == "0 of 0 people have an external id. Nothing suspicious was found."


def test_ids_that_look_damaged_are_counted_in_the_sentence() -> None:
    rows = [Row("crm", "people", one, 1, 1) for one in ("NULL", "1.0")]
    assert audited(rows[:1], people=1).sentence.endswith("1 mapping has an id that looks damaged.")
    assert "2 mappings have ids that look damaged" in audited(rows, people=1).sentence


def test_several_findings_are_told_in_the_plural() -> None:
    rows = [Row("crm", "people", str(one), 3, one) for one in (1, 2)]
    assert "2 mappings lead to objects that are gone" in audited(rows, people=1).sentence


def test_a_total_that_is_not_known_is_left_out() -> None:
    audit = audited(ROWS, people=None, users=2)
    assert audit.sentence.startswith("2 people and 1 of 2 users (50 %) have an external id.")
    assert audit.data()["coverage"][0] == {
        "external_type": "crm",
        "object_type": "people",
        "mappings": 4,
        "ids": 3,
        "objects": 2,
    }


def test_coverage_counts_mappings_ids_and_objects_that_are_there() -> None:
    crm, erp = audited(ROWS, people=8, users=2).data()["coverage"]
    assert crm == {
        "external_type": "crm",
        "object_type": "people",
        "mappings": 4,
        "ids": 3,
        "objects": 2,
        "of": 8,
        "percent": 25.0,
    }
    assert erp["configured"] is False


def test_a_configuration_without_a_mapping_covers_nothing() -> None:
    (row,) = audited([], people=8).coverage
    assert (row.external_type, row.mappings, row.objects, row.percent) == ("crm", 0, 0, 0.0)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0, 1]))
def test_a_share_is_all_or_nothing_only_when_it_is(part: int, total: int, digits: int) -> None:
    share = percent(part, total, digits)
    if total == 0 or part > total:
        assert share is None
    else:
        assert share is not None
        assert (share == 100) is (part == total)
        assert (share == 0) is (part == 0)
        assert share == pytest.approx(100 * part / total, abs=1 if digits == 0 else 0.1)


class TestKept:
    """The store between two pages."""

    def test_an_audit_is_found_by_its_name_only(self) -> None:
        audits, audit = Audits(), audited(ROWS, people=8)
        name = audits.keep(audit)
        assert audits.get(name) is audit
        assert audits.get("") is audits.get(name[:-1]) is None

    def test_the_oldest_is_crowded_out(self) -> None:
        audits = Audits()
        names = [audits.keep(audited([], people=one)) for one in range(KEPT_AUDITS + 1)]
        assert [audits.get(name) is None for name in names] == [True, False, False, False, False]
        assert len(set(names)) == len(names)

    def test_it_is_kept_a_quarter_of_an_hour(self) -> None:
        now = [0.0]
        audits = Audits(clock=lambda: now[0])
        name = audits.keep(audited([], people=1))
        now[0] = KEPT_SECONDS
        assert audits.get(name) is not None
        now[0] += 1
        assert audits.get(name) is None
