"""Who is calling, for which team, and which custom fields the team has."""

from salesloft_mcp.sandbox.answers import Answer, json_answer
from salesloft_mcp.sandbox.render import API, TENANT_ID, item
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.sections import show_user

TEAM_NAME = "Northwind Software (sandbox)"
CREATED_AT = "2021-03-01T09:00:00.000000+00:00"
ME = 1

# (id, name, field_type): the platform has none for users.
CUSTOM_FIELDS = (
    (901, "Legacy ID", "person"),
    (902, "Preferred Language", "person"),
    (903, "Lead Source", "person"),
    (904, "Legacy Account ID", "company"),
    (905, "Renewal Quarter", "company"),
)


def show_me(request: Request) -> Answer:
    """The seeded user 1, whatever the token; a sandbox without a seed has nobody to show."""
    row = request.store.by_id("users", ME)
    user = show_user(row) if row else {"id": ME, "name": "Sandbox User", "email": "sandbox@example.com"}
    return item({**user, "team": {"id": TENANT_ID, "_href": f"{API}/team"}})


def show_team(request: Request) -> Answer:
    times = {"created_at": CREATED_AT, "updated_at": CREATED_AT}
    return item({"id": TENANT_ID, "name": TEAM_NAME, **times, "license_limit": 50, "sandbox": True})


def list_custom_fields(request: Request) -> Answer:
    """Few enough that every page is the whole list (assumed)."""
    field_type = request.query.one("field_type")
    rows = [
        {"id": id_, "name": name, "field_type": kind, "value_type": "text", "created_at": CREATED_AT}
        for id_, name, kind in CUSTOM_FIELDS
        if field_type in (None, kind)
    ]
    return json_answer(200, {"data": rows, "metadata": {"filtering": {}, "sorting": None}})
