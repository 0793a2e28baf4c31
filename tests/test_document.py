"""Every statement of the document is proven by a test, and what the tests of the document share."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client
from mcp_types import TextResourceContents

from salesloft_mcp.sandbox import Sandbox
from tests.document import PRINTED, PROOFS, STATEMENTS, printed

CONFIGURATIONS = "/v2/external/configurations"
MAPPINGS = "/v2/external/mappings"
IDS = "/v2/external/ids"
NOT_JSON = {"view_configurations_answer", "view_mappings_multiple_answer", "list_objects_answer"}


def raw(sandbox: Sandbox, token: str | None = None) -> httpx.AsyncClient:
    """The API itself, with the sandbox's key unless another token is given."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(sandbox),
        base_url="http://sandbox.localhost",
        headers={"Authorization": f"Bearer {token or sandbox.api_key}"},
    )


def stub(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """A Salesloft that gives this answer to everything."""
    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://api.salesloft.com")


async def rows(sandbox: Sandbox, path: str, **params: str | int) -> list[dict[str, Any]]:
    """What the API lists, whether `data` is a list or a lone object."""
    async with raw(sandbox) as api:
        data = (await api.get(path, params=params)).json()["data"]
    return data if isinstance(data, list) else [data]


async def call(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    """The structured answer of a tool that succeeds."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: object) -> str:
    """The words of a tool that refuses."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return " ".join(block.text for block in result.content if block.type == "text")


async def resolved(client: Client, external_id: str, external_type: str = "") -> list[tuple[str, int]]:
    """The one object an external id stands for; none when it is not mapped."""
    found = await call(client, "resolve_external_ids", external_ids=[external_id], external_type=external_type)
    assert "ambiguous" not in found
    return [(group["object_type"], group["ids"][external_id]) for group in found["found"]]


async def read(client: Client, address: str) -> list[dict[str, Any]]:
    """The rows of a resource."""
    (content,) = (await client.read_resource(address)).contents
    assert isinstance(content, TextResourceContents)
    found: list[dict[str, Any]] = json.loads(content.text)
    return found


def proofs() -> dict[str, list[str]]:
    """Statement ids and their tests, from every file of the document's tests, whichever pytest was asked to run."""
    for file in sorted(Path(__file__).parent.glob("test_document_*.py")):
        import_module(f"tests.{file.stem}")
    return PROOFS


def test_every_statement_is_proven_by_a_test() -> None:
    assert {statement.id for statement in STATEMENTS} - proofs().keys() == set()


def test_every_proof_is_a_test_of_a_statement_that_exists() -> None:
    assert proofs().keys() - {statement.id for statement in STATEMENTS} == set()
    assert all(name.startswith("test_") for names in proofs().values() for name in names)


def test_every_statement_is_said_once_and_says_what_follows() -> None:
    assert len({statement.id for statement in STATEMENTS}) == len(STATEMENTS)
    assert all(statement.quote and statement.requirement for statement in STATEMENTS)


@pytest.mark.parametrize("file", sorted(PRINTED.iterdir()), ids=lambda file: file.name)
def test_an_example_is_kept_as_json_exactly_when_the_document_prints_json(file: Path) -> None:
    assert (file.suffix == ".txt") is (file.stem in NOT_JSON)
    if file.stem in NOT_JSON:
        with pytest.raises(ValueError, match="Expecting property name"):
            json.loads(printed(file.stem))
    else:
        assert json.loads(printed(file.stem))
