"""Every call the sandbox answers, in one table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from salesloft_mcp.sandbox import configurations, ids, mappings, records, scopes, team, users
from salesloft_mcp.sandbox.accounts import ACCOUNTS
from salesloft_mcp.sandbox.errors import method_not_allowed, not_found
from salesloft_mcp.sandbox.people import PEOPLE
from salesloft_mcp.sandbox.request import Handler
from salesloft_mcp.sandbox.scopes import Scope

LIST, SHOW, CREATE = records.list_records, records.show_record, records.create_record
UPDATE, DELETE = records.update_record, records.delete_record

CONFIGURATIONS = "/v2/external/configurations"
MAPPINGS = "/v2/external/mappings"
IDS = "/v2/external/ids/{external_type}/{object_type}"

ROUTES: tuple[tuple[str, str, Scope, Handler], ...] = (
    ("GET", CONFIGURATIONS, scopes.READ_CONFIGURATIONS, configurations.list_configurations),
    ("POST", CONFIGURATIONS, scopes.CREATE_CONFIGURATIONS, configurations.create_configuration),
    ("DELETE", f"{CONFIGURATIONS}/{{id}}", scopes.DELETE_CONFIGURATIONS, configurations.delete_configuration),
    ("GET", MAPPINGS, scopes.READ_MAPPINGS, mappings.list_mappings),
    ("POST", MAPPINGS, scopes.CREATE_MAPPINGS, mappings.create_mapping),
    ("DELETE", f"{MAPPINGS}/{{id}}", scopes.DELETE_MAPPINGS, mappings.delete_mapping),
    ("GET", IDS, scopes.READ_MAPPINGS, ids.list_objects),
    ("POST", f"{IDS}/{{external_id}}", scopes.CREATE_MAPPINGS, ids.upsert_object),
    ("GET", "/v2/people", scopes.READ_PEOPLE, partial(LIST, PEOPLE)),
    ("POST", "/v2/people", scopes.WRITE_PEOPLE, partial(CREATE, PEOPLE)),
    ("GET", "/v2/people/{id}", scopes.READ_PEOPLE, partial(SHOW, PEOPLE)),
    ("PUT", "/v2/people/{id}", scopes.WRITE_PEOPLE, partial(UPDATE, PEOPLE)),
    ("DELETE", "/v2/people/{id}", scopes.DELETE_PEOPLE, partial(DELETE, PEOPLE)),
    ("GET", "/v2/accounts", scopes.READ_ACCOUNTS, partial(LIST, ACCOUNTS)),
    ("POST", "/v2/accounts", scopes.WRITE_ACCOUNTS, partial(CREATE, ACCOUNTS)),
    ("GET", "/v2/accounts/{id}", scopes.READ_ACCOUNTS, partial(SHOW, ACCOUNTS)),
    ("PUT", "/v2/accounts/{id}", scopes.WRITE_ACCOUNTS, partial(UPDATE, ACCOUNTS)),
    ("DELETE", "/v2/accounts/{id}", scopes.DELETE_ACCOUNTS, partial(DELETE, ACCOUNTS)),
    ("GET", "/v2/users", scopes.READ_USERS, users.list_users),
    ("GET", "/v2/users/{id}", scopes.READ_USERS, users.show_user),
    ("GET", "/v2/custom_fields", scopes.READ_CUSTOM_FIELDS, team.list_custom_fields),
    ("GET", "/v2/me", scopes.NONE, team.show_me),
    ("GET", "/v2/team", scopes.NONE, team.show_team),
)


@dataclass(frozen=True)
class Match:
    """The route of a call and the values of the placeholders in its pattern."""

    scope: Scope
    handler: Handler
    segments: Mapping[str, str]


def find(method: str, path: Sequence[str]) -> Match:
    """The route for a path already split and decoded: 404 for an unknown path, 405 for an unknown method."""
    matches = dict(_matching(path))
    if not matches:
        raise not_found()
    if method not in matches:
        raise method_not_allowed()
    return matches[method]


def _matching(path: Sequence[str]) -> Iterator[tuple[str, Match]]:
    for method, pattern, scope, handler in _SPLIT_ROUTES:
        segments = _segments(pattern, path)
        if segments is not None:
            yield method, Match(scope, handler, segments)


def _segments(pattern: Sequence[str], path: Sequence[str]) -> dict[str, str] | None:
    if len(pattern) != len(path):
        return None
    values: dict[str, str] = {}
    for expected, segment in zip(pattern, path, strict=True):
        if expected.startswith("{") and segment:
            values[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return values


_SPLIT_ROUTES = tuple((method, pattern.split("/"), scope, work) for method, pattern, scope, work in ROUTES)
