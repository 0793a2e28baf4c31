"""A plan says of every row what a run would do, for few points, and writes nothing."""

from pathlib import Path
from typing import Any

import pytest

from salesloft_mcp.bulk.plan import Aim, minutes
from salesloft_mcp.bulk.plan_mappings import plan
from salesloft_mcp.bulk.sources import load
from salesloft_mcp.errors import UnauthorizedError
from salesloft_mcp.intake.tables import Fields, Invalid
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.staging import Staging
from tests.salesloft.opened import opened

from .running import AIM, FIRST_PERSON, creations, planned

pytestmark = pytest.mark.anyio

MARKETING = Aim("marketing_automation", "people")
MAPPED = FIRST_PERSON + 60  # by `mkto-00000` of that type, in the sandbox's seed
UNKNOWN = "there is no such record, or it is hidden from this token"


async def verdicts(folder: Path, *rows: dict[str, object]) -> list[tuple[str, str]]:
    """Verdict and note of each row."""
    async with planned(folder, rows, MARKETING) as one:
        return [(line.verdict, line.note) for line in one.staging.lines()]


async def test_each_row_gets_the_verdict_that_a_run_would_find(tmp_path: Path) -> None:
    found = await verdicts(
        tmp_path,
        {"external_id": "new", "object_id": FIRST_PERSON},
        {"external_id": "mkto-00000", "object_id": MAPPED},
        {"external_id": "mkto-00002", "email": "nobody@nowhere.test"},
        {"external_id": "mkto-00001", "object_id": MAPPED},
        {"external_id": "x1", "object_id": 99},
        {"external_id": 5, "object_id": MAPPED},
        {"external_id": "y1"},
    )
    assert found == [
        ("create", ""),
        ("unchanged", ""),
        ("object unknown", f"{UNKNOWN}; the external id is mapped to {MAPPED + 2}"),
        ("conflict", f"is mapped to {MAPPED + 1}"),
        ("object unknown", UNKNOWN),
        ("invalid", "external_id: must be text; a number may have lost leading zeros."),
        ("invalid", "row: needs one of object_id, email, crm_id."),
    ]


async def test_a_row_whose_record_is_not_known_contradicts_another_of_its_external_id(tmp_path: Path) -> None:
    found = await verdicts(
        tmp_path,
        {"external_id": "mkto-00000", "object_id": MAPPED},
        {"external_id": "mkto-00000", "email": "nobody@nowhere.test"},
        {"external_id": "new", "object_id": FIRST_PERSON},
        {"external_id": "new", "object_id": "x"},
    )
    assert found == [
        ("invalid", "this external id is given to several records, on lines 1 and 2"),
        ("object unknown", f"{UNKNOWN}; the external id is mapped to {MAPPED}"),
        ("invalid", "line 4 has this external id, too, and is not as it should be"),
        ("invalid", 'object_id: "x" is not a Salesloft id.'),
    ]


async def test_a_row_whose_other_key_is_wrong_contradicts_none_that_names_the_same_record(tmp_path: Path) -> None:
    found = await verdicts(
        tmp_path,
        {"external_id": "new", "object_id": FIRST_PERSON},
        {"external_id": "new", "object_id": FIRST_PERSON, "email": "none"},
    )
    assert found[0] == ("create", "")
    assert found[1][0] == "invalid"


async def test_a_row_with_another_key_is_no_duplicate_whichever_comes_first(tmp_path: Path) -> None:
    async with planned(tmp_path / "people", []) as one:
        person = (await one.api.list_objects("people", (("ids[]", str(FIRST_PERSON + 1)),))).rows[0]
    bare = {"external_id": "new", "object_id": FIRST_PERSON}
    both = {**bare, "email": getattr(person, "email_address", "")}
    contradiction = (
        "invalid",
        f"its object_id is that of record {FIRST_PERSON}, and its email is that of record {FIRST_PERSON + 1}",
    )
    assert await verdicts(tmp_path / "one", bare, both) == [("create", ""), contradiction]
    assert await verdicts(tmp_path / "two", both, bare) == [contradiction, ("create", "")]
    assert (await verdicts(tmp_path / "three", both, both))[1] == ("duplicate", "the same as line 1")


async def test_a_row_that_cannot_be_read_contradicts_others_of_its_external_id(tmp_path: Path) -> None:
    with Staging(tmp_path / "one.db") as staging, Sandbox(rate_limit=0) as sandbox:
        rows: list[tuple[int, Fields | Invalid]] = [
            (1, {"external_id": "new", "object_id": FIRST_PERSON}),
            (2, Invalid("4 cells, the head has 3.", "new")),
        ]
        load(staging, iter(rows), MARKETING)
        async with opened(sandbox) as api:
            await plan(api, staging, MARKETING)
        assert [(line.verdict, line.note) for line in staging.lines()] == [
            ("invalid", "line 2 has this external id, too, and is not as it should be"),
            ("invalid", "4 cells, the head has 3."),
        ]


async def test_a_second_id_of_a_record_is_told_and_needs_a_person(tmp_path: Path) -> None:
    rows = [
        {"external_id": "one-1", "object_id": MAPPED},
        {"external_id": "one-2", "object_id": FIRST_PERSON},
        {"external_id": "one-3", "object_id": FIRST_PERSON + 1},
        {"external_id": "one-4", "object_id": FIRST_PERSON},
    ]
    async with planned(tmp_path, rows, MARKETING) as one:
        assert [(line.verdict, line.asks, line.note) for line in one.staging.lines()] == [
            ("create", "second id", 'the record has the external id "mkto-00000" already'),
            ("create", "second id", "lines 2 and 4 give one record several external ids"),
            ("create", "", ""),
            ("create", "second id", "lines 2 and 4 give one record several external ids"),
        ]
        assert one.staging.asks() == {"second id": 3}


async def test_keys_of_one_row_have_to_name_one_record(tmp_path: Path) -> None:
    async with planned(tmp_path, []) as one:
        (person,) = (await one.api.list_objects("people", (("ids[]", str(FIRST_PERSON)),))).rows
    email = getattr(person, "email_address", "")
    found = await verdicts(
        tmp_path / "two",
        {"external_id": "a1", "object_id": FIRST_PERSON, "email": email.upper()},
        {"external_id": "b1", "object_id": FIRST_PERSON + 1, "email": email},
        {"external_id": "c1", "object_id": FIRST_PERSON + 2, "email": "nobody@nowhere.test"},
        {"external_id": "d1", "object_id": 99, "email": email},
    )
    assert found == [
        ("create", ""),
        (
            "invalid",
            f"its object_id is that of record {FIRST_PERSON + 1}, and its email is that of record {FIRST_PERSON}",
        ),
        ("invalid", f"its object_id is that of record {FIRST_PERSON + 2}, and its email is nobody's"),
        ("invalid", f"its object_id is nobody's, and its email is that of record {FIRST_PERSON}"),
    ]


async def test_ids_that_look_damaged_or_are_nearly_another_are_suspicious(tmp_path: Path) -> None:
    found = await verdicts(
        tmp_path,
        {"external_id": "MKTO-00003", "object_id": FIRST_PERSON},
        {"external_id": "Near 1", "object_id": FIRST_PERSON + 1},
        {"external_id": "near1", "object_id": FIRST_PERSON + 2},
        {"external_id": "N/A", "object_id": FIRST_PERSON + 3},
        {"external_id": "0b9dd2c4-5b6e-4f6a-9d5b-0c8f3c3b6a01", "object_id": FIRST_PERSON + 4},
        {"external_id": "0b9dd2c4-5b6e-4f6a-9d5b-0c8f3c3b6a02", "object_id": FIRST_PERSON + 5},
        {"external_id": "{0B9DD2C4-5B6E-4F6A-9D5B-0C8F3C3B6A03}", "object_id": FIRST_PERSON + 6},
        {"external_id": "C-1", "object_id": FIRST_PERSON + 7},
        {"external_id": "C2", "object_id": FIRST_PERSON + 8},
        {"external_id": "mkto-00004 ", "object_id": FIRST_PERSON + 9},
    )
    assert found == [
        ("suspicious", f'nearly the external id "mkto-00003", which is mapped to {MAPPED + 3}'),
        ("suspicious", "nearly the external id of line 3"),
        ("suspicious", "nearly the external id of line 2"),
        ("suspicious", "a word for nothing"),
        ("create", ""),
        ("create", ""),
        ("suspicious", "GUID with braces, upper case, where most of this input have dashes, lower case"),
        ("suspicious", '"c" and a number with "C-" before it, where others of this input have "C" before it'),
        ("create", ""),
        (
            "suspicious",
            f'a space at its end; nearly the external id "mkto-00004", which is mapped to {MAPPED + 4}',
        ),
    ]


@pytest.mark.parametrize(
    ("digits", "ends", "found"), [(16, "000", 3), (16, "00", 0), (16, "0001234", 0), (17, "0", 1), (17, "012", 0)]
)
async def test_zeros_after_15_digits_are_damage_where_half_of_the_numbers_have_them(
    tmp_path: Path, digits: int, ends: str, found: int
) -> None:
    ids = [f"{123456789012345 + number}{end}{'0' * (digits - 16)}" for number, end in enumerate(ends)]
    rows = [{"external_id": one, "object_id": FIRST_PERSON + number} for number, one in enumerate(ids)]
    notes = [note for verdict, note in await verdicts(tmp_path, *rows) if verdict == "suspicious"]
    assert notes == ["a number of which a spreadsheet kept 15 digits"] * found


async def test_two_references_to_one_object_are_one_row_and_to_two_objects_none(tmp_path: Path) -> None:
    async with planned(tmp_path, []) as one:
        (person,) = (await one.api.list_objects("people", (("ids[]", str(FIRST_PERSON)),))).rows
    email = getattr(person, "email_address", "")
    found = await verdicts(
        tmp_path / "two",
        {"external_id": "a", "email": email},
        {"external_id": "a", "object_id": FIRST_PERSON},
        {"external_id": "b", "object_id": MAPPED},
        {"external_id": "b", "object_id": MAPPED + 1},
        {"external_id": "a", "email": email.upper()},
    )
    several = "this external id is given to several records, on lines 3 and 4"
    assert found == [
        ("create", ""),
        ("duplicate", "the same record as line 1"),
        ("invalid", several),
        ("invalid", several),
        ("duplicate", "the same as line 1"),
    ]


async def test_a_mapping_that_was_deleted_is_created_again(tmp_path: Path) -> None:
    async with planned(tmp_path, []) as one:
        found = await one.api.list_mappings(external_type=MARKETING.external_type, object_type="people", deleted=True)
        (gone, *_) = found.rows
    row: dict[str, object] = {"external_id": gone.external_id, "object_id": gone.object_id}
    assert await verdicts(tmp_path / "two", row) == [("create", "")]


async def test_planning_writes_nothing_to_salesloft(tmp_path: Path) -> None:
    async with planned(tmp_path, creations(20)) as one:
        assert {request.method for request in one.sandbox.requests} == {"GET"}


@pytest.mark.parametrize(("count", "most"), [(1, 3), (150, 5)])
async def test_a_plan_costs_a_point_for_a_hundred_rows_and_one_for_what_is_mapped(
    tmp_path: Path, count: int, most: int
) -> None:
    async with planned(tmp_path, creations(count)) as one:
        assert len(one.sandbox.requests) <= most


async def test_few_ids_and_records_are_looked_up_where_reading_all_mappings_would_cost_more(tmp_path: Path) -> None:
    with Sandbox(rate_limit=0) as sandbox, Staging(tmp_path / "one.db") as staging:
        async with opened(sandbox) as api:
            for number in range(420):
                await api.create_mapping("sdfc_lead", "people", f"old {number}", FIRST_PERSON + number % 100)
            sandbox.requests.clear()
            rows = [{"external_id": "old 0", "object_id": FIRST_PERSON}, {"external_id": "x", "object_id": 99}]
            load(staging, enumerate(rows, 1), Aim("sdfc_lead", "people"))
            await plan(api, staging, Aim("sdfc_lead", "people"))
        assert [line.verdict for line in staging.lines()] == ["unchanged", "object unknown"]
        asked = [request.query for request in sandbox.requests]
        assert sum(b"external_id=" in query for query in asked) == 2
        assert sum(b"object_id=" in query for query in asked) == 1  # whether the one record has another id
        assert len(asked) == 5


async def test_an_empty_plan_asks_nothing(tmp_path: Path) -> None:
    async with planned(tmp_path, []) as one:
        assert not one.sandbox.requests
        assert one.staging.lines(0, 1) == []


@pytest.mark.parametrize(("creates", "points", "expected"), [(0, 570, 0), (1, 600, 0.1), (100_000, 600, 166.7)])
def test_how_long_it_takes_at_the_least(creates: int, points: int, expected: float) -> None:
    assert minutes(creates, points) == expected


@pytest.mark.parametrize("row", [{}, {"external_id": None}, {"external_id": "a", "object_id": True}])
async def test_rows_that_are_no_rows_are_invalid(tmp_path: Path, row: dict[str, Any]) -> None:
    ((verdict, note),) = await verdicts(tmp_path, row)
    assert verdict == "invalid"
    assert note


async def test_a_plan_that_asks_for_each_id_fails_in_salesloft_s_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        store = sandbox.store
        with store.transaction():
            row = {"external_type": AIM.external_type, "object_type": AIM.object_type, "deleted": 0}
            for number in range(1_000):
                rest = {"external_id": f"held-{number}", "object_id": MAPPED, "inserted_at": "2024-02-01"}
                store.insert("mappings", {**row, **rest})
        async with opened(sandbox) as api:
            ask = api.list_mappings

            async def only_lists(**asked: Any) -> Any:
                if asked.get("external_id"):
                    raise UnauthorizedError("the token is gone.")
                return await ask(**asked)

            monkeypatch.setattr(api, "list_mappings", only_lists)
            with Staging(tmp_path / "plan.db") as staging:
                load(staging, enumerate(creations(3), 1), AIM)
                with pytest.raises(UnauthorizedError, match="the token is gone"):
                    await plan(api, staging, AIM)
