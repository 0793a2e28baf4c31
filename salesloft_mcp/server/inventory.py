"""Every tool once: what it is called, what kind it is, and whether a person has to agree."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from mcp_types import ToolAnnotations

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.server.schemas import answered, compact
from salesloft_mcp.server.tool_errors import CheckedTool
from salesloft_mcp.server.tools import (
    audit,
    backfills,
    changes,
    connection,
    creates,
    deletes,
    lists,
    records,
    resolution,
    upserts,
)
from salesloft_mcp.server.two_step import with_code
from salesloft_mcp.settings import ConfirmMode, Mode
from salesloft_mcp.text import did_you_mean, quoted

Kind = Literal["read", "write", "delete"]
_ALLOWED: dict[Mode, tuple[Kind, ...]] = {
    "full": ("read", "write", "delete"),
    "no-delete": ("read", "write"),
    "read-only": ("read",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool. `asks` says that a person may have to agree before it does anything."""

    fn: Callable[..., Any]
    title: str
    kind: Kind
    asks: bool = False

    @property
    def name(self) -> str:
        return self.fn.__name__


INVENTORY = (
    Entry(connection.get_connection, "Connection", "read"),
    Entry(resolution.resolve_external_ids, "Resolve external ids", "read"),
    Entry(records.get_records_by_external_id, "Get records by external id", "read"),
    Entry(records.search_records, "Search records", "read"),
    Entry(lists.list_external_id_configurations, "List configurations", "read"),
    Entry(lists.list_external_id_mappings, "List mappings", "read"),
    Entry(audit.audit_external_ids, "Audit external ids", "read"),
    Entry(backfills.plan_backfill, "Plan a backfill", "read"),
    Entry(backfills.run_backfill, "Run a backfill", "write", asks=True),
    Entry(backfills.get_backfill, "Get a backfill", "read"),
    Entry(backfills.cancel_backfill, "Cancel a backfill", "write"),
    Entry(creates.create_external_id_configuration, "Create a configuration", "write"),
    Entry(creates.create_external_id_mapping, "Map an external id", "write", asks=True),
    Entry(upserts.upsert_person_by_external_id, "Upsert a person", "write", asks=True),
    Entry(upserts.upsert_account_by_external_id, "Upsert an account", "write", asks=True),
    Entry(deletes.delete_external_id_mapping, "Delete a mapping", "delete", asks=True),
    Entry(deletes.delete_external_id_configuration, "Delete a configuration", "delete", asks=True),
    Entry(changes.list_changes, "List changes", "read"),
    Entry(changes.undo_change, "Undo a change", "write", asks=True),
)
NAMES = tuple(entry.name for entry in INVENTORY)


def chosen(mode: Mode, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> tuple[Entry, ...]:
    """The tools that `mode` allows, narrowed by name.

    Raises:
        SettingsError: a name that is no tool.
    """
    for name in (*only, *without):
        if name not in NAMES:
            option = "--tools" if name in only else "--exclude-tools"
            raise SettingsError(option, f"there is no tool {quoted(name)}.", next_step=did_you_mean(name, NAMES))
    allowed = _ALLOWED[mode]
    return tuple(
        entry
        for entry in INVENTORY
        if entry.kind in allowed and entry.name not in without and (not only or entry.name in only)
    )


@cache
def build_tool(entry: Entry, confirm: ConfirmMode) -> CheckedTool:
    """The tool as the protocol library wants it: unknown arguments refused, schemas compact, all hints stated."""
    tool = CheckedTool.from_function(entry.fn, title=entry.title, annotations=_hints(entry))
    assert isinstance(tool, CheckedTool)
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    parameters = compact(tool.parameters) | {"additionalProperties": False}
    tool.parameters = with_code(parameters) if entry.asks and confirm == "two-step" else parameters
    tool.description = " ".join(tool.description.split())
    if tool.fn_metadata.output_schema is not None:
        tool.fn_metadata.output_schema = answered(tool.fn_metadata.output_schema)
    return tool


def _hints(entry: Entry) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=entry.kind == "read",
        destructive_hint=entry.asks,
        idempotent_hint=True,
        open_world_hint=True,
    )
