"""What a token has to be allowed, for each kind of call. Any of the names of a right will do: the guide's first, then
that of the current catalogue of scopes.
"""

from salesloft_mcp.salesloft.models import SINGULAR, ObjectType

Right = tuple[str, ...]

READ_CONFIGURATIONS: Right = ("external_id_configuration:read",)
CREATE_CONFIGURATIONS: Right = ("external_id_configuration:manage", "external_id_configuration:write")
DELETE_CONFIGURATIONS: Right = ("external_id_configuration:manage", "external_id_configuration:delete")
READ_MAPPINGS: Right = ("external_id:read",)
WRITE_MAPPINGS: Right = ("external_id:manage", "external_id:write")
DELETE_MAPPINGS: Right = ("external_id:manage", "external_id:delete")
READ_CUSTOM_FIELDS: Right = ("custom_field:view", "custom_fields:read")


def reads(object_type: ObjectType) -> Right:
    """What a token needs to read people, accounts or users."""
    return f"{SINGULAR[object_type]}:view", f"{object_type}:read"


def writes(object_type: ObjectType) -> Right:
    """What a token needs to create or update people or accounts."""
    return f"{SINGULAR[object_type]}:manage", f"{object_type}:write"
