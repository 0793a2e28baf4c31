"""Deletions: named by what they are, read back, agreed to by a person, and read again right before."""

from collections.abc import Sequence
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, Resolve
from mcp_types import CallToolResult

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Configuration, Mapping, MappingKey, ObjectType
from salesloft_mcp.salesloft.paging import live_configurations, live_mappings, mappings_of
from salesloft_mcp.server import acts, confirm
from salesloft_mcp.server.acts import By, row_id
from salesloft_mcp.server.answers import (
    View,
    answer,
    count,
)
from salesloft_mcp.server.arguments import ExternalId, ExternalType, ObjectTypeArgument, WhichId
from salesloft_mcp.server.confirm import Consent, Granted, Retype
from salesloft_mcp.state.local import Question
from salesloft_mcp.text import quoted

DELETE_MAPPING = "delete_external_id_mapping"
DELETE_CONFIGURATION = "delete_external_id_configuration"
SAVE_AT_MOST = 10_000  # mappings; a hundred points, and a few seconds


class DeletedMapping(View):
    mapping_id: int
    object_id: int
    points_spent: int


class DeletedConfiguration(View):
    configuration_id: int
    live_mappings: int | None = None
    points_spent: int


async def mapping_question(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    external_id: ExternalId,
    mapping_id: WhichId,
) -> Question:
    """What would go, as Salesloft shows it now."""
    app = ctx.request_context.lifespan_context
    row = await read_mapping(app, MappingKey(external_type, object_type, external_id), mapping_id)
    return _about_mapping(app, row)


async def ask_about_mapping(
    ctx: Context[App, Any], asked: Annotated[Question, Resolve(mapping_question)]
) -> Elicit[Consent] | Granted:
    """A yes or a no."""
    return confirm.ask(ctx, asked)


async def configuration_question(
    ctx: Context[App, Any], external_type: ExternalType, object_type: ObjectTypeArgument, configuration_id: WhichId
) -> Question:
    """What would go, and how much hangs on it."""
    app = ctx.request_context.lifespan_context
    row = await read_configuration(app, external_type, object_type, configuration_id)
    return _about_configuration(app, row, await hanging(app, external_type, object_type))


async def ask_about_configuration(
    ctx: Context[App, Any], asked: Annotated[Question, Resolve(configuration_question)]
) -> Elicit[Consent] | Granted:
    """The name of what would go, typed by hand."""
    return confirm.ask(ctx, asked, Retype)


async def delete_external_id_mapping(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    external_id: ExternalId,
    asked: Annotated[Question, Resolve(mapping_question)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_mapping)],
    mapping_id: WhichId = 0,
) -> Annotated[CallToolResult, DeletedMapping]:
    """Take an external id off its record, after a human has agreed; the record stays. mapping_id only when several
    mappings fit."""
    app = ctx.request_context.lifespan_context
    row = await read_mapping(app, MappingKey(external_type, object_type, external_id), mapping_id)
    confirmed = confirm.settle(app, asked, _about_mapping(app, row), answered)
    await acts.unmap(ctx, row, By(DELETE_MAPPING, confirmed))
    view = DeletedMapping(mapping_id=row_id(row), object_id=row.object_id, points_spent=current().points)
    return answer(f"deleted: mapping {row.id} of {object_type} {row.object_id}; the record stays.", view)


async def delete_external_id_configuration(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    asked: Annotated[Question, Resolve(configuration_question)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_configuration)],
    configuration_id: WhichId = 0,
) -> Annotated[CallToolResult, DeletedConfiguration]:
    """Delete an external type for one kind of object, after a human has typed its name. Its ids stop resolving
    records."""
    app = ctx.request_context.lifespan_context
    number = await hanging(app, external_type, object_type)
    kept = await keepsakes(app, external_type, object_type, number)
    row = await read_configuration(app, external_type, object_type, configuration_id)
    confirmed = confirm.settle(app, asked, _about_configuration(app, row, number), answered, row.external_type)
    await acts.unconfigure(ctx, row, kept, By(DELETE_CONFIGURATION, confirmed))
    view = DeletedConfiguration(configuration_id=row.id, live_mappings=number, points_spent=current().points)
    return answer(f"deleted: configuration {row.id}.", view)


async def read_mapping(app: App, key: MappingKey, mapping_id: int) -> Mapping:
    """The one live mapping that is meant.

    Raises:
        MissingError: none fits. ConflictError: several fit, or Salesloft gives no id to delete by.
    """
    rows = [row for row in await live_mappings(app.salesloft, key) if mapping_id in (0, row.id)]
    if not rows:
        step = "look with list_external_id_mappings; ids are compared exactly."
        raise errors.MissingError("external_id: there is no such live mapping. Nothing was deleted.", next_step=step)
    if len(rows) > 1:
        listed = ", ".join(f"{row.id} ({row.object_type} {row.object_id})" for row in rows[:5])
        what = f"mapping_id: {count(len(rows), 'mapping')} fit. Nothing was deleted."
        raise errors.ConflictError(what, next_step=f"ask the person which one, and give its mapping_id: {listed}.")
    return acts.deletable(rows[0])


async def read_configuration(
    app: App, external_type: str, object_type: ObjectType, configuration_id: int
) -> Configuration:
    """The one live configuration that is meant.

    Raises:
        MissingError: none fits. ConflictError: several fit.
    """
    rows = [
        row
        for row in await live_configurations(app.salesloft)
        if (row.external_type, row.object_type) == (external_type, object_type) and configuration_id in (0, row.id)
    ]
    if not rows:
        step = "look with list_external_id_configurations; names are compared exactly."
        what = "external_type: there is no such live configuration. Nothing was deleted."
        raise errors.MissingError(what, next_step=step)
    if len(rows) > 1:
        step = f"give configuration_id: {', '.join(str(row.id) for row in rows[:5])}."
        what = "configuration_id: several configurations fit. Nothing was deleted."
        raise errors.ConflictError(what, next_step=step)
    return rows[0]


async def hanging(app: App, external_type: str, object_type: ObjectType) -> int | None:
    """How many live mappings use a configuration, for one point; None when Salesloft does not count."""
    found = await app.salesloft.list_mappings(
        external_type=external_type, object_type=object_type, deleted=False, per_page=1, counts=True
    )
    return found.total if found.total is not None or found.next_page else len(found.rows)


async def keepsakes(app: App, external_type: str, object_type: ObjectType, number: int | None) -> Sequence[Mapping]:
    """The mappings of a configuration, to be saved before its deletion; none where they are too many."""
    found = await mappings_of(app.salesloft, external_type, object_type, total=number or 0, most=SAVE_AT_MOST)
    return found or ()


def mapping_facts(row: Mapping) -> dict[str, object]:
    """What a person is told of a mapping that would go."""
    return {
        "external id": quoted(row.external_id),
        "external type": quoted(row.external_type),
        "record": f"{row.object_type} {row.object_id}",
        "mapping id": row_id(row),
        "what happens": "the record stays, but is no longer found by this external id",
    }


def configuration_facts(row: Configuration, number: int | None) -> dict[str, object]:
    """What a person is told of a configuration that would go."""
    few = number is not None and number <= SAVE_AT_MOST
    return {
        "external type": quoted(row.external_type),
        "object type": row.object_type,
        "configuration id": row.id,
        "live mappings that use it": "unknown" if number is None else number,
        "what happens": "no record is found by this external type any more",
        "way back": f"undo_change; its mappings {'are saved first' if few else 'may be too many to be saved'}",
    }


def _about_mapping(app: App, row: Mapping) -> Question:
    return confirm.question(app, DELETE_MAPPING, "Delete this external id mapping", mapping_facts(row))


def _about_configuration(app: App, row: Configuration, number: int | None) -> Question:
    facts = configuration_facts(row, number)
    return confirm.question(app, DELETE_CONFIGURATION, "Delete this external id configuration", facts)
