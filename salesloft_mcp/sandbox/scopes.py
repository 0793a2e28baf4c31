"""Scopes: each requirement is met by either spelling, the guide's or the current catalogue's (D5)."""

import math
from dataclasses import dataclass
from typing import Literal

Scope = tuple[str, ...]
Kind = Literal["api_key", "oauth"]

SINGULAR = {"people": "person", "accounts": "account", "users": "user", "custom_fields": "custom_field"}
_VERBS = {"GET": "read", "POST": "write", "PUT": "write", "DELETE": "delete"}


def needed(method: str, noun: str) -> Scope:
    """Either of `person:manage` and `people:write`, or `external_id:manage` and `external_id:write`; none without a
    noun.
    """
    verb = _VERBS[method]
    if noun in SINGULAR:
        return f"{SINGULAR[noun]}:{'view' if verb == 'read' else 'manage'}", f"{noun}:{verb}"
    manage = () if verb == "read" else (f"{noun}:manage",)
    return (*manage, f"{noun}:{verb}") if noun else ()


def known() -> list[str]:
    """Every scope that opens something here, in either spelling."""
    external = ("external_id", "external_id_configuration")
    words = {name for noun in (*SINGULAR, *external) for method in _VERBS for name in needed(method, noun)}
    return sorted(words | {"person:set_crm_id", "account:set_crm_id"})


@dataclass(frozen=True)
class Caller:
    """Who holds a token: its kind, the scopes it is limited to (None: all), and when it ends.

    `client` is the OAuth application that a person has let in; empty for a token that nobody signed in for.
    """

    kind: Kind
    scopes: frozenset[str] | None = None
    until: float = math.inf
    client: str = ""
