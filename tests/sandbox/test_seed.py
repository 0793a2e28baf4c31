"""The seeded team, and data that outlives a restart."""

import subprocess
import sys
from pathlib import Path

import pytest

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Connect

pytestmark = pytest.mark.anyio


async def total(api: Client, path: str, **params: str | int) -> int:
    answer = await api.get(path, params={"include_paging_counts": "true", **params})
    count: int = answer.json()["metadata"]["paging"]["total_count"]
    return count


async def test_the_team_is_large_enough_to_work_with(api: Client) -> None:
    assert await total(api, "/v2/users", page=1, visible_only="false") == 24
    assert await total(api, "/v2/accounts") == 62
    assert await total(api, "/v2/people") == 160
    assert await total(api, "/v2/external/mappings", external_type="crm_lead") == 91
    assert await total(api, "/v2/external/mappings", external_type="marketing_automation") == 40
    assert await total(api, "/v2/external/mappings", external_type="marketing") == 30
    assert await total(api, "/v2/external/mappings", deleted="true") == 6


async def test_every_seeded_email_and_domain_is_used_once(api: Client) -> None:
    for path, field in (("/v2/people", "email_address"), ("/v2/accounts", "domain"), ("/v2/users", "email")):
        pages = [(await api.get(path, params={"per_page": 100, "page": page})).json() for page in (1, 2)]
        values = [row[field] for page in pages for row in page["data"]]
        assert len(values) == len(set(values))
        assert all(value.isascii() and value == value.lower() for value in values)


async def test_the_guides_create_examples_are_left_to_be_done(api: Client) -> None:
    params = {"external_type": "external_id"}
    assert (await api.get("/v2/external/configurations", params=params)).json()["data"] == []
    params = {"email_addresses[]": "christoper.doe@externalid.com"}
    assert (await api.get("/v2/people", params=params)).json()["data"] == []


async def test_the_seed_is_the_same_every_time(connect: Connect) -> None:
    texts = []
    for _ in range(2):
        with Sandbox() as sandbox:
            async with connect(sandbox) as api:
                paths = ("/v2/people", "/v2/external/mappings")
                texts.append([(await api.get(path)).text for path in paths])
    assert texts[0] == texts[1]


async def test_a_sandbox_can_start_empty(connect: Connect) -> None:
    with Sandbox(seeded=False) as sandbox:
        async with connect(sandbox) as api:
            assert await total(api, "/v2/users", page=1) == await total(api, "/v2/external/configurations") == 0
            assert (await api.get("/v2/me")).status_code == 200


async def test_a_file_keeps_its_data_and_is_seeded_once(tmp_path: Path, connect: Connect) -> None:
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as sandbox:
        async with connect(sandbox) as api:
            await api.delete("/v2/people/578495206")
            body = {"external_type": "erp", "object_type": "people"}
            await api.post("/v2/external/configurations", json=body)
    with Sandbox(str(path)) as sandbox:
        async with connect(sandbox) as api:
            assert (await api.get("/v2/people/578495206")).status_code == 404
            assert await total(api, "/v2/external/configurations", external_type="erp") == 1


def test_the_package_imports_nothing_but_itself_and_the_standard_library() -> None:
    program = (
        "import sys, salesloft_mcp.sandbox\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "ours = {name for name in sys.modules if name.startswith('salesloft_mcp.')}\n"
        "assert not names & {'httpx', 'pydantic', 'starlette', 'uvicorn', 'anyio', 'mcp'}, names\n"
        "assert all(name.startswith('salesloft_mcp.sandbox') for name in ours), ours\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


async def test_a_look_up_does_not_read_the_whole_type(connect: Connect) -> None:
    with Sandbox(rate_limit=0) as sandbox:
        store = sandbox.store
        with store.transaction():
            for number in range(20_000):
                store.insert(
                    "mappings",
                    {
                        "external_type": "crm_lead",
                        "object_type": "people",
                        "external_id": f"BULK{number}",
                        "object_id": 578495206,
                        "inserted_at": "2024-02-01T12:00:00Z",
                    },
                )
        steps: list[None] = []
        store._db.set_progress_handler(lambda: steps.append(None), 1)
        async with connect(sandbox) as api:
            wanted = {"external_type": "crm_lead", "object_type": "people", "external_id": "BULK19999"}
            answer = await api.get("/v2/external/mappings", params=wanted)
        assert len(answer.json()["data"]) == 1
        assert len(steps) < 1_000  # of SQLite; there are 20,000 rows
