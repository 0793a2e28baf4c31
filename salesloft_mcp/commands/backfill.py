"""`salesloft-mcp backfill`: many mappings from a file or a custom field, planned."""

from pathlib import Path
from typing import Unpack

import click

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.commands.live import Where
from salesloft_mcp.commands.plan_output import make
from salesloft_mcp.salesloft.models import ObjectType


def plan(
    file: Path | None,
    custom_field: str,
    external_type: str,
    object_type: ObjectType,
    columns: tuple[str, ...],
    as_json: bool,
    **where: Unpack[Where],
) -> None:
    """Make a plan, and show it with the rows that need attention."""
    if (file is None) == (not custom_field):
        raise click.UsageError("Give either FILE or --custom-field.")
    make(Aim(external_type, object_type), file, custom_field, columns, as_json, **where)
