"""Salesloft and nothing else: nouns (models), bytes and meaning (wire), verbs (client)."""

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import (
    Account,
    Configuration,
    Mapping,
    ObjectType,
    Page,
    Person,
    User,
)

__all__ = [
    "Account",
    "AccountFields",
    "Configuration",
    "Mapping",
    "ObjectType",
    "Page",
    "Person",
    "PersonFields",
    "Salesloft",
    "User",
]
