"""A believable team, the same every time: the guide's own examples, and enough around them to work with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from salesloft_mcp.sandbox.configurations import INTEGRATION_ID
from salesloft_mcp.sandbox.query import stamp
from salesloft_mcp.sandbox.store import ObjectType, Row, Store, Table

USERS, ACCOUNTS, PEOPLE = 24, 60, 160

FIRST_NAMES = (
    "Amara Beatriz Chen Dmitri Elena Farid Grace Hiro Ingrid Jamal Katarzyna Luis Mei Nadia Oskar Priya "
    "Quinn Rosa Sanjay Tomás Ulrike Victor Wanjiru Ximena Yusuf Zoë Aiden Brigitte Caleb Daphne"
)
LAST_NAMES = (
    "Abara Bergström Castillo Dubois Eriksen Fontaine García Haddad Ivanova Jensen Kowalski Lindqvist Moreau "
    "Nakamura Okafor Petrov Quintero Rossi Schneider Tanaka Ueda Vargas Whitfield Xu Yilmaz Zimmermann"
)
COMPANY_FIRST = "Alder Beacon Cobalt Driftwood Evergreen Fairway Granite Harbor Iris Juniper Keystone Luna"
COMPANY_LAST = "Analytics Logistics Health Manufacturing Foods"
INDUSTRIES = ("Software", "Transportation", "Healthcare", "Industrial", "Food & Beverage")
CITIES = (
    ("Atlanta", "GA", "United States"),
    ("Austin", "TX", "United States"),
    ("Chicago", "IL", "United States"),
    ("Denver", "CO", "United States"),
    ("Toronto", "ON", "Canada"),
    ("London", None, "United Kingdom"),
    ("München", "BY", "Germany"),
)
TITLES = (
    ("Chief Revenue Officer", "executive"),
    ("VP of Sales", "vice_president"),
    ("Director of Operations", "director"),
    ("Marketing Manager", "manager"),
    ("Procurement Specialist", "individual_contributor"),
    ("IT Manager", "manager"),
    ("Data Analyst", "individual_contributor"),
)
ROLES = ("Account Executive", "Revenue Operations", "Sales Representative", "Sales Manager")

# (id, external type, object type, made by an OAuth app): 227 and 228 are the guide's.
CONFIGURATIONS: tuple[tuple[int, str, ObjectType, bool], ...] = (
    (221, "billing", "accounts", True),
    (222, "marketing_automation", "people", False),
    (223, "sdfc_account", "accounts", False),
    (224, "sdfc_contact", "people", False),
    (225, "sdfc_lead", "people", False),
    (226, "crm_lead", "people", False),
    (227, "marketing", "accounts", False),
    (228, "crm", "users", False),
)

# (external type, object type, external id, object id), as in the guide.
GUIDE_MAPPINGS: tuple[tuple[str, ObjectType, str, int], ...] = (
    ("crm", "users", "abc", 13),
    ("crm", "users", "abd", 14),
    ("sdfc_account", "accounts", "ABC", 13),
    ("crm_lead", "people", "CONTACT3456", 578495206),
    ("sdfc_lead", "people", "CONTACT3456", 207550815),
    ("sdfc_contact", "people", "CONTACT3456", 207550815),
)
GUIDE_USERS = {13: ("Christopher", "Sales Representative"), 14: ("Christina", "Account Executive")}
GUIDE_TIME = "2024-02-01T12:00:00Z"
GUIDE_PEOPLE = (207550815, 578495206)
GUIDE_ACCOUNTS = (13, 9872)

FIRST_PERSON, FIRST_ACCOUNT = 207550001, 9001
DELETED_EVERY = 25


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
        "users": [_record(number, number, user(number)) for number in range(1, USERS + 1)],
        "accounts": [_record(row_id, number, account(number)) for number, row_id in enumerate(account_ids())],
        "people": [_record(row_id, number, person(number)) for number, row_id in enumerate(person_ids())],
        "configurations": list(configurations()),
        "mappings": list(mappings()),
    }


def _record(row_id: int, number: int, fields: dict[str, Any]) -> Row:
    created = datetime(2023, 1, 1, 9, tzinfo=UTC) + timedelta(hours=5 * number)
    updated = created + timedelta(days=200, microseconds=137 * number)
    return {"id": row_id, "created_at": stamp(created), "updated_at": stamp(updated), "fields": fields}


def account_ids() -> list[int]:
    others = [FIRST_ACCOUNT + number for number in range(ACCOUNTS - len(GUIDE_ACCOUNTS))]
    return [*GUIDE_ACCOUNTS, *others]


def person_ids() -> list[int]:
    others = [FIRST_PERSON + number for number in range(PEOPLE - len(GUIDE_PEOPLE))]
    return [*GUIDE_PEOPLE, *others]


def user(number: int) -> dict[str, Any]:
    first, last = _name(number + 40)
    role, domain = ROLES[number % len(ROLES)], "northwind.example.com"
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
        "time_zone": ("US/Eastern", "US/Central", "Europe/London")[number % 3],
    }


def account(number: int) -> dict[str, Any]:
    line_of_business = number // len(COMPANY_FIRST.split())
    name = f"{_word(COMPANY_FIRST, number)} {_word(COMPANY_LAST, line_of_business)}"
    domain = f"{name.lower().replace(' ', '-')}.test"
    city, state, country = CITIES[number % len(CITIES)]
    fields = {
        "name": name,
        "domain": domain,
        "website": f"https://www.{domain}",
        "phone": f"+1 404 555 {number:04d}",
        "city": city,
        "state": state,
        "country": country,
        "industry": INDUSTRIES[line_of_business],
        "size": str(50 * (number % 9 + 1)),
        "owner_id": number % USERS + 1,
        "do_not_contact": number % 29 == 28,
        "tags": ["strategic"] if number % 10 == 3 else [],
        "custom_fields": {"Legacy Account ID": f"A-{4000 + number}"} if number % 3 == 0 else {},
    }
    return fields | (_salesforce("001", number) if number % 2 else {})


def person(number: int) -> dict[str, Any]:
    first, last = _name(number)
    title, seniority = TITLES[number % len(TITLES)]
    city, state, country = CITIES[number % len(CITIES)]
    account_number = number % ACCOUNTS
    fields = {
        "first_name": first,
        "last_name": last,
        "email_address": f"{_ascii(first)}.{_ascii(last)}{number}@{account(account_number)['domain']}",
        "phone": f"+1 404 556 {number:04d}",
        "title": title,
        "job_seniority": seniority,
        "city": city,
        "state": state,
        "country": country,
        "account_id": account_ids()[account_number],
        "owner_id": number % USERS + 1,
        "do_not_contact": number % 31 == 30,
        "contact_restrictions": ["call"] if number % 37 == 5 else [],
        "tags": ["newsletter"] if number % 8 == 1 else [],
        "custom_fields": {"Legacy ID": f"L-{70000 + number}"} if number % 4 != 3 else {},
    }
    return fields | (_salesforce("003", number) if number % 3 == 0 else {})


def configurations() -> Iterator[dict[str, Any]]:
    for row_id, external_type, object_type, by_oauth in CONFIGURATIONS:
        yield {
            "id": row_id,
            "external_type": external_type,
            "object_type": object_type,
            "source_type": "integration" if by_oauth else None,
            "source_id": INTEGRATION_ID if by_oauth else None,
        }


def mappings() -> Iterator[dict[str, Any]]:
    """The guide's own, then 90 leads, 40 marketing contacts and 30 accounts, one in 25 deleted."""
    guide = [(*mapping, GUIDE_TIME, False) for mapping in GUIDE_MAPPINGS]
    others = [(*mapping, *_past(number)) for number, mapping in enumerate(_other_mappings())]
    names = ("external_type", "object_type", "external_id", "object_id", "inserted_at", "deleted")
    for row_id, values in enumerate([*guide, *others], start=5001):
        yield {"id": row_id, **dict(zip(names, values, strict=True))}


def _other_mappings() -> Iterator[tuple[str, ObjectType, str, int]]:
    people, accounts = person_ids()[len(GUIDE_PEOPLE) :], account_ids()
    for number, person_id in enumerate(people[:90]):
        yield "crm_lead", "people", f"CONTACT{1001 + number}", person_id
    for number, person_id in enumerate(people[60:100]):
        yield "marketing_automation", "people", f"mkto-{number:05d}", person_id
    for number, account_id in enumerate(accounts[:30]):
        yield "marketing", "accounts", f"MKT-{account_id}-{number:03d}", account_id


def _past(number: int) -> tuple[str, bool]:
    inserted = datetime(2024, 3, 1, 8, 30, tzinfo=UTC) + timedelta(hours=7 * number)
    return f"{inserted:%Y-%m-%dT%H:%M:%SZ}", number % DELETED_EVERY == DELETED_EVERY - 1


def _name(number: int) -> tuple[str, str]:
    round_of_names = number // len(FIRST_NAMES.split())
    return _word(FIRST_NAMES, number), _word(LAST_NAMES, number * 7 + round_of_names)


def _word(words: str, number: int) -> str:
    choices = words.split()
    return choices[number % len(choices)]


def _ascii(name: str) -> str:
    return name.lower().translate(str.maketrans("áéíóöøëü", "aeioooeu"))


def _salesforce(prefix: str, number: int) -> dict[str, str]:
    """An id of Salesforce's 18-character form."""
    return {"crm_id": f"{prefix}Dn00000{number:05d}IAC", "crm_id_type": "salesforce"}
