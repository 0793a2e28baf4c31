"""People, accounts and users: the filters, the fields and the JSON of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from salesloft_mcp.sandbox import fields, lists
from salesloft_mcp.sandbox.answers import MISSING, Complaints
from salesloft_mcp.sandbox.fields import Fields, Shape, shapes
from salesloft_mcp.sandbox.lists import Filters, custom_fields, many, since_and_until
from salesloft_mcp.sandbox.query import boolean, integer
from salesloft_mcp.sandbox.render import API, TENANT_ID, flags, links, picked, times
from salesloft_mcp.sandbox.store import ObjectType, Row

TEAM = {"id": TENANT_ID, "_href": f"{API}/team"}
SORT_COLUMNS = ("updated_at", "created_at", "id")


@dataclass(frozen=True)
class Section:
    """How people, accounts and users differ. Users are read only."""

    table: ObjectType
    filters: Filters
    show: Callable[[Row], dict[str, Any]]
    sort: tuple[str, ...] = SORT_COLUMNS
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    references: Mapping[str, ObjectType] = field(default_factory=dict)
    unique: str = ""
    lacking: Callable[[Fields], Complaints] = lambda _: {}
    custom: tuple[str, ...] = ()
    crm_prefixes: tuple[str, ...] = ()
    only_paged: bool = False


STRINGS_OF_A_PERSON = (
    "email_address secondary_email_address personal_email_address first_name last_name phone phone_extension "
    "mobile_phone home_phone linkedin_url title city state country work_city work_state work_country "
    "person_company_name person_company_website person_company_industry locale personal_website "
    "twitter_handle crm_id"
)
SENIORITIES = "director executive individual_contributor manager vice_president unknown"
COUNTS = "emails_sent emails_viewed emails_clicked emails_replied_to emails_bounced calls"


def shown_custom(values: Fields) -> Fields:
    """Source: "Only custom fields with values are shown"."""
    return {name: value for name, value in (values.get("custom_fields") or {}).items() if value not in (None, "")}


def lacking_of_person(given: Fields) -> Complaints:
    """Source: "Create needs email_address, or phone and last_name"."""
    if given.get("email_address") or (given.get("phone") and given.get("last_name")):
        return {}
    return {"email_address": [f"{MISSING}, and so are phone and last_name together"]}


def show_person(row: Row) -> dict[str, Any]:
    """The guide's fields in its order, and those that real answers show besides."""
    values = row["fields"]
    name = " ".join(part for part in (values.get("first_name"), values.get("last_name")) if part)
    email, kind = values.get("email_address"), (values.get("crm_id") or "")[:3]
    return {
        **times(row, "created_at updated_at"),
        **picked(row, "last_contacted_at last_replied_at"),
        **picked(values, "first_name last_name email_address city"),
        "custom_fields": shown_custom(values),
        "success_count": 0,
        "starred": False,
        "untouched": True,
        "counts": dict.fromkeys(COUNTS.split(), 0),
        **links(values, "account owner"),
        **picked({}, "last_contacted_by most_recent_cadence last_completed_step_cadence last_completed_step"),
        "cadences": [],
        **picked(values, f"{STRINGS_OF_A_PERSON} job_seniority"),
        "crm_object_type": {"003": "contact", "00Q": "lead"}.get(kind),
        "display_name": name or email,
        "full_email_address": f'"{name}" <{email}>' if name and email else email,
        **flags(values, "do_not_contact eu_resident"),
        "contact_restrictions": values.get("contact_restrictions") or [],
        "tags": values.get("tags") or [],
        **links(values, "import person_stage"),
        **picked({}, "account_crm_id owner_crm_id crm_url last_contacted_type"),
        "bouncing": False,
        "locale_utc_offset": -300,
    }


PEOPLE = Section(
    table="people",
    filters={
        "ids": many(integer, "id"),
        "email_addresses": many(str.lower, f"lower({lists.field('email_address')})"),
        "crm_id": many(str, lists.field("crm_id")),
        "account_id": many(integer, lists.field("account_id")),
        "owner_id": many(integer, lists.field("owner_id")),
        "person_stage_id": many(integer, lists.field("person_stage_id")),
        "job_seniority": many(str, lists.field("job_seniority")),
        **{name: lists.parts(lists.field(name)) for name in ("title", "city", "state", "country")},
        "custom_fields": custom_fields,
        "created_at": since_and_until,
        "updated_at": since_and_until,
    },
    show=show_person,
    shapes={
        **shapes(fields.STRING, STRINGS_OF_A_PERSON),
        **shapes(fields.INTEGER, "account_id owner_id import_id person_stage_id"),
        **shapes(fields.BOOLEAN, "do_not_contact eu_resident"),
        "job_seniority": fields.word_of(*SENIORITIES.split()),
        "crm_id_type": fields.word_of("salesforce"),
        "tags": fields.STRINGS,
        "contact_restrictions": fields.words_of("call", "email", "message"),
        "custom_fields": fields.CUSTOM,
    },
    references={"account_id": "accounts", "owner_id": "users"},
    unique="email_address",
    lacking=lacking_of_person,
    custom=fields.OF_PEOPLE,
    crm_prefixes=("003", "00Q"),
)

STRINGS_OF_AN_ACCOUNT = (
    "name domain conversational_name description phone website linkedin_url twitter_handle street city state "
    "postal_code country locale industry company_type founded revenue_range size crm_id"
)


def lacking_of_account(given: Fields) -> Complaints:
    """Source: "strings name*, domain* (both required to create)"."""
    return {name: [MISSING] for name in ("name", "domain") if not given.get(name)}


def show_account(row: Row) -> dict[str, Any]:
    """Source: "Accounts show `archived_at`, not `archived`"."""
    values = row["fields"]
    return {
        **times(row, "created_at updated_at"),
        **picked(row, "last_contacted_at"),
        **picked(values, f"{STRINGS_OF_AN_ACCOUNT} archived_at"),
        "crm_object_type": "account" if values.get("crm_id") else None,
        **flags(values, "do_not_contact"),
        "tags": values.get("tags") or [],
        "custom_fields": shown_custom(values),
        **links(values, "owner company_stage account_tier"),
        **picked({}, "last_contacted_by last_contacted_person last_contacted_type crm_url owner_crm_id"),
        "counts": {"people": 0},
        "creator": {"id": 1, "_href": f"{API}/users/1"},
        "user_relationships": [],
    }


ACCOUNTS = Section(
    table="accounts",
    filters={
        "ids": many(integer, "id"),
        "name": many(str, lists.field("name")),
        "domain": lists.one(str.lower, f"lower({lists.field('domain')})"),
        "website": many(str, lists.field("website")),
        "crm_id": many(str, lists.field("crm_id")),
        "owner_id": many(integer, lists.field("owner_id")),
        **{name: lists.parts(lists.field(name)) for name in ("industry", "city", "state", "country")},
        "account_stage_id": many(integer, lists.field("company_stage_id")),
        "archived": lists.is_set(lists.field("archived_at")),
        "custom_fields": custom_fields,
        "created_at": since_and_until,
        "updated_at": since_and_until,
    },
    show=show_account,
    shapes={
        **shapes(fields.STRING, STRINGS_OF_AN_ACCOUNT),
        **shapes(fields.INTEGER, "owner_id company_stage_id account_tier_id"),
        **shapes(fields.BOOLEAN, "do_not_contact archived"),
        "domain": fields.LOWER_CASE_STRING,
        "crm_id_type": fields.word_of("salesforce"),
        "tags": fields.STRINGS,
        "custom_fields": fields.CUSTOM,
    },
    references={"owner_id": "users"},
    unique="domain",
    lacking=lacking_of_account,
    custom=fields.OF_ACCOUNTS,
    crm_prefixes=("001",),
)


def show_user(row: Row) -> dict[str, Any]:
    """Source: "User `role` is `{"id": str}`, not a string"."""
    values = row["fields"]
    return {
        "id": row["id"],
        **picked(values, "email active"),
        "role": {"id": values["role"]},
        **picked(values, "last_name first_name name guid time_zone"),
        **{name: when for name, when in times(row, "created_at updated_at").items() if name != "id"},
        "job_role": values["role"],
        "full_email_address": f'"{values["name"]}" <{values["email"]}>',
        "seat_package": "sales_engagement",
        "team": TEAM,
        "group": {"id": 1 + row["id"] % 3},
        **picked({}, "phone_client_id slack_username twitter_handle work_country"),
    }


def show_user_in_the_guide(row: Row) -> dict[str, Any]:
    """The guide's rows of endpoint 7 say `"role": "Sales Representative"`."""
    return {**show_user(row), "role": row["fields"]["role"]}


USERS = Section(
    table="users",
    filters={
        "ids": many(integer, "id"),
        "guid": many(str, lists.field("guid")),
        "search": lists.search(*map(lists.field, ("first_name", "last_name", "email"))),
        "active": lists.one(boolean, lists.field("active")),
        "visible_only": lists.visible_only,
    },
    show=show_user,
    sort=("id",),
    only_paged=True,
)
