"""A plan says of every row what a run would do, for few points, and writes nothing."""

from pathlib import Path
from typing import Any

import pytest

from salesloft_mcp.bulk.plan import Aim, load, make, minutes
from salesloft_mcp.errors import UnauthorizedError
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.staging import Staging
from tests.salesloft.opened import opened

from .running import AIM, FIRST_PERSON, creations, planned

pytestmark = pytest.mark.anyio

MAPPED = FIRST_PERSON + 60  # by `mkto-00000`, in the sandbox's seed


async def verdicts(folder: Path, *rows: dict[str, object]) -> list[tuple[str, str]]:
    """Verdict and note of each row."""
    async with planned(folder, rows) as one:
        return [(line.verdict, line.note) for line in one.staging.lines()]


async def test_each_row_gets_the_verdict_that_a_run_would_find(tmp_path: Path) -> None:
    found = await verdicts(
        tmp_path,
        {"external_id": "new", "object_id": MAPPED},
        {"external_id": "mkto-00000", "object_id": MAPPED},
        {"external_id": "mkto-00000", "email": "nobody@nowhere.test"},
        {"external_id": "mkto-00001", "object_id": MAPPED},
        {"external_id": "x", "object_id": 99},
        {"external_id": 5, "object_id": MAPPED},
        {"external_id": "y"},
        {"external_id": "z", "object_id": MAPPED, "email": "a@b.test"},
    )
    assert found == [
        ("create", ""),
        ("unchanged", ""),
        ("object unknown", "there is no such object"),
        ("conflict", f"is mapped to {MAPPED + 1}"),
        ("object unknown", "there is no such object"),
        ("invalid", "external_id: must be text; a number may have lost leading zeros."),
        ("invalid", "row: needs exactly one of object_id, email, crm_id."),
        ("invalid", "row: needs exactly one of object_id, email, crm_id."),
    ]


async def test_two_references_to_one_object_are_one_row_and_to_two_objects_none(tmp_path: Path) -> None:
    async with planned(tmp_path, []) as one:
        (person,) = (await one.api.list_objects("people", (("ids[]", str(MAPPED)),))).rows
    email = getattr(person, "email_address", "")
    found = await verdicts(
        tmp_path / "two",
        {"external_id": "a", "email": email},
        {"external_id": "a", "object_id": MAPPED},
        {"external_id": "b", "object_id": MAPPED},
        {"external_id": "b", "object_id": MAPPED + 1},
        {"external_id": "a", "email": email.upper()},
    )
    several = "this external id is given to several objects in the input"
    assert found == [
        ("create", ""),
        ("duplicate", "the same object as line 1"),
        ("invalid", several),
        ("invalid", several),
        ("duplicate", "the same as line 1"),
    ]


async def test_a_mapping_that_was_deleted_is_created_again(tmp_path: Path) -> None:
    async with planned(tmp_path, []) as one:
        found = await one.api.list_mappings(external_type=AIM.external_type, object_type="people", deleted=True)
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


async def test_few_ids_are_looked_up_where_reading_all_mappings_would_cost_more(tmp_path: Path) -> None:
    with Sandbox(rate_limit=0) as sandbox, Staging(tmp_path / "one.db") as staging:
        async with opened(sandbox) as api:
            for number in range(320):
                await api.create_mapping("sdfc_lead", "people", f"old {number}", FIRST_PERSON + number % 100)
            sandbox.requests.clear()
            rows = [{"external_id": "old 0", "object_id": FIRST_PERSON}, {"external_id": "x", "object_id": 99}]
            load(staging, enumerate(rows, 1), Aim("sdfc_lead", "people"))
            await make(api, staging, Aim("sdfc_lead", "people"))
        assert [line.verdict for line in staging.lines()] == ["unchanged", "object unknown"]
        asked = [request.query for request in sandbox.requests]
        assert sum(b"external_id=" in query for query in asked) == 2
        assert len(asked) == 4


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
                    await make(api, staging, AIM)
