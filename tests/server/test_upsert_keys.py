"""E-mails and domains of upserts are taken out of what stands around them, and said so: of one record as of many."""

from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect, one_era
from tests.server.calling import call, refused, writes
from tests.server.test_tools_upserts import ACCOUNT, KNOWN, NEW, PERSON, TAKEN, mapped, person

pytestmark = pytest.mark.anyio
era = one_era

COMPANY = {"external_type": "marketing", "external_id": "B-1"}
LEADS = {"external_type": "crm_lead", "object_type": "people"}
COMPANIES = {"external_type": "marketing", "object_type": "accounts"}
BEATRIZ = TAKEN["email_address"]
ADDRESSES = {
    "{}\u00a0": "without the spaces around it",
    "\u200b{}": "without invisible characters",
    "mailto:{}": 'without "mailto:"',
    "Ann Lee <{}>": "without the name beside it",
    " <mailto:{}>": 'without "mailto:", the signs around it and the spaces around it',
}
DOMAINS = {
    "https://www.{}/en/": "the domain of a URL",
    "http://{}:80": "the domain of a URL",
    "www.{}": 'without "www."',
    "{}\u00a0": "without the spaces around it",
    " https://{}": "the domain of a URL, without the spaces around it",
}


async def planned(client: Client, *rows: dict[str, Any], **scope: str) -> tuple[str, list[dict[str, Any]]]:
    """The plan of an upsert of these rows, and what it says of each."""
    reply = await call(client, "plan_bulk_upsert", **(scope or LEADS), rows=list(rows))
    plan = str(reply.data["plan"])
    return plan, (await call(client, "get_plan", plan=plan, rows="all")).data["rows"]


@pytest.mark.parametrize("around", ADDRESSES)
async def test_an_address_is_written_without_what_stands_around_it_and_a_preview_tells_what_was_taken(
    connect: Connect, app: App, around: str
) -> None:
    given = {"email_address": around.format("Ann@New.test")}
    told = f'email_address was taken as "ann@new.test", {ADDRESSES[around]}'
    async with connect() as client:
        preview = await call(client, PERSON, **NEW, person=given, preview=True)
        _, (row,) = await planned(client, {"external_id": NEW["external_id"], **given})
        written = await call(client, PERSON, **NEW, person=given)
        again = await call(client, PERSON, **NEW, person=given)
    assert preview.data["notes"] == written.data["notes"] == again.data["notes"] == [f"{told}."]
    assert preview.words.endswith(f" {told}.")
    assert written.words.endswith(f". {told}.")
    assert (row["plan"], row["note"], row["new"]) == ("create", told, {"email_address": "ann@new.test"})
    assert (written.data["status"], again.data["status"]) == ("created", "unchanged")
    assert (await person(app, written.data["object_id"])).email_address == "ann@new.test"


@pytest.mark.parametrize("around", DOMAINS)
async def test_a_domain_is_written_as_a_host_and_a_preview_tells_what_was_taken(
    connect: Connect, app: App, around: str
) -> None:
    given = {"name": "A", "domain": around.format("A-New.test")}
    told = f'domain was taken as "a-new.test", {DOMAINS[around]}'
    async with connect() as client:
        preview = await call(client, ACCOUNT, **COMPANY, account=given, preview=True)
        _, (row,) = await planned(client, {"external_id": "B-1", **given}, **COMPANIES)
        written = await call(client, ACCOUNT, **COMPANY, account=given)
    assert preview.data["notes"] == written.data["notes"] == [f"{told}."]
    assert (row["plan"], row["note"], row["new"]) == ("create", told, {"name": "A", "domain": "a-new.test"})
    record = await app.salesloft.get_object("accounts", written.data["object_id"])
    assert record is not None
    assert record.shown("domain") == "a-new.test"


@pytest.mark.parametrize("around", [*ADDRESSES, "{}"])
async def test_the_person_who_has_an_address_is_found_whatever_stands_around_it(
    connect: Connect, app: App, sandbox: Sandbox, around: str
) -> None:
    given = {"email_address": around.format(BEATRIZ.upper())}
    async with connect() as client:
        words = await refused(client, PERSON, **NEW, person=given)
        own = await call(client, PERSON, **KNOWN, person=given)
        _, rows = await planned(client, {"external_id": "NEW/1", **given}, {"external_id": "CONTACT3456", **given})
    assert words.startswith(f'email_address: "{BEATRIZ}" belongs to person 578495206')
    assert own.data["status"] == "unchanged"
    assert [row["plan"] for row in rows] == ["conflict", "unchanged"]
    assert "the email is that of record 578495206" in rows[0]["note"]
    assert await mapped(app, "NEW/1") == []
    assert writes(sandbox) == []


@pytest.mark.parametrize("around", [*DOMAINS, "{}"])
@pytest.mark.parametrize("domain", ["beacon-analytics.test", "trainers.test"])  # the second is held as a URL
async def test_the_account_that_has_a_domain_is_found_however_it_is_given(
    connect: Connect, sandbox: Sandbox, domain: str, around: str
) -> None:
    given = {"name": "B", "domain": around.format(domain.upper())}
    async with connect() as client:
        words = await refused(client, ACCOUNT, **COMPANY, account=given)
        _, (row,) = await planned(client, {"external_id": "B-1", **given}, **COMPANIES)
    assert words.startswith(f'domain: "{domain}" belongs to account ')
    assert row["plan"] == "conflict"
    assert "the domain is that of record " in row["note"]
    assert writes(sandbox) == []


INTERNATIONAL = ("münchen.test", "xn--mnchen-3ya.test")


@pytest.mark.parametrize(("held", "given"), [INTERNATIONAL, INTERNATIONAL[::-1]])
async def test_both_forms_of_an_international_domain_are_one(
    connect: Connect, sandbox: Sandbox, held: str, given: str
) -> None:
    async with connect() as client:
        await call(client, PERSON, **NEW, person={"email_address": f"ann@{held}"})
        await call(client, ACCOUNT, **COMPANY, account={"name": "A", "domain": held})
        before = writes(sandbox)
        other: dict[str, Any] = {"external_type": "crm_lead", "external_id": "NEW-2"}
        of_another = await refused(client, PERSON, **other, person={"email_address": f"Ann@{given}"})
        second = await refused(
            client, ACCOUNT, **{**COMPANY, "external_id": "B-2"}, account={"name": "A", "domain": given}
        )
        same = await call(client, PERSON, **NEW, person={"email_address": f"ann@{given}"})
        _, (row,) = await planned(client, {"external_id": "NEW-2", "email_address": f"ann@{given}"})
        person_found = await call(client, "search_records", object_type="people", email=f"ann@{given}")
        account_found = await call(client, "search_records", object_type="accounts", domain=given)
    assert f'"ann@{given}" belongs to person ' in of_another
    assert f'"{given}" belongs to account ' in second
    assert same.data["status"] == "unchanged"
    assert row["plan"] == "conflict"
    assert len(person_found.data["records"]) == len(account_found.data["records"]) == 1
    assert writes(sandbox) == before


async def test_a_backfill_tells_what_it_took_of_every_key_of_a_row(connect: Connect) -> None:
    row = {"external_id": "B-1", "email": f"<{BEATRIZ}>", "crm_id": " 003Dn0000000000"}
    async with connect() as client:
        reply = await call(client, "plan_backfill", external_type="crm_lead", object_type="people", rows=[row])
        (told,) = (await call(client, "get_plan", plan=reply.data["plan"], rows="all")).data["rows"]
    assert told["note"].startswith(
        f'email was taken as "{BEATRIZ}", without the signs around it; '
        'crm_id was taken as "003Dn0000000000IAA", the 18 characters of the 15 given, without the spaces around it'
    )


async def test_a_row_that_clears_a_field_is_an_update(connect: Connect, app: App) -> None:
    async with connect() as client:
        await call(client, PERSON, **KNOWN, person={"city": "Oslo"})
        plan, (row,) = await planned(client, {"external_id": "CONTACT3456", "clear": ["city"]})
        run = await call(client, "run_plan", plan=plan)
    assert (row["plan"], row["old"], row["new"]) == ("update", {"city": "Oslo"}, {"city": None})
    assert run.data["outcomes"] == {"updated": 1}
    assert not (await person(app, 578495206)).shown("city")
