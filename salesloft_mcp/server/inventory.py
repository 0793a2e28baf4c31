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
    Entry(connection.get_connection, "Which team, user and environment this is", "read"),
    Entry(resolution.resolve_external_ids, "Look up who an external id is", "read"),
    Entry(records.get_records_by_external_id, "Get the fields of records", "read"),
    Entry(search.search_records, "Find people, accounts and users", "read"),
    Entry(configurations.list_external_id_configurations, "Which external types exist", "read"),
    Entry(mappings.list_external_id_mappings, "List the external ids of a record", "read"),
    Entry(audit.audit_external_ids, "Check the quality of external ids", "read"),
    Entry(plans.plan_backfill, "Plan to attach ids to many records", "read"),
    Entry(plans.plan_bulk_upsert, "Plan to import or update many records", "read"),
    Entry(plans.plan_type_rename, "Rename an external type, or move its ids to another", "read"),
    Entry(plans.run_plan, "Run or resume a plan", "write", asks=True),
    Entry(plans.get_plan, "Progress of a run, and rows that failed or were skipped", "read", local=True),
    Entry(plans.cancel_plan, "Stop a run", "write", local=True),
    Entry(
        configurations.create_external_id_configuration,
        "Add an external type for another system",
        "write",
        asks=True,
        adds=True,
    ),
    Entry(mappings.create_external_id_mapping, "Map an external id to a person or account", "write", asks=True),
    Entry(upserts.upsert_person_by_external_id, "Create or update a contact or lead", "write", asks=True),
    Entry(upserts.upsert_account_by_external_id, "Create or update a company", "write", asks=True),
    Entry(mappings.delete_external_id_mapping, "Unlink an external id", "delete", asks=True),
    Entry(
        configurations.delete_external_id_configuration,
        "Delete an external type",
        "delete",
        asks=True,
    ),
    Entry(changes.list_changes, "History of changes", "read"),
    Entry(changes.undo_change, "Undo a change or a run", "write", asks=True),
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
