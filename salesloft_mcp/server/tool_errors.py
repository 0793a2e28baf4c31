"""The one place where errors become words for a model. Nothing of a traceback, a token or a value passes it."""

import logging

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from salesloft_mcp.errors import Hint, SalesloftMcpError, type_and_place
from salesloft_mcp.text import did_you_mean, quoted

TOOL_SECONDS = 20.0  # hosts give up on a call after about half a minute
SHOWN_PROBLEMS = 3
_WORDS = {
    "missing": "is required.",
    "string_type": "must be text in quotes; a number may have lost leading zeros.",
    "bool_type": "must be true or false.",
    "int_type": "must be a whole number.",
    "list_type": "must be a list.",
    "dict_type": "must be an object.",
    "model_type": "must be an object.",
    "too_short": "must have at least {min_length} of them.",
    "too_long": "may have at most {max_length} of them; send the rest in another call.",
    "string_too_long": "may have at most {max_length} characters.",
    "greater_than_equal": "must be at least {ge}.",
    "less_than_equal": "may be at most {le}.",
}
_TOOLS = {
    Hint.LIST_MAPPINGS: "call list_external_id_mappings",
    Hint.LIST_CONFIGURATIONS: "call list_external_id_configurations",
    Hint.CREATE_CONFIGURATION: "create it with create_external_id_configuration",
    Hint.MAP_RECORD: "call create_external_id_mapping",
    Hint.DELETE_MAPPING: "delete the mapping with delete_external_id_mapping",
    Hint.SEARCH_RECORDS: "find the record with search_records",
    Hint.PLAN_AGAIN: "plan it again with plan_backfill",
    Hint.LIST_CHANGES: "look with list_changes",
    Hint.UNDO: "call undo_change",
}

log = logging.getLogger("salesloft_mcp")


def words_of(error: ToolError, tool: str, arguments: type[BaseModel]) -> str:
    """What an error of the tool with this name says to a model. The tool's arguments were read into `arguments`."""
    cause = error.__cause__
    if isinstance(cause, SalesloftMcpError):
        return worded(cause)
    if isinstance(cause, ValidationError):
        return invalid_arguments(cause, arguments)
    if cause is None or isinstance(cause, ToolError):
        return "the client's answer to our question was not of the form that was asked for. Nothing was changed."
    kind, place = type_and_place(cause)
    log.error("%s failed: %s at %s", tool, kind, place)
    return f"{tool} failed inside the server ({kind}); its log says where."


def worded(error: SalesloftMcpError) -> str:
    """An error of ours for a model: its hints name tools."""
    return error.told(_TOOLS)


def failure(words: str) -> CallToolResult:
    """A failed call, told in words."""
    return CallToolResult(is_error=True, content=[TextContent(type="text", text=words)])


def invalid_arguments(error: ValidationError, arguments: type[BaseModel]) -> str:
    """What is wrong with the arguments, field by field, without repeating a value."""
    problems = error.errors(include_url=False, include_input=False, include_context=True)
    lines = [_problem(problem, arguments) for problem in problems]
    shown = list(dict.fromkeys(lines))[:SHOWN_PROBLEMS]
    return "\n".join([*shown, "Next: correct this and call again; nothing was sent."])


def _problem(problem: ErrorDetails, arguments: type[BaseModel]) -> str:
    kind, loc, message = problem["type"], problem["loc"], problem["msg"]
    if kind == "extra_forbidden":
        name = quoted(".".join(map(str, loc)))
        return f"{name} is not known here: {did_you_mean(str(loc[-1]), _names_at(loc, arguments))}"
    # A model may write anything as a key of an object, so the names that are not ours are quoted.
    known = {*arguments.model_fields, *_names_at((*loc[:1], ""), arguments)}
    name = ".".join(str(part) if isinstance(part, int) or part in known else quoted(part, 40) for part in loc)
    if kind == "literal_error":
        message = f"must be {message.removeprefix('Input should be ')}.".replace("'", "")
    words = _WORDS.get(kind, "").format(**problem.get("ctx", {})) or message.removeprefix("Value error, ")
    return f"{name}: {words}"


def _names_at(loc: tuple[int | str, ...], arguments: type[BaseModel]) -> list[str]:
    """The names that are known where `loc` points: those of the arguments, or of a model inside them."""
    for part in loc[:-1]:
        field = arguments.model_fields.get(str(part))
        inner = field.annotation if field is not None else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        arguments = inner
    return list(arguments.model_fields)
