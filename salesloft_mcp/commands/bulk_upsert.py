"""`salesloft-mcp bulk-upsert`: many people or accounts created or updated from a file, planned."""

from pathlib import Path
from typing import Unpack

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.changes.records import Intent
from salesloft_mcp.commands.live import Where
from salesloft_mcp.commands.plan_output import make
from salesloft_mcp.salesloft.models import ObjectType


def plan_upserts(
    file: Path,
    external_type: str,
    object_type: ObjectType,
    intent: Intent,
    columns: tuple[str, ...],
    as_json: bool,
    **where: Unpack[Where],
) -> None:
    """Make a plan, and show it with the rows that need attention."""
    make(Aim(external_type, object_type, intent), file, "", columns, as_json, **where)
