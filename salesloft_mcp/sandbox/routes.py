"""Every call the sandbox answers, in one table."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from salesloft_mcp.sandbox import external, ids, records, team
from salesloft_mcp.sandbox.answers import Answer, ApiError, not_found
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.sections import ACCOUNTS, PEOPLE, USERS

Handler = Callable[[Request], Answer]

LIST, SHOW, CREATE = records.list_records, records.show_record, records.create_record
UPDATE, DELETE = records.update_record, records.delete_record

CONFIGURATIONS = "/v2/external/configurations"
MAPPINGS = "/v2/external/mappings"
IDS = "/v2/external/ids/{external_type}/{object_type}"

# The method, the path, the noun of the scope (none: every token may), and the handler.
ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", CONFIGURATIONS, "external_id_configuration", external.list_configurations),
    ("POST", CONFIGURATIONS, "external_id_configuration", external.create_configuration),
    ("DELETE", f"{CONFIGURATIONS}/{{id}}", "external_id_configuration", external.delete_configuration),
    ("GET", MAPPINGS, "external_id", external.list_mappings),
    ("POST", MAPPINGS, "external_id", external.create_mapping),
    ("DELETE", f"{MAPPINGS}/{{id}}", "external_id", external.delete_mapping),
    ("GET", IDS, "external_id", ids.list_objects),
    ("POST", f"{IDS}/{{external_id}}", "external_id", ids.upsert_object),
    ("GET", "/v2/people", "people", partial(LIST, PEOPLE)),
    ("POST", "/v2/people", "people", partial(CREATE, PEOPLE)),
    ("GET", "/v2/people/{id}", "people", partial(SHOW, PEOPLE)),
    ("PUT", "/v2/people/{id}", "people", partial(UPDATE, PEOPLE)),
    ("DELETE", "/v2/people/{id}", "people", partial(DELETE, PEOPLE)),
    ("GET", "/v2/accounts", "accounts", partial(LIST, ACCOUNTS)),
    ("POST", "/v2/accounts", "accounts", partial(CREATE, ACCOUNTS)),
    ("GET", "/v2/accounts/{id}", "accounts", partial(SHOW, ACCOUNTS)),
    ("PUT", "/v2/accounts/{id}", "accounts", partial(UPDATE, ACCOUNTS)),
    ("DELETE", "/v2/accounts/{id}", "accounts", partial(DELETE, ACCOUNTS)),
    ("GET", "/v2/users", "users", partial(LIST, USERS)),
    ("GET", "/v2/users/{id}", "users", partial(SHOW, USERS)),
    ("GET", "/v2/custom_fields", "custom_fields", team.list_custom_fields),
    ("GET", "/v2/me", "", team.show_me),
    ("GET", "/v2/team", "", team.show_team),
)


def find(method: str, path: Sequence[str]) -> tuple[str, Handler, Mapping[str, str]]:
    """The noun, the handler and the placeholders' values for a path already split and decoded.

    404 for an unknown path, 405 for an unknown method (assumed).
    """
    known = False
    for of_route, pattern, noun, handler in ROUTES:
        parts = pattern.split("/")
        pairs = list(zip(parts, path, strict=False))
        if len(parts) == len(path) and all(part == given or (part[:1] == "{" and given) for part, given in pairs):
            if of_route == method:
                return noun, handler, {part[1:-1]: given for part, given in pairs if part[:1] == "{"}
            known = True
    raise ApiError(405, {"error": "Method Not Allowed", "status": 405}) if known else not_found()
