"""Every tool once: what it is called, what kind it is, and whether a person has to agree."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from mcp_types import ToolAnnotations

from salesloft_mcp.errors import PolicyError, SettingsError
from salesloft_mcp.policy import MEND, NO_LIMITS, Mode, Policy
from salesloft_mcp.server.sdk import CheckedTool, checked_tool
from salesloft_mcp.server.tools import (
    audit,
    changes,
    configurations,
    connection,
    mappings,
    plans,
    records,
    resolution,
    search,
    upserts,
)
from salesloft_mcp.text import did_you_mean, quoted

Kind = Literal["read", "write", "delete"]
_ALLOWED: dict[Mode, tuple[Kind, ...]] = {
    "full": ("read", "write", "delete"),
    "no-delete": ("read", "write"),
    "read-only": ("read",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool. `asks` says that a person may have to agree before it does anything, `adds` that it never changes or
    removes what stands there, `local` that it works with what this server keeps itself and sends nothing.
    """

    fn: Callable[..., Any]
    title: str
    kind: Kind
    asks: bool = False
    adds: bool = False
    local: bool = False

    @property
    def name(self) -> str:
        return self.fn.__name__


INVENTORY = (
    Entry(connection.get_connection, "Connection", "read"),
    Entry(resolution.resolve_external_ids, "Resolve external ids", "read"),
    Entry(records.get_records_by_external_id, "Get records by external id", "read"),
    Entry(search.search_records, "Search records", "read"),
    Entry(configurations.list_external_id_configurations, "List configurations", "read"),
    Entry(mappings.list_external_id_mappings, "List mappings", "read"),
    Entry(audit.audit_external_ids, "Audit external ids", "read"),
    Entry(plans.plan_backfill, "Plan a backfill", "read"),
    Entry(plans.plan_bulk_upsert, "Plan a bulk upsert", "read"),
    Entry(plans.plan_type_rename, "Plan a rename of a type", "read"),
    Entry(plans.run_plan, "Run a plan", "write", asks=True),
    Entry(plans.get_plan, "Get a plan", "read", local=True),
    Entry(plans.cancel_plan, "Cancel a plan", "write", local=True),
    Entry(configurations.create_external_id_configuration, "Create a configuration", "write", asks=True, adds=True),
    Entry(mappings.create_external_id_mapping, "Map an external id", "write", asks=True),
    Entry(upserts.upsert_person_by_external_id, "Upsert a person", "write", asks=True),
    Entry(upserts.upsert_account_by_external_id, "Upsert an account", "write", asks=True),
    Entry(mappings.delete_external_id_mapping, "Delete a mapping", "delete", asks=True),
    Entry(configurations.delete_external_id_configuration, "Delete a configuration", "delete", asks=True),
    Entry(changes.list_changes, "List changes", "read"),
    Entry(changes.undo_change, "Undo a change", "write", asks=True),
)
NAMES = tuple(entry.name for entry in INVENTORY)


def chosen(
    mode: Mode, only: tuple[str, ...] = (), without: tuple[str, ...] = (), policy: Policy = NO_LIMITS
) -> tuple[Entry, ...]:
    """The tools that `mode` and the policy allow, narrowed by name.

    Raises:
        SettingsError: a name that is no tool.
        PolicyError: one of `only` is not allowed, or the policy names what is no tool.
    """
    check_policy(policy)
    for name in (*only, *without):
        if name not in NAMES:
            option = "--tools" if name in only else "--exclude-tools"
            raise SettingsError(option, f"there is no tool {quoted(name)}.", next_step=did_you_mean(name, NAMES))
    for name in only:
        policy.require_tool(name, f"--tools {name}")
    allowed = _ALLOWED[mode]
    return tuple(
        entry
        for entry in INVENTORY
        if entry.kind in allowed
        and policy.allows_tool(entry.name)
        and entry.name not in without
        and (not only or entry.name in only)
    )


def check_policy(policy: Policy) -> None:
    """
    Raises:
        PolicyError: it names what is no tool, so that it does not limit what it was meant to limit.
    """
    for name in (*policy.tools, *policy.exclude_tools):
        if name not in NAMES:
            what = f"the policy of this computer cannot be used: there is no tool {quoted(name)}."
            raise PolicyError(policy.file, what, next_step=f"{did_you_mean(name, NAMES)} {MEND}.")


@cache
def build_tool(entry: Entry) -> CheckedTool:
    """The tool of an entry, with all four hints stated."""
    hints = ToolAnnotations(
        read_only_hint=entry.kind == "read",
        destructive_hint=entry.asks and not entry.adds,
        idempotent_hint=True,
        open_world_hint=not entry.local,
    )
    return checked_tool(entry.fn, entry.title, hints)
