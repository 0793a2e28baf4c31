"""`python -m tests.server.snapshot` writes tools_list.json anew: what clients see of every tool, to be reviewed."""

import json
from pathlib import Path
from typing import Any

from salesloft_mcp.policy import Mode
from salesloft_mcp.server.inventory import build_tool, chosen

FILE = Path(__file__).with_name("tools_list.json")


def listed(mode: Mode = "full") -> list[dict[str, Any]]:
    """The tools as `tools/list` gives them, built without a server."""
    found = []
    for tool in (build_tool(entry) for entry in chosen(mode)):
        assert tool.annotations is not None
        found.append(
            {
                "name": tool.name,
                "title": tool.title,
                "description": tool.description,
                "inputSchema": tool.parameters,
                "outputSchema": tool.output_schema,
                "annotations": tool.annotations.model_dump(mode="json", by_alias=True, exclude_none=True),
            }
        )
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(listed(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
