"""Who is calling, for which team, and which custom fields the team has."""

from salesloft_mcp.sandbox.answers import Answer, json_answer
from salesloft_mcp.sandbox.fields import OF_ACCOUNTS, OF_PEOPLE
from salesloft_mcp.sandbox.render import TENANT_ID, item
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.sections import TEAM, show_user

TEAM_NAME = "Northwind Software (sandbox)"
CREATED_AT = "2021-03-01T09:00:00.000000+00:00"
ME = 1

KINDS = (*((name, "person") for name in OF_PEOPLE), *((name, "company") for name in OF_ACCOUNTS))
CUSTOM_FIELDS = tuple((id_, name, kind) for id_, (name, kind) in enumerate(KINDS, 901))


def show_me(request: Request) -> Answer:
    """The seeded user 1, whatever the token; a sandbox without a seed has nobody to show."""
    row = request.store.by_id("users", ME)
    if row is None:
        return item({"id": ME, "name": "Sandbox User", "email": "sandbox@example.com", "team": TEAM})
    more = {"bcc_email_address": None, "click_to_call_enabled": True, "email_client_configured": True}
    return item({**show_user(row), **more, "from_address": row["fields"]["email"], "slack_username": None})


def show_team(request: Request) -> Answer:
    times = {"created_at": CREATED_AT, "updated_at": CREATED_AT}
    privacy = {"group_privacy_setting": "group_public", "team_visibility_default": "public", "private_fields": {}}
    more = {"allow_automated_email_steps": True, "call_recording_disabled": False, "deactivated": False, "plan": "team"}
    return item({"id": TENANT_ID, "name": TEAM_NAME, **times, "license_limit": 50, "sandbox": True, **privacy, **more})


def list_custom_fields(request: Request) -> Answer:
    """Few enough that every page is the whole list (assumed)."""
    field_type = request.query.one("field_type")
    rows = [
        {"id": id_, "name": name, "field_type": kind, "value_type": "text", "created_at": CREATED_AT}
        for id_, name, kind in CUSTOM_FIELDS
        if field_type in (None, kind)
    ]
    return json_answer(200, {"data": rows, "metadata": {"filtering": {}, "sorting": None}})
