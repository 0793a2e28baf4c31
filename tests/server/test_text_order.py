"""What matters of an answer stands first in its text: some hosts cut it, one after 839 characters."""

import json
from typing import Any

import pytest

from tests.conftest import Connect, one_era
from tests.server.calling import call

pytestmark = pytest.mark.anyio
era = one_era
SEEN = 839  # characters that Copilot CLI shows of a long answer
LEAD: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_external_id_mappings", {"external_type": "crm_lead", "limit": 80}),
        ("audit_external_ids", {}),
        ("resolve_external_ids", {"external_ids": [f"CONTACT{number}" for number in range(1001, 1099)]}),
        (
            "plan_backfill",
            {**LEAD, "rows": [{"external_id": f"N{one}", "email": f"{one}@x.test"} for one in range(50)]},
        ),
        ("list_changes", {}),
    ],
)
async def test_all_but_long_lists_and_objects_is_seen_where_an_answer_is_cut(
    connect: Connect, tool: str, arguments: dict[str, Any]
) -> None:
    async with connect() as client:
        for number in range(12):
            new = {**LEAD, "external_id": f"X{number}", "object_id": 207550100 + number}
            await call(client, "create_external_id_mapping", **new)
        result = await client.call_tool(tool, arguments)
    text = result.content[0].text  # type: ignore[union-attr]
    assert result.structured_content is not None
    assert len(text) > SEEN
    for name, value in result.structured_content.items():
        written = json.dumps({name: value}, separators=(",", ":"), ensure_ascii=False)[1:-1]
        if not isinstance(value, list | dict):
            assert written in text[:SEEN], name
