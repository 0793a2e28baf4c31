"""People and accounts written by external id."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes.upsert import Intent, Target, holds, read_target, upsert
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import MappingKey, ObjectType
from salesloft_mcp.server import announce, confirm
from salesloft_mcp.server.answers import PointsSpent, RecordView, View, answer, record_view
from salesloft_mcp.server.arguments import ExternalId, ExternalType
from salesloft_mcp.server.confirm import Consent, Granted
from salesloft_mcp.server.log import logged
from salesloft_mcp.server.refusals import unknown_type
from salesloft_mcp.state.changes import Change
from salesloft_mcp.state.local import Question
from salesloft_mcp.text import quoted

Status = Literal["created", "updated", "unchanged"]
_TOOLS = {"people": "upsert_person_by_external_id", "accounts": "upsert_account_by_external_id"}


_FIELDS = "The fields to write. A field that is left out stays as it is, and null clears it."
PersonArgument = Annotated[PersonFields, Field(description=_FIELDS)]
AccountArgument = Annotated[AccountFields, Field(description=_FIELDS)]
IntentArgument = Annotated[
    Intent,
    Field(description="create_only never changes an existing record; update_only never creates one."),
]


class Upserted(View):
    status: Status = Field(description="unchanged: every given field had that value already.")
    record: RecordView = Field(description="The record as it is now.")
    points_spent: PointsSpent


async def person_question(
    ctx: Context[App, Any], external_type: ExternalType, external_id: ExternalId, person: PersonFields, intent: Intent
) -> Question | None:
    """None unless the person would be taken out of every running cadence."""
    return await _question(ctx, MappingKey(external_type, "people", external_id), person, intent)


async def account_question(
    ctx: Context[App, Any], external_type: ExternalType, external_id: ExternalId, account: AccountFields, intent: Intent
) -> Question | None:
    """None unless all people of the account would be stopped."""
    return await _question(ctx, MappingKey(external_type, "accounts", external_id), account, intent)


async def ask_about_person(
    ctx: Context[App, Any], asked: Annotated[Question | None, Resolve(person_question)]
) -> Elicit[Consent] | Granted:
    """A yes or a no, where one is needed."""
    return Granted() if asked is None else confirm.ask(ctx, asked)


async def ask_about_account(
    ctx: Context[App, Any], asked: Annotated[Question | None, Resolve(account_question)]
) -> Elicit[Consent] | Granted:
    """A yes or a no, where one is needed."""
    return Granted() if asked is None else confirm.ask(ctx, asked)


async def upsert_person_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    person: PersonArgument,
    asked: Annotated[Question | None, Resolve(person_question)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_person)],
    intent: IntentArgument = "upsert",
) -> Annotated[CallToolResult, Upserted]:
    """Upsert a person by external id: update the person it stands for, or create the person and the mapping. A new
    person needs email_address, or phone and last_name. A human has to agree to do_not_contact."""
    key = MappingKey(external_type, "people", external_id)
    return await _upsert(ctx, key, person, intent, (asked, answered))


async def upsert_account_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    account: AccountArgument,
    asked: Annotated[Question | None, Resolve(account_question)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_account)],
    intent: IntentArgument = "upsert",
) -> Annotated[CallToolResult, Upserted]:
    """Upsert an account by external id: update the account it stands for, or create the account and the mapping. A
    new account needs name and domain. A human has to agree to do_not_contact."""
    key = MappingKey(external_type, "accounts", external_id)
    return await _upsert(ctx, key, account, intent, (asked, answered))


async def _question(
    ctx: Context[App, Any], key: MappingKey, fields: PersonFields | AccountFields, intent: Intent
) -> Question | None:
    if not fields.do_not_contact:
        return None
    app = ctx.request_context.lifespan_context
    return _about(app, await read_target(app.salesloft, key, intent), fields)


async def _upsert(
    ctx: Context[App, Any],
    key: MappingKey,
    fields: PersonFields | AccountFields,
    intent: Intent,
    consent: tuple[Question | None, ElicitationResult[Any]],
) -> CallToolResult:
    app = ctx.request_context.lifespan_context
    if not fields.model_fields_set:
        name = "person" if key.object_type == "people" else "account"
        raise errors.InputError(name, "has no field to write.", next_step="give at least one field.")
    target = await read_target(app.salesloft, key, intent)
    asked, answered = consent
    confirmed = confirm.settle(app, asked, _about(app, target, fields), answered)
    change = _change(app, key, target, confirmed)
    with logged(app, change, target.record) as settle:
        try:
            written = await upsert(app.salesloft, target, fields)
        except errors.NotFoundError as error:
            raise await unknown_type(app, error, key.external_type, key.object_type) from error
        settle(written.status, written.row)
    if written.status == "created":
        await announce.mapped(ctx, key, written.row.id)
    view = Upserted(status=written.status, record=record_view(written.row), points_spent=current().points)
    return answer(f"{written.status}: {key.object_type} {written.row.id}.", view)


def _about(app: App, target: Target, fields: PersonFields | AccountFields) -> Question | None:
    """The question that has to be asked; None where nothing is stopped, or it is stopped already."""
    stop = type(fields)(do_not_contact=True)
    if not fields.do_not_contact or (target.record is not None and holds(target.record, stop)):
        return None
    facts: dict[str, object] = {
        "external id": quoted(target.key.external_id),
        "external type": quoted(target.key.external_type),
        "record": _described(target),
        "name": quoted((target.record and record_view(target.record).name) or ""),
        "what happens": _consequence(target.key.object_type),
    }
    return confirm.question(app, _TOOLS[target.key.object_type], "Set do_not_contact", facts)


def _described(target: Target) -> str:
    return "a new one" if target.record is None else f"{target.key.object_type} {target.record.id}"


def _consequence(object_type: ObjectType) -> str:
    if object_type == "people":
        return "it leaves every running cadence; setting it back does not undo that"
    return "all its people are stopped; setting it back does not undo that"


def _change(app: App, key: MappingKey, target: Target, confirmed: str) -> Change:
    return Change(
        app.environment,
        _TOOLS[key.object_type],
        key.external_type,
        key.object_type,
        key.external_id,
        None if target.record is None else target.record.id,
        confirmed,
    )
