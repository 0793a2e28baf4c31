"""What a refusal of Salesloft's usually means, and the way on."""

from collections.abc import Sequence

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.lookups.configurations import nearest_types
from salesloft_mcp.salesloft.models import Configuration, ObjectType
from salesloft_mcp.text import quoted


async def refused_mapping(
    app: App, error: errors.RejectedError, external_type: str, object_type: ObjectType, object_id: int
) -> errors.SalesloftMcpError:
    """A refused mapping has two usual causes: the type is not configured, or the object does not exist."""
    if "object_id" in error.fields:
        what = f"object_id: there is no {object_type} {object_id}."
        return errors.MissingError(what, next_step=(errors.Hint.SEARCH_RECORDS, "."))
    if "external_type" in error.fields:
        return await unknown_type(app, error, external_type, object_type)
    return error


async def unknown_type(
    app: App, error: errors.ApiError, external_type: str, object_type: ObjectType
) -> errors.SalesloftMcpError:
    """What a refusal means when there is no such configuration: the nearest ones, and how to make it.

    Where there is one, `error` had another cause and stands.
    """
    app.configurations.forget()
    known = await app.configurations.live()
    if any((one.external_type, one.object_type) == (external_type, object_type) for one in known):
        return error
    return not_configured(external_type, object_type, known)


def not_configured(
    external_type: str, object_type: ObjectType, known: Sequence[Configuration]
) -> errors.SalesloftMcpError:
    """There is no such configuration among the `known`: the nearest ones, and how to make it."""
    near = nearest_types(external_type, object_type, known)
    offer = f"existing are {', '.join(map(quoted, near))}; or " if near else ""
    what = f"external_type: {quoted(external_type)} is not configured for {object_type}."
    return errors.MissingError(what, next_step=(offer, errors.Hint.CREATE_CONFIGURATION, "."))
