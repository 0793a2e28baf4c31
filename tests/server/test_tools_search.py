"""Records by what Salesloft knows of them, as people ask for them, through the protocol."""

from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.fields import AccountFields
from salesloft_mcp.salesloft.models import SINGULAR
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect, one_era
from tests.server.calling import call, refused

pytestmark = pytest.mark.anyio
era = one_era

COMPANY = "Beacon Analytics"


async def test_search_finds_a_record_by_what_salesloft_knows(connect: Connect) -> None:
    async with connect() as client:
        searches: list[tuple[dict[str, Any], int]] = [
            ({"object_type": "people", "email": "beatriz.haddad1@beacon-analytics.test"}, 578495206),
            ({"object_type": "people", "crm_id": "003Dn0000000000IAA"}, 207550815),
            ({"object_type": "accounts", "name": COMPANY}, 9872),
            ({"object_type": "account", "domain": "beacon-analytics.test"}, 9872),
            ({"object_type": "accounts", "name": COMPANY, "domain": "beacon-analytics.test"}, 9872),
            ({"object_type": "users", "name": "Christopher"}, 13),
            ({"object_type": "users", "email": "christina.doe@externalid.com"}, 14),
            ({"object_type": "users", "name": "tomás g", "filters": {"active": False}}, 9),
            ({"object_type": "people", "filters": {"custom_fields[Legacy ID]": "l-70001"}}, 578495206),
            ({"object_type": "people", "filters": {"account_id": 9872, "title": "sales", "city": "AUS"}}, 578495206),
            (
                {"object_type": "people", "email": "", "filters": {"owner_id": "2", "account_id": 9872, "title": "vp"}},
                578495206,
            ),
            ({"object_type": "accounts", "filters": {"archived": True}}, 9061),
            ({"object_type": "accounts", "filters": {"website": "https://www.beacon-analytics.test"}}, 9872),
            ({"object_type": "accounts", "filters": {"industry": "reta"}}, 9060),
        ]
        for arguments, found in searches:
            reply = await call(client, "search_records", **arguments)
            assert [row["id"] for row in reply.data["records"]] == [found]
            assert reply.words.startswith(f"1 {SINGULAR.get(kind := arguments['object_type'], kind)} by ")
            assert reply.data["points_spent"] == 1 + (kind == "people")  # one for the names of their accounts


@pytest.mark.parametrize(
    ("arguments", "found", "told"),
    [
        ({"object_type": "people", "crm_id": "003Dn0000000000"}, 207550815, "the 18 characters of the 15 given"),
        (
            {"object_type": "people", "crm_id": "003dn0000000000iaa"},
            207550815,
            "with the capitals that it must have",
        ),
        (
            {"object_type": "people", "email": "Beatriz <mailto:beatriz.haddad1@beacon-analytics.test>"},
            578495206,
            'without "mailto:" and the name beside it',
        ),
        ({"object_type": "accounts", "domain": "@Beacon-Analytics.test"}, 9872, "without the @ before it"),
        ({"object_type": "accounts", "domain": "www.beacon-analytics.test"}, 9872, 'without "www."'),
    ],
)
async def test_what_is_searched_for_is_taken_out_of_what_stands_around_it_and_told(
    connect: Connect, arguments: dict[str, Any], found: int, told: str
) -> None:
    async with connect() as client:
        reply = await call(client, "search_records", **arguments)
    assert [row["id"] for row in reply.data["records"]] == [found]
    (term,) = set(arguments) - {"object_type"}
    assert f' {term} was taken as "' in reply.words
    assert reply.words.endswith(f'", {told}.')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"object_type": "people", "email": "a@b.test; c@d.test"}, "email: holds 2 addresses."),
        ({"object_type": "people", "email": "_is_null"}, 'email: "_is_null" is a command to Salesloft\'s filters'),
        ({"object_type": "people", "crm_id": "N/A"}, 'crm_id: "N/A" is a placeholder'),
        ({"object_type": "accounts", "domain": "sales@b.test"}, 'domain: "sales@b.test" is an e-mail address.'),
    ],
)
async def test_what_nobody_can_be_found_by_is_refused_before_anything_is_sent(
    connect: Connect, sandbox: Sandbox, arguments: dict[str, Any], words: str
) -> None:
    async with connect() as client:
        assert (await refused(client, "search_records", **arguments)).startswith(words)
    assert not sandbox.requests


async def test_a_search_is_walked_to_its_end_by_cursor(connect: Connect) -> None:
    seen: list[int] = []
    cursor = ""
    async with connect() as client:
        while True:
            reply = await call(client, "search_records", object_type="users", name="a", limit=5, cursor=cursor)
            seen += [row["id"] for row in reply.data["records"]]
            cursor = reply.data.get("next_cursor", "")
            if not cursor:
                break
        everything = await call(client, "search_records", object_type="users", name="a", limit=100)
    assert len(seen) == len(set(seen)) == len(everything.data["records"]) > 5


async def test_a_search_salesloft_cannot_do_is_refused_with_what_it_can(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        searches: list[tuple[dict[str, Any], str, str]] = [
            (
                {"object_type": "people", "domain": "a.test"},
                "domain",
                "use email or crm_id or title or name or account",
            ),
            (
                {"object_type": "accounts", "email": "a@b.test"},
                "email",
                "name or domain or crm_id or owner; or in filt",
            ),
            ({"object_type": "accounts", "account": "a.test"}, "account", "use name or domain"),
            ({"object_type": "people", "name": "?!"}, "name", "a part of one"),
            ({"object_type": "users", "crm_id": "1"}, "crm_id", "use name or email"),
            (
                {"object_type": "people"},
                "search",
                "give email or crm_id or title or name or account or owner; or in filters",
            ),
            ({"object_type": "users", "name": "Ann", "email": "a@b.test"}, "email", "give one of name and email"),
            ({"object_type": "people", "filters": {"titel": "x"}}, "titel", "did you mean title?"),
            ({"object_type": "people", "filters": {"last_name": "x"}}, "last_name", "\nNext: use email"),
            ({"object_type": "people", "filters": {"CITY": "x"}}, "CITY", "did you mean city?"),
            ({"object_type": "people", "filters": {"a\nNext: b": "x"}}, "filters", "use email"),
            ({"object_type": "people", "filters": {"owner_id": "Ann"}}, "owner_id", "whole number"),
            ({"object_type": "accounts", "filters": {"archived": "maybe"}}, "archived", "give one of them"),
            ({"object_type": "users", "filters": {"custom_fields[X]": "1"}}, "filters", "use name"),
            ({"object_type": "people", "filters": {"custom_fields[X]": ["1", "2"]}}, "filters", "each by itself"),
            ({"object_type": "people", "email": "a@b.test", "filters": {"email": "c@d.test"}}, "email", "one of them"),
            (
                {"object_type": "people", "filters": {"crm_id": "_is_null"}},
                "crm_id",
                "is a command to Salesloft's filters",
            ),
            ({"object_type": "people", "filters": {"title": "_is_null"}}, "title", "another field"),
            ({"object_type": "people", "crm_id": "Null"}, "crm_id", '"Null" is a placeholder (a word for nothing)'),
        ]
        for arguments, field, way_on in searches:
            words = await refused(client, "search_records", **arguments)
            assert words.startswith(f"{field}: ")
            assert way_on in words
            assert len(sandbox.requests) == 0


async def test_rows_that_were_not_asked_for_are_never_shown(connect: Connect, sandbox: Sandbox) -> None:
    everybody = b'{"data": [{"id": 1, "email": "someone@else.test"}, {"id": 2, "email": "ann@a.test"}]}'
    sandbox.faults.add(Fault("raw", path="/v2/users", status=200, body=everybody))
    async with connect() as client:
        reply = await call(client, "search_records", object_type="users", email="ann@a.test")
    assert [row["id"] for row in reply.data["records"]] == [2]


async def test_an_account_with_an_address_for_its_domain_is_found(connect: Connect, app: App) -> None:
    fields = AccountFields(name="Coach", domain="https://www.coach.test")
    made = await app.salesloft.upsert_account("marketing", "COACH", fields)
    async with connect() as client:
        for domain in ("coach.test", "www.coach.test", "https://coach.test/de?x=1", "https://www.coach.test"):
            reply = await call(client, "search_records", object_type="accounts", domain=domain)
            assert [row["id"] for row in reply.data["records"]] == [made.id]
        nobody = await call(client, "search_records", object_type="accounts", domain="nobody.test")
    assert nobody.data["records"] == []
    assert nobody.data["points_spent"] <= 7


async def test_users_who_are_deactivated_are_found_and_told(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("crm", "users", "gone", 9)
    asked = {"external_type": "crm", "object_type": "users", "external_ids": ["gone"]}
    async with connect() as client:
        (found,) = (await call(client, "get_records_by_external_id", **asked)).data["records"]
        (named,) = (await call(client, "search_records", object_type="users", email=found["email"])).data["records"]
        resolved = await call(client, "resolve_external_ids", external_ids=["gone"])
    assert found["active"] is named["active"] is resolved.data["record"]["active"] is False


PEOPLE = {"object_type": "people"}


async def test_who_at_an_account_has_no_lead_id_is_one_call(connect: Connect) -> None:
    async with connect() as client:
        named = await call(
            client, "search_records", **PEOPLE, account="cobalt health", without_external_type="crm_lead"
        )
        numbered = await call(client, "search_records", **PEOPLE, account=9025, without_external_type="crm_lead")
    assert named.words == '2 of 3 people by account have no "crm_lead" id. Account: "Cobalt Health" (account 9025).'
    assert {row["account_name"] for row in named.data["records"]} == {"Cobalt Health"}
    assert [row["id"] for row in named.data["records"]] == [row["id"] for row in numbered.data["records"]]
    assert {row["account_id"] for row in numbered.data["records"]} == {9025}
    assert (named.data["points_spent"], numbered.data["points_spent"]) == (4, 3)  # one names the account


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({**PEOPLE, "account": "beacon-analytics.test", "title": "vp", "filters": {"city": "Austin"}}, {578495206}),
        ({**PEOPLE, "account": "https://www.beacon-analytics.test/en", "name": "haddad BEATRIZ"}, {578495206}),
        ({**PEOPLE, "name": "beatriz haddad"}, {578495206}),
        ({"object_type": "accounts", "filters": {"custom_fields": {"Legacy Account ID": "a-4000"}}}, {13}),
        ({**PEOPLE, "owner": "Mei Jensen", "title": "VP", "account": "Beacon Analytics"}, {578495206}),
        ({**PEOPLE, "owner": "mei.jensen@northwind.example.com", "account": "9872", "title": "VP"}, {578495206}),
        ({**PEOPLE, "account": 9025, "filters": {"title": ["IT", "Analyst"]}}, {207550025, 207550145}),
        ({**PEOPLE, "account": 9025, "filters": {"owner_id": [4, 7], "title": "IT"}}, set[int]()),
        ({"object_type": "accounts", "name": "cobalt health"}, {9025}),
        ({"object_type": "accounts", "name": "Health cobalt"}, {9025}),
        ({"object_type": "accounts", "filters": {"website": "beacon-analytics.test"}}, {9872}),
        ({"object_type": "accounts", "filters": {"industry": "health"}, "owner": "tomas"}, {9031}),
        ({"object_type": "accounts", "filters": {"custom_fields[Legacy Account ID]": "a-4000"}}, {13}),
        ({"object_type": "users", "name": "garcia tomas"}, {9}),
        ({**PEOPLE, "account": 9025, "filters": {"has_crm_id": False, "title": "IT"}}, {207550025}),
        ({"object_type": "accounts", "filters": {"has_crm_id": True, "industry": "health"}, "owner": 3}, set[int]()),
    ],
)
async def test_people_ask_by_account_owner_title_place_and_name(
    connect: Connect, arguments: dict[str, Any], found: set[int]
) -> None:
    async with connect() as client:
        reply = await call(client, "search_records", **arguments)
    assert {row["id"] for row in reply.data["records"]} == found
    assert reply.data["points_spent"] <= 6


async def test_who_is_deactivated_is_told(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "search_records", object_type="users", name="Tomás García")
    assert reply.words == "1 user by name."
    assert reply.data["records"][0]["active"] is False


async def test_several_accounts_that_fit_are_named_and_none_is_chosen(connect: Connect) -> None:
    async with connect() as client:
        several = await refused(client, "search_records", **PEOPLE, account="Cobalt", title="VP")
        none = await refused(client, "search_records", **PEOPLE, account="Cobalt Systems")
        owners = await refused(client, "search_records", **PEOPLE, owner="christ")
    assert several.startswith(
        'account: "Cobalt" fits 5 accounts: "Cobalt Analytics" (account 9001, "cobalt-analytics.te'
    )
    assert none.startswith(
        'account: no account was found by "Cobalt Systems". Near are "Cobalt Analytics" (account 9001'
    )
    assert owners.startswith('owner: "christ" fits 2 users: ')
    assert "\nNext: give its domain, its id or the whole of its name" in several


async def test_who_lacks_an_id_is_paged_to_the_end_while_records_change(connect: Connect, app: App) -> None:
    asked = {"object_type": "accounts", "filters": {"industry": "healthcare"}, "without_external_type": "marketing"}
    async with connect() as client:
        first = await call(client, "search_records", **asked, limit=4)
        await app.salesloft.create_mapping("marketing", "accounts", "NEW", 9033)
        fields = AccountFields(name="Late Health", domain="late-health.test", industry="Healthcare")
        late = await app.salesloft.upsert_account("billing", "LATE", fields)
        again = await call(client, "search_records", **asked, limit=4, cursor=first.data["next_cursor"])
    assert first.words == '4 of the first 10 accounts by industry have no "marketing" id; more with next_cursor.'
    assert [row["id"] for row in first.data["records"]] == [9029, 9030, 9031, 9032]
    assert [row["id"] for row in again.data["records"]] == [9034, late.id]
    assert again.words == '2 of the next 3 accounts by industry have no "marketing" id.'
    assert "next_cursor" not in again.data


async def test_a_type_that_is_not_configured_is_refused_with_the_nearest(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, "search_records", **PEOPLE, without_external_type="crm_leed")
    assert words.startswith(
        'without_external_type: "crm_leed" is not configured for people.\nNext: existing are "crm_lead"'
    )


async def test_a_sentence_says_page_only_where_there_is_more(connect: Connect) -> None:
    async with connect() as client:
        first = await call(client, "search_records", **PEOPLE, account=9025, limit=2)
        last = await call(client, "search_records", **PEOPLE, account=9025, limit=2, cursor=first.data["next_cursor"])
        none = await call(client, "search_records", **PEOPLE, title="astronaut")
        gone = await call(client, "search_records", **PEOPLE, account=99)
        words = await call(client, "search_records", **PEOPLE, account=9025, name="aiden", limit=1)
    assert first.words == "2 people by account; more with next_cursor."
    assert last.words == "1 person on this page by account, the last one."
    assert none.words.startswith("No person fits. Compared: title (a part of it, in any case).")
    assert gone.words == "No person fits. Account: there is no account 99, or it is hidden."
    assert words.words.startswith("1 person by name and account; the names of the first ")


async def test_a_name_alone_is_not_looked_for_among_very_many(
    connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.lookups.searches.MOST_COMPARED", 100)
    async with connect() as client:
        words = await refused(client, "search_records", **PEOPLE, name="Kim")
        within = await call(client, "search_records", **PEOPLE, name="Aiden", account=9025)
    assert words.startswith('name: Salesloft cannot search people by name, and "Kim" may be any of the 160 here.')
    assert "\nNext: give account, too" in words
    assert len(within.data["records"]) == 3


async def test_a_cursor_of_another_search_is_refused(connect: Connect) -> None:
    async with connect() as client:
        for arguments in (
            {"title": "VP", "cursor": "n1672563600000000-5"},
            {"without_external_type": "crm_lead", "cursor": "2"},
        ):
            assert (await refused(client, "search_records", **PEOPLE, **arguments)).startswith("cursor: is of another")
        assert "is not a cursor" in await refused(client, "search_records", **PEOPLE, title="VP", cursor="x1-2")


async def test_people_are_told_with_their_company_and_without_it_where_it_cannot_be_read(
    connect: Connect, sandbox: Sandbox
) -> None:
    asked = {**PEOPLE, "title": "VP", "filters": {"city": "Austin"}, "limit": 3}
    async with connect() as client:
        named = await call(client, "search_records", **asked)
        sandbox.faults.add(Fault("status", path="/v2/accounts", status=403, times=None))
        unnamed = await call(client, "search_records", **asked)
    assert all(row["account_name"] for row in named.data["records"])
    assert not any("account_name" in row for row in unnamed.data["records"])
    assert len(unnamed.data["records"]) == 3


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ({"title": "vice president"}, 'filters {"job_seniority": "vice_president"} finds them all.'),
        ({"filters": {"state": "Texas"}}, 'which may be "TX" or "Texas"'),
    ],
)
async def test_who_finds_nobody_is_told_how_it_may_be_written(
    connect: Connect, asked: dict[str, Any], hint: str
) -> None:
    async with connect() as client:
        reply = await call(client, "search_records", **PEOPLE, **asked)
    assert reply.data["records"] == []
    assert hint in reply.words


async def test_a_seniority_that_does_not_exist_is_refused_with_those_that_do(
    connect: Connect, sandbox: Sandbox
) -> None:
    async with connect() as client:
        words = await refused(client, "search_records", **PEOPLE, filters={"job_seniority": "VP"})
        upper = await call(client, "search_records", **PEOPLE, filters={"job_seniority": "VICE_PRESIDENT"}, limit=1)
    assert words.startswith('job_seniority: "VP" is no value of it.\nNext: give one of director, executive, ')
    assert len(upper.data["records"]) == 1


async def test_a_misspelt_name_is_answered_with_those_that_are_nearly_so(connect: Connect) -> None:
    async with connect() as client:
        misspelt = await call(client, "search_records", **PEOPLE, name="Beatris Hadad")
        strange = await call(client, "search_records", **PEOPLE, name="Zebediah Quux")
    assert misspelt.data["records"] == []
    assert 'Nearly so called: "Beatriz Haddad" (person 578495206)' in misspelt.words
    assert "Nearly" not in strange.words


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"stage": "Working"}, "did you mean person_stage_id?"),
        ({"person_stage_id": "Working"}, "a whole number above 0, which a record tells where all its fields are asked"),
    ],
)
async def test_a_stage_by_name_is_refused_with_where_its_id_stands(
    connect: Connect, filters: dict[str, str], words: str
) -> None:
    async with connect() as client:
        assert words in await refused(client, "search_records", **PEOPLE, filters=filters)


async def test_where_no_name_has_all_the_words_it_is_said_where_others_belong(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "search_records", **PEOPLE, name="Beatriz at Cobalt")
    assert reply.words.endswith("begin a word of the name. A company belongs into account, a job into title.")
