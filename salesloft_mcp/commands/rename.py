"""`salesloft-mcp rename`: all mappings of an external type given to another type, planned."""

from functools import partial
from typing import Unpack

from salesloft_mcp.bulk.plan_renames import load_mappings, rename
from salesloft_mcp.commands.live import Where
from salesloft_mcp.commands.plan_output import make_of
from salesloft_mcp.intake.values import external_id
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_TYPE


def plan_rename(external_type: str, new: str, object_type: ObjectType, as_json: bool, **where: Unpack[Where]) -> None:
    """Make a plan, and show it with the mappings that need attention."""
    external_id(external_type, "TYPE", MAX_EXTERNAL_TYPE)
    external_id(new, "--to", MAX_EXTERNAL_TYPE)
    aim = rename(external_type, object_type, new)
    make_of(aim, lambda app: (partial(load_mappings, api=app.salesloft), f"type {external_type}"), as_json, **where)
