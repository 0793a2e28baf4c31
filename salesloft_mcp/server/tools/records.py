"""The records behind external ids, or of Salesloft's own."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.refusals import unless_configured
from salesloft_mcp.errors import InputError, NotFoundError
from salesloft_mcp.lookups.known_records import records_by_id
from salesloft_mcp.salesloft import models
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import ObjectType, Record, Scope
from salesloft_mcp.salesloft.paging import pages
from salesloft_mcp.server import answers, arguments


class Records(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    missing: list[str] = Field([], description="The external ids that no record has.")
    not_shown: list[str] = Field(
        [], description="The external ids of records that are gone, or hidden from this token."
    )
    missing_object_ids: list[int] = Field(
        [], description="The Salesloft ids of records that are gone, or hidden from this token."
    )
    omitted: int = Field(0, description="How many records did not fit; ask for fewer ids.")


async def get_records_by_external_id(
    ctx: Context[App, Any],
    object_type: arguments.KindOfRecord,
    external_type: arguments.TypeOfIds = "",
    external_ids: arguments.ExternalIds = [],  # noqa: B006 - it is only read
    object_ids: arguments.ObjectIds = [],  # noqa: B006 - likewise
    with_external_ids: arguments.WithExternalIds = False,
    detail: arguments.Detail = "concise",
) -> Annotated[CallToolResult, Records]:
    """Get the fields of records by external id or object_ids, such as e-mail, phone, title and owner.
    resolve_external_ids tells who an id is."""
    app = ctx.request_context.lifespan_context
    asked: object = external_ids
    if asked is True:
        external_ids, with_external_ids = [], True
    _check(external_type, external_ids, object_ids)
    wanted = list(dict.fromkeys(external_ids))
    rows = await _by_external_id(app, external_type, object_type, wanted) if wanted else {}
    held = {}
    if wanted and len(rows) != len(wanted):
        held = (await app.lookups.resolve(wanted, Scope(external_type, object_type))).mappings
    own = [one for one in dict.fromkeys(object_ids) if one not in rows]
    found = rows | (await records_by_id(app.salesloft, object_type, own) if own else {})
    ids = await app.lookups.ids_of(object_type, found) if with_external_ids else {}
    shown = answers.fitting(_views(found.values(), ids, full=detail == "full"))
    view = Records(
        records=shown,
        missing=[one for one, rows_of in held.items() if not rows_of],
        not_shown=[one for one, of in held.items() if of and rows.keys().isdisjoint(row.object_id for row in of)],
        missing_object_ids=[one for one in dict.fromkeys(object_ids) if one not in found],
        omitted=len(found) - len(shown),
    )
    return answers.read(_sentence(len(found), len({*wanted, *object_ids}), view), view)


def _check(external_type: str, external_ids: Sequence[str], object_ids: Sequence[int]) -> None:
    """
    Raises:
        InputError: nothing is asked for, or external ids without their type.
    """
    if external_ids and not external_type:
        raise InputError("external_type", "is needed with external_ids.", next_step="give the type of these ids.")
    if not external_ids and not object_ids:
        what = "nothing to get."
        step = "give external_ids with their external_type, or object_ids, which are Salesloft's own."
        raise InputError("external_ids", what, next_step=step)


async def _by_external_id(
    app: App, external_type: str, object_type: ObjectType, external_ids: Sequence[str]
) -> dict[int, Record]:
    try:
        listed = pages(partial(app.salesloft.list_records, external_type, object_type, external_ids))
        return {row.id: row async for some in listed for row in some}
    except NotFoundError as error:
        raise await unless_configured(app.configurations, error, external_type, object_type) from error


def _views(
    records: Iterable[Record], ids: Mapping[int, Sequence[models.Mapping]], *, full: bool
) -> Iterable[answers.RecordView]:
    for record in records:
        view = answers.record_view(record, full=full)
        if record.id in ids:
            view.external_ids = answers.by_type(ids[record.id])
        yield view


def _sentence(found: int, asked: int, view: Records) -> str:
    """As many records as ids are no proof that no id is missing, so nothing is said of it then."""
    words = f"{answers.count(found, 'record')} for {answers.count(asked, 'id')}"
    words += f", {len(view.missing)} missing." if view.missing else "."
    if hidden := len(view.not_shown):
        words += (
            f" {'1 record is' if hidden == 1 else f'{hidden} records are'} mapped, but gone or hidden from this token."
        )
    if gone := len(view.missing_object_ids):
        words += (
            f" {answers.count(gone, 'Salesloft id')} {'is' if gone == 1 else 'are'} gone or hidden from this token."
        )
    if unread := current().unread:
        words += f" {answers.count(unread, 'row')} of Salesloft's answer cannot be read."
    return words
