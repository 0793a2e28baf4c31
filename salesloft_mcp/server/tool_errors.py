"""The one place where errors become words for a model. Nothing of a traceback, a token or a value passes it."""

import logging
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ValidationError

from salesloft_mcp.errors import Hint, SalesloftMcpError, type_and_place
from salesloft_mcp.validation import problems

TOOL_SECONDS = 20.0  # hosts give up on a call after about half a minute
_TOOLS = {
    Hint.LIST_MAPPINGS: "call list_external_id_mappings",
    Hint.LIST_CONFIGURATIONS: "call list_external_id_configurations",
    Hint.CREATE_CONFIGURATION: "create it with create_external_id_configuration",
    Hint.MAP_RECORD: "call create_external_id_mapping",
    Hint.DELETE_MAPPING: "delete the mapping with delete_external_id_mapping",
    Hint.SEARCH_RECORDS: "find the record with search_records",
    Hint.PLAN_AGAIN: "plan it again with plan_backfill, plan_bulk_upsert or plan_type_rename",
    Hint.LIST_CHANGES: "look with list_changes",
    Hint.UNDO: "call undo_change",
}

log = logging.getLogger("salesloft_mcp")


def words_of(error: ToolError, tool: str, arguments: type[BaseModel]) -> str:
    """What an error of the tool with this name says to a model. The tool's arguments were read into `arguments`."""
    cause = error.__cause__
    if isinstance(cause, SalesloftMcpError):
        return worded(cause)
    if isinstance(cause, ValidationError) and cause.title == arguments.__name__:  # any other is a fault of ours
        return invalid_arguments(cause, arguments)
    kind, place = type_and_place(cause or error)
    log.error("%s failed: %s at %s", tool, kind, place)
    return f"{tool} failed inside the server ({kind}); its log says where."


def worded(error: SalesloftMcpError) -> str:
    """An error of ours for a model: its hints name tools."""
    return error.told(_TOOLS)


def failure(words: str, meta: dict[str, Any] | None = None) -> CallToolResult:
    """A failed call, told in words. `meta` is for the host, and no model reads it."""
    return CallToolResult(is_error=True, content=[TextContent(type="text", text=words)], _meta=meta or None)


def invalid_arguments(error: ValidationError, arguments: type[BaseModel]) -> str:
    """What is wrong with the arguments, field by field, without repeating a value."""
    return "\n".join([*problems(error, arguments), "Next: correct this and call again; nothing was sent."])
