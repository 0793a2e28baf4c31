"""Accounts (companies): the filters, the fields and the JSON of one."""

from typing import Any

from salesloft_mcp.sandbox import scopes
from salesloft_mcp.sandbox.errors import MISSING, Complaints
from salesloft_mcp.sandbox.fields import (
    BOOLEAN,
    CUSTOM,
    INTEGER,
    LOWER_CASE_STRING,
    STRING,
    STRINGS,
    Fields,
    picked,
    shapes,
    word_of,
)
from salesloft_mcp.sandbox.filters import custom_fields, field, many, one, since_and_until
from salesloft_mcp.sandbox.query import integer, text
from salesloft_mcp.sandbox.records import Section
from salesloft_mcp.sandbox.render import reference
from salesloft_mcp.sandbox.store import Row

STRINGS_OF_AN_ACCOUNT = (
    "name domain conversational_name description phone website linkedin_url twitter_handle street city state "
    "postal_code country locale industry company_type founded revenue_range size crm_id"
)

SHAPES = {
    **shapes(STRING, STRINGS_OF_AN_ACCOUNT),
    **shapes(INTEGER, "owner_id company_stage_id account_tier_id"),
    **shapes(BOOLEAN, "do_not_contact archived"),
    "domain": LOWER_CASE_STRING,
    "crm_id_type": word_of("salesforce"),
    "tags": STRINGS,
    "custom_fields": CUSTOM,
}

FILTERS = (
    many("ids", integer, "id"),
    many("name", text, field("name")),
    one("domain", str.lower, f"lower({field('domain')})"),
    many("website", text, field("website")),
    many("crm_id", text, field("crm_id")),
    many("owner_id", integer, field("owner_id")),
    custom_fields(),
    since_and_until("updated_at"),
)


def lacking(fields: Fields) -> Complaints:
    """Source: "strings name*, domain* (both required to create)"."""
    return {name: [MISSING] for name in ("name", "domain") if not fields.get(name)}


def show(row: Row) -> dict[str, Any]:
    fields = row["fields"]
    return {
        "id": row["id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "last_contacted_at": None,
        **picked(fields, STRINGS_OF_AN_ACCOUNT.split()),
        "crm_id_type": fields.get("crm_id_type"),
        "do_not_contact": bool(fields.get("do_not_contact")),
        "archived": bool(fields.get("archived")),
        "tags": fields.get("tags") or [],
        "custom_fields": fields.get("custom_fields") or {},
        "owner": reference("users", fields.get("owner_id")),
        "company_stage": reference("company_stages", fields.get("company_stage_id")),
        "account_tier": reference("account_tiers", fields.get("account_tier_id")),
        "last_contacted_by": None,
        "last_contacted_person": None,
    }


ACCOUNTS = Section(
    table="accounts",
    shapes=SHAPES,
    references={"owner_id": "users"},
    unique="domain",
    lacking=lacking,
    filters=FILTERS,
    show=show,
    write=scopes.WRITE_ACCOUNTS,
    update_only=frozenset({"archived"}),
)
