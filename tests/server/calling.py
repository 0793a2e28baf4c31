"""Calling a tool, and what a test wants to know of the answer and of what was sent for it."""

import json
from dataclasses import dataclass, replace
from typing import Any

from mcp.client import Client

from salesloft_mcp.app import App
from salesloft_mcp.policy import Mode
from salesloft_mcp.sandbox import Sandbox
from tests.server.human import text
from tests.server.snapshot import listed

SCHEMAS = {tool["name"]: tool["outputSchema"] for tool in listed()}


@dataclass(frozen=True)
class Reply:
    """What a tool answered: the whole text, and the words of it that are not data."""

    failed: bool
    words: str
    data: dict[str, Any]
    text: str

    @property
    def tokens(self) -> float:
        return len(self.text) / 4


def unpublished(value: Any, schema: dict[str, Any] | bool) -> list[str]:
    """The names in an answer that the schema of its tool does not know."""
    if isinstance(value, list) and isinstance(schema, dict):
        return [name for one in value for name in unpublished(one, schema.get("items", {}))]
    if not isinstance(value, dict) or not isinstance(schema, dict):
        return []
    known, more = schema.get("properties", {}), schema.get("additionalProperties", False)
    lost = [name for name in value if name not in known and not more]
    return lost + [one for name in value for one in unpublished(value[name], known.get(name, more))]


async def call(client: Client, tool: str, /, **arguments: Any) -> Reply:
    """Call a tool by name. The text of every success is a sentence and the same data, so that it says all by itself."""
    result = await client.call_tool(tool, arguments)
    said, data = text(result), result.structured_content or {}
    if result.is_error:
        return Reply(True, said, data, said)
    assert not unpublished(data, SCHEMAS[tool])
    sentence, _, same = said.partition("\n")
    assert same == json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return Reply(False, sentence, data, said)


async def refused(client: Client, tool: str, /, **arguments: Any) -> str:
    """The words of a call that has to fail."""
    reply = await call(client, tool, **arguments)
    assert reply.failed, reply
    assert not reply.data
    return reply.words


def narrowed(app: App, mode: Mode) -> App:
    """The same live parts in another mode."""
    changes = replace(app.changes, limits=replace(app.changes.limits, mode=mode))
    return replace(app, settings=app.settings.model_copy(update={"mode": mode}), changes=changes)


def tokens(value: object) -> float:
    """Four characters of compact JSON are about one token."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) / 4


def writes(sandbox: Sandbox) -> list[str]:
    """The requests that were not reads, oldest first."""
    return [f"{one.method} {one.raw_path.decode()}" for one in sandbox.requests if one.method != "GET"]
