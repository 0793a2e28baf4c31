"""People and accounts written by external id."""

import time
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import records
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.changes.records import Intent, RecordFields
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.server.arguments import ExternalId, ExternalType
from salesloft_mcp.server.consent import Asked, Consent, asking
from salesloft_mcp.server.writes import Preview, Written, write

_TOOLS = {"people": "upsert_person_by_external_id", "accounts": "upsert_account_by_external_id"}
_FIELDS = "The fields to write. A field that is left out stays as it is, and null clears it."
PersonArgument = Annotated[PersonFields, Field(description=_FIELDS)]
AccountArgument = Annotated[AccountFields, Field(description=_FIELDS)]
IntentArgument = Annotated[
    Intent, Field(description="create_only never changes an existing record; update_only never creates one.")
]


async def of_person(
    ctx: Context[App, Any], external_type: ExternalType, external_id: ExternalId, person: PersonFields, intent: Intent
) -> Operation:
    """The given fields of the person, as they are and as they shall be."""
    return await _operation(ctx, MappingKey(external_type, "people", external_id), person, intent)


async def of_account(
    ctx: Context[App, Any], external_type: ExternalType, external_id: ExternalId, account: AccountFields, intent: Intent
) -> Operation:
    """The given fields of the account, as they are and as they shall be."""
    return await _operation(ctx, MappingKey(external_type, "accounts", external_id), account, intent)


about_person, answer_on_person = asking(of_person)
about_account, answer_on_account = asking(of_account)


async def upsert_person_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    person: PersonArgument,
    asked: Annotated[Asked, Resolve(about_person)],
    answered: Annotated[ElicitationResult[Consent], Resolve(answer_on_person)],
    intent: IntentArgument = "upsert",
    preview: Preview = False,
) -> Annotated[CallToolResult, Written]:
    """Upsert a person by external id: update the person it stands for, or create the person and the mapping. A new
    person needs email_address, or phone and last_name. A person has to agree to do_not_contact."""
    return await write(ctx, asked, answered, preview)


async def upsert_account_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    account: AccountArgument,
    asked: Annotated[Asked, Resolve(about_account)],
    answered: Annotated[ElicitationResult[Consent], Resolve(answer_on_account)],
    intent: IntentArgument = "upsert",
    preview: Preview = False,
) -> Annotated[CallToolResult, Written]:
    """Upsert an account by external id: update the account it stands for, or create the account and the mapping. A new
    account needs name and domain. A person has to agree to do_not_contact."""
    return await write(ctx, asked, answered, preview)


async def _operation(ctx: Context[App, Any], key: MappingKey, fields: RecordFields, intent: Intent) -> Operation:
    if not fields.model_fields_set:
        name = "person" if key.object_type == "people" else "account"
        raise errors.InputError(name, "has no field to write.", next_step="give at least one field.")
    app, read_at = ctx.request_context.lifespan_context, time.monotonic()
    change = await records.upsert(app.salesloft, key, fields, intent)
    return Operation(_TOOLS[key.object_type], (change,), read_at=read_at)
