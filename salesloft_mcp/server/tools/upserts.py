"""People and accounts written by external id."""

from dataclasses import replace
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import records, upsert
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.changes.given import Given, GivenAccount, GivenPerson, fields_to_write, references
from salesloft_mcp.changes.records import Intent
from salesloft_mcp.lookups.references import resolve_references
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.server.arguments import ExternalId, ExternalType
from salesloft_mcp.server.writes import writing

_FIELDS = "What is left out or empty stays as it is; a list replaces the old one."
PersonArgument = Annotated[GivenPerson, Field(description=_FIELDS)]
AccountArgument = Annotated[GivenAccount, Field(description=_FIELDS)]
IntentArgument = Annotated[Intent, Field(description="create_only changes no record, update_only creates none.")]


@writing
async def upsert_person_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    person: PersonArgument,
    intent: IntentArgument = "upsert",
) -> Operation:
    """Upsert a person by external id: update it, or create it with the mapping. A new person needs email_address, or
    phone and last_name. Asks a person about do_not_contact, near duplicates and damaged ids.

    Raises what `_operation` raises.
    """
    return await _operation(ctx, MappingKey(external_type, "people", external_id), person, intent)


@writing
async def upsert_account_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    external_id: ExternalId,
    account: AccountArgument,
    intent: IntentArgument = "upsert",
) -> Operation:
    """Upsert an account by external id: update it, or create it with the mapping. A new account needs name and domain.
    Asks a person about do_not_contact, near duplicates and damaged ids.

    Raises what `_operation` raises.
    """
    return await _operation(ctx, MappingKey(external_type, "accounts", external_id), account, intent)


async def _operation(ctx: Context[App, Any], key: MappingKey, given: Given, intent: Intent) -> Operation:
    """The given fields of the record, as they are and as they shall be.

    Raises:
        InputError: something of it cannot be right. MissingError: an account, an owner or the type is not there.
        ConflictError: another record has the e-mail or the domain, or the external id stands for something else.
    """
    app, named = ctx.request_context.lifespan_context, references(given)
    fields, taken = fields_to_write(given)
    resolved = await resolve_references(app.lookups, named.values())
    for name, reference in named.items():
        found = resolved[reference]
        if isinstance(found, errors.SalesloftMcpError):
            raise found
        fields = fields.model_copy(update={name: found})
    await app.custom_fields.check(key.object_type, fields.custom_fields or ())
    change = await records.upsert(app.salesloft, key, fields, intent)
    operation = await upsert.checked(app.changes, change)
    return replace(operation, notes=tuple(f"{one}." for one in taken))
