"""People and accounts written by external id."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import records
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.changes.records import Intent, RecordFields
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import SINGULAR, MappingKey
from salesloft_mcp.server.arguments import ExternalId, ExternalType
from salesloft_mcp.server.writes import writing

_FIELDS = (
    "The fields to write. A field that is left out stays as it is, null clears it, and a list replaces the old one."
)
PersonArgument = Annotated[PersonFields, Field(description=_FIELDS)]
AccountArgument = Annotated[AccountFields, Field(description=_FIELDS)]
IntentArgument = Annotated[
    Intent, Field(description="create_only never changes an existing record; update_only never creates one.")
]


@writing
async def upsert_person_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    person: PersonArgument,
    intent: IntentArgument = "upsert",
) -> Operation:
    """Upsert a person by external id: update the person it stands for, or create the person and the mapping. A new
    person needs email_address, or phone and last_name. A person has to agree to do_not_contact."""
    return await _operation(ctx, MappingKey(external_type, "people", external_id), person, intent)


@writing
async def upsert_account_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    account: AccountArgument,
    intent: IntentArgument = "upsert",
) -> Operation:
    """Upsert an account by external id: update the account it stands for, or create the account and the mapping. A new
    account needs name and domain. A person has to agree to do_not_contact."""
    return await _operation(ctx, MappingKey(external_type, "accounts", external_id), account, intent)


async def _operation(ctx: Context[App, Any], key: MappingKey, fields: RecordFields, intent: Intent) -> Operation:
    """The given fields of the record, as they are and as they shall be.

    Raises:
        InputError: no field is given.
    """
    if not fields.model_fields_set:
        what = "has no field to write."
        raise errors.InputError(SINGULAR[key.object_type], what, next_step="give at least one field.")
    app = ctx.request_context.lifespan_context
    return Operation("", (await records.upsert(app.salesloft, key, fields, intent),))
