"""A believable team, the same every time: the guide's own examples, and enough around them to work with."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from salesloft_mcp.sandbox.external import INTEGRATION_ID
from salesloft_mcp.sandbox.query import stamp
from salesloft_mcp.sandbox.store import Row, Store, Table

FIRST_NAMES = (
    "Amara, Beatriz, Chen, Dmitri, Elena, Farid, Grace, Hiro, Ingrid, Jamal, Katarzyna, Luis, Mei, Nadia, Oskar, "
    "Priya, Quinn, Rosa, Sanjay, Tomás, Ulrike, Victor, Wanjiru, Ximena, Yusuf, Zoë, Aiden, Brigitte, Caleb, Daphne"
)
LAST_NAMES = (
    "Abara, Bergström, Castillo, Dubois, Eriksen, Fontaine, García, Haddad, Ivanova, Jensen, Kowalski, Lindqvist, "
    "Moreau, Nakamura, Okafor, Petrov, Quintero, Rossi, Schneider, Tanaka, Ueda, Vargas, Whitfield, Xu, Yilmaz, "
    "Zimmermann"
)
COMPANY_FIRST = "Alder, Beacon, Cobalt, Driftwood, Evergreen, Fairway, Granite, Harbor, Iris, Juniper, Keystone, Luna"
COMPANY_LAST = "Analytics, Logistics, Health, Manufacturing, Foods"
INDUSTRIES = "Software, Transportation, Healthcare, Industrial, Food & Beverage"
CITIES = (
    "Atlanta/GA/United States, Austin/TX/United States, Chicago/IL/United States, Denver/CO/United States, "
    "Toronto/ON/Canada, London//United Kingdom, München/BY/Germany"
)
TITLES = (
    "Chief Revenue Officer/executive, VP of Sales/vice_president, Director of Operations/director, "
    "Marketing Manager/manager, Procurement Specialist/individual_contributor, IT Manager/manager, "
    "Data Analyst/individual_contributor"
)
ROLES = "Account Executive, Revenue Operations, Sales Representative, Sales Manager"
TIME_ZONES = "US/Eastern, US/Central, Europe/London"

USERS = range(1, 25)
ACCOUNTS = (13, 9872, *range(9001, 9059))  # the first two of both are the guide's
# Beside these, what is easily met in a team that has been used for a while: a domain that is an address, and an account
# that is archived. They have no people.
MORE_ACCOUNTS = {
    9060: {"name": "Trainers", "domain": "https://www.trainers.test/en-gb/", "industry": "Retail"},
    9061: {
        "name": "Ferrous Foundry",
        "domain": "ferrous-foundry.test",
        "archived_at": "2024-05-06T15:30:00.000000+00:00",
    },
}
PEOPLE = (207550815, 578495206, *range(207550001, 207550159))
GUIDE_TIME = datetime(2024, 2, 1, 12, tzinfo=UTC)
GUIDE_USERS = {13: ("Christopher", "Sales Representative"), 14: ("Christina", "Account Executive")}

# From id 221 on: 227 and 228 are the guide's, and the first was made by an OAuth app.
CONFIGURATIONS = (
    "billing/accounts, marketing_automation/people, sdfc_account/accounts, sdfc_contact/people, sdfc_lead/people, "
    "crm_lead/people, marketing/accounts, crm/users"
)

# (external type, object type, external id, object id), as in the guide.
GUIDE_MAPPINGS = (
    ("crm", "users", "abc", 13),
    ("crm", "users", "abd", 14),
    ("sdfc_account", "accounts", "ABC", 13),
    ("crm_lead", "people", "CONTACT3456", 578495206),
    ("sdfc_lead", "people", "CONTACT3456", 207550815),
    ("sdfc_contact", "people", "CONTACT3456", 207550815),
)


def plant(store: Store) -> None:
    """Fill an empty store; leave any other as it is."""
    if store.count("users"):
        return
    with store.transaction():
        for table, rows in _team().items():
            store.insert_all(table, rows)


@cache
def _team() -> dict[Table, list[Row]]:
    return {
        "users": [_record(number, number, user(number)) for number in USERS],
        "accounts": [
            *(_record(row_id, number, account(number)) for number, row_id in enumerate(ACCOUNTS)),
            *(_record(row_id, row_id - 9000, fields) for row_id, fields in MORE_ACCOUNTS.items()),
        ],
        "people": [_record(row_id, number, person(number)) for number, row_id in enumerate(PEOPLE)],
        "configurations": list(configurations()),
        "mappings": list(mappings()),
    }


def _record(row_id: int, number: int, fields: dict[str, Any]) -> Row:
    created = datetime(2023, 1, 1, 9, tzinfo=UTC) + timedelta(hours=5 * number)
    updated = created + timedelta(days=200, microseconds=137 * number)
    packed = json.dumps(fields, ensure_ascii=False)  # once, for every sandbox that a process has
    return {"id": row_id, "created_at": stamp(created), "updated_at": stamp(updated), "fields": packed}


def user(number: int) -> dict[str, Any]:
    first, last = _name(number + 40)
    role, domain = _pick(ROLES, number), "northwind.example.com"
    if number in GUIDE_USERS:
        (first, role), last, domain = GUIDE_USERS[number], "Doe", "externalid.com"
    return {
        "guid": f"5a1e510f-0000-4000-8000-{number:012d}",
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "email": f"{_ascii(first)}.{_ascii(last)}@{domain}",
        "active": number not in (9, 21),
        "role": role,
        "time_zone": _pick(TIME_ZONES, number),
    }


def account(number: int) -> dict[str, Any]:
    line_of_business = number // len(COMPANY_FIRST.split(", "))
    name = f"{_pick(COMPANY_FIRST, number)} {_pick(COMPANY_LAST, line_of_business)}"
    domain = f"{name.lower().replace(' ', '-')}.test"
    return {
        "name": name,
        "domain": domain,
        "website": f"https://www.{domain}",
        "phone": f"+1 404 555 {number:04d}",
        **_place(number),
        "industry": _pick(INDUSTRIES, line_of_business),
        "size": str(50 * (number % 9 + 1)),
        "owner_id": number % len(USERS) + 1,
        "do_not_contact": number % 29 == 28,
        "tags": ["strategic"] if number % 10 == 3 else [],
        "custom_fields": {"Legacy Account ID": f"A-{4000 + number}"} if number % 3 == 0 else {},
        **(_salesforce("001", number) if number % 2 else {}),
    }


def person(number: int) -> dict[str, Any]:
    first, last = _name(number)
    title, seniority = _pick(TITLES, number).split("/")
    account_number = number % len(ACCOUNTS)
    return {
        "first_name": first,
        "last_name": last,
        "email_address": f"{_ascii(first)}.{_ascii(last)}{number}@{account(account_number)['domain']}",
        "phone": f"+1 404 556 {number:04d}",
        "title": title,
        "job_seniority": seniority,
        **_place(number),
        "account_id": ACCOUNTS[account_number],
        "owner_id": number % len(USERS) + 1,
        "do_not_contact": number % 31 == 30,
        "contact_restrictions": ["call"] if number % 37 == 5 else [],
        "tags": ["newsletter"] if number % 8 == 1 else [],
        "custom_fields": {"Legacy ID": f"L-{70000 + number}"} if number % 4 != 3 else {},
        **(_salesforce("003", number) if number % 3 == 0 else {}),
    }


def configurations() -> Iterator[Row]:
    for row_id, words in enumerate(CONFIGURATIONS.split(", "), 221):
        external_type, object_type = words.split("/")
        source_type, source_id = ("integration", INTEGRATION_ID) if row_id == 221 else (None, None)
        yield {
            "id": row_id,
            "external_type": external_type,
            "object_type": object_type,
            "source_type": source_type,
            "source_id": source_id,
        }


def mappings() -> Iterator[Row]:
    """The guide's own, then 90 leads, 40 marketing contacts and 30 accounts, one in 25 deleted."""
    people = PEOPLE[2:]
    others = [
        *(("crm_lead", "people", f"CONTACT{1001 + number}", one) for number, one in enumerate(people[:90])),
        *(("marketing_automation", "people", f"mkto-{number:05d}", one) for number, one in enumerate(people[60:100])),
        *(("marketing", "accounts", f"MKT-{one}-{number:03d}", one) for number, one in enumerate(ACCOUNTS[:30])),
    ]
    names = ("external_type", "object_type", "external_id", "object_id")
    for number, values in enumerate([*GUIDE_MAPPINGS, *others], -len(GUIDE_MAPPINGS)):
        inserted = GUIDE_TIME if number < 0 else datetime(2024, 3, 1, 8, 30, tzinfo=UTC) + timedelta(hours=7 * number)
        yield {
            "id": 5007 + number,
            **dict(zip(names, values, strict=True)),
            "inserted_at": f"{inserted:%Y-%m-%dT%H:%M:%SZ}",
            "deleted": number > 0 and number % 25 == 24,
        }


def _name(number: int) -> tuple[str, str]:
    return _pick(FIRST_NAMES, number), _pick(LAST_NAMES, number * 7 + number // len(FIRST_NAMES.split(", ")))


def _place(number: int) -> dict[str, str | None]:
    city, state, country = _pick(CITIES, number).split("/")
    return {"city": city, "state": state or None, "country": country}


def _pick(words: str, number: int) -> str:
    choices = words.split(", ")
    return choices[number % len(choices)]


def _ascii(name: str) -> str:
    return name.lower().translate(str.maketrans("áéíóöøëü", "aeioooeu"))


def _salesforce(prefix: str, number: int) -> dict[str, str]:
    """An id of Salesforce's 18-character form: the last three characters tell that only the D is a capital."""
    return {"crm_id": f"{prefix}Dn00000{number:05d}IAA", "crm_id_type": "salesforce"}
