"""Scopes: each requirement is met by either spelling, the guide's or the current catalogue's (D5)."""

from dataclasses import dataclass
from typing import Literal

Scope = tuple[str, ...]

READ_CONFIGURATIONS: Scope = ("external_id_configuration:read",)
CREATE_CONFIGURATIONS: Scope = ("external_id_configuration:manage", "external_id_configuration:write")
DELETE_CONFIGURATIONS: Scope = ("external_id_configuration:manage", "external_id_configuration:delete")
READ_MAPPINGS: Scope = ("external_id:read",)
CREATE_MAPPINGS: Scope = ("external_id:manage", "external_id:write")
DELETE_MAPPINGS: Scope = ("external_id:manage", "external_id:delete")
READ_PEOPLE: Scope = ("person:view", "people:read")
WRITE_PEOPLE: Scope = ("person:manage", "people:write")
DELETE_PEOPLE: Scope = ("person:manage", "people:delete")
READ_ACCOUNTS: Scope = ("account:view", "accounts:read")
WRITE_ACCOUNTS: Scope = ("account:manage", "accounts:write")
DELETE_ACCOUNTS: Scope = ("account:manage", "accounts:delete")
READ_USERS: Scope = ("user:view", "users:read")
READ_CUSTOM_FIELDS: Scope = ("custom_field:view", "custom_fields:read")
NONE: Scope = ()

Kind = Literal["api_key", "oauth"]


@dataclass(frozen=True)
class Caller:
    """Who holds a token: its kind, and the scopes it is limited to (None: all)."""

    kind: Kind
    scopes: frozenset[str] | None = None

    def may(self, scope: Scope) -> bool:
        return not scope or self.scopes is None or not self.scopes.isdisjoint(scope)
