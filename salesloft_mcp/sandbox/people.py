"""People (buyers): the filters, the fields and the JSON of one."""

from typing import Any

from salesloft_mcp.sandbox import scopes
from salesloft_mcp.sandbox.errors import MISSING, Complaints
from salesloft_mcp.sandbox.fields import (
    BOOLEAN,
    CUSTOM,
    INTEGER,
    STRING,
    STRINGS,
    Fields,
    picked,
    shapes,
    word_of,
    words_of,
)
from salesloft_mcp.sandbox.filters import custom_fields, field, many, since_and_until
from salesloft_mcp.sandbox.query import integer, text
from salesloft_mcp.sandbox.records import Section
from salesloft_mcp.sandbox.render import reference
from salesloft_mcp.sandbox.store import Row

STRINGS_OF_A_PERSON = (
    "email_address secondary_email_address personal_email_address first_name last_name phone phone_extension "
    "mobile_phone home_phone linkedin_url title city state country work_city work_state work_country "
    "person_company_name person_company_website person_company_industry locale personal_website "
    "twitter_handle crm_id"
)

SENIORITIES = "director executive individual_contributor manager vice_president unknown"

SHAPES = {
    **shapes(STRING, STRINGS_OF_A_PERSON),
    **shapes(INTEGER, "account_id owner_id import_id person_stage_id"),
    **shapes(BOOLEAN, "do_not_contact eu_resident"),
    "job_seniority": word_of(*SENIORITIES.split()),
    "crm_id_type": word_of("salesforce"),
    "tags": STRINGS,
    "contact_restrictions": words_of("call", "email", "message"),
    "custom_fields": CUSTOM,
}

COUNTS = "emails_sent emails_viewed emails_clicked emails_replied_to emails_bounced calls"

FILTERS = (
    many("ids", integer, "id"),
    many("email_addresses", str.lower, f"lower({field('email_address')})"),
    many("crm_id", text, field("crm_id")),
    many("account_id", integer, field("account_id")),
    custom_fields(),
    since_and_until("updated_at"),
)


def lacking(fields: Fields) -> Complaints:
    """Source: "Create needs email_address, or phone and last_name"."""
    if fields.get("email_address") or (fields.get("phone") and fields.get("last_name")):
        return {}
    return {"email_address": [f"{MISSING}, and so are phone and last_name together"]}


def show(row: Row) -> dict[str, Any]:
    fields = row["fields"]
    return {
        "id": row["id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "last_contacted_at": None,
        "last_replied_at": None,
        **picked(fields, STRINGS_OF_A_PERSON.split()),
        **picked(fields, ("job_seniority", "crm_id_type")),
        "display_name": f"{fields.get('first_name') or ''} {fields.get('last_name') or ''}".strip(),
        "do_not_contact": bool(fields.get("do_not_contact")),
        "eu_resident": bool(fields.get("eu_resident")),
        "contact_restrictions": fields.get("contact_restrictions") or [],
        "tags": fields.get("tags") or [],
        "custom_fields": fields.get("custom_fields") or {},
        "success_count": 0,
        "starred": False,
        "untouched": True,
        "counts": dict.fromkeys(COUNTS.split(), 0),
        "account": reference("accounts", fields.get("account_id")),
        "owner": reference("users", fields.get("owner_id")),
        "import": reference("imports", fields.get("import_id")),
        "person_stage": reference("person_stages", fields.get("person_stage_id")),
        "last_contacted_by": None,
        "most_recent_cadence": None,
        "last_completed_step_cadence": None,
        "last_completed_step": None,
        "cadences": [],
    }


PEOPLE = Section(
    table="people",
    shapes=SHAPES,
    references={"account_id": "accounts", "owner_id": "users"},
    unique="email_address",
    lacking=lacking,
    filters=FILTERS,
    show=show,
    write=scopes.WRITE_PEOPLE,
)
