"""In the caller's own ids: an account and an owner are named by their external ids."""

from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect, one_era
from tests.server.calling import call, refused, writes
from tests.server.test_tools_upserts import ACCOUNT, KNOWN, NEW, PERSON

pytestmark = pytest.mark.anyio
era = one_era

COMPANY = {"external_type": "sdfc_account", "external_id": "ABC"}  # account 13
SELLER = {"external_type": "crm", "external_id": "abc"}  # user 13
ANN = {"email_address": "ann@new.test"}


async def test_a_person_is_given_its_account_and_its_owner(connect: Connect, app: App) -> None:
    async with connect() as client:
        reply = await call(client, PERSON, **NEW, person={**ANN, "account": COMPANY, "owner": SELLER})
        again = await call(client, PERSON, **NEW, person={"account": COMPANY, "owner": SELLER})
    assert reply.data["changes"][0]["new"].items() >= {"account_id": 13, "owner_id": 13}.items()
    assert again.data["status"] == "unchanged"
    found = await app.salesloft.get_object("people", reply.data["object_id"])
    assert found is not None
    assert found.model_dump()["account"]["id"] == found.model_dump()["owner"]["id"] == 13


async def test_an_account_is_given_its_owner(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, ACCOUNT, **COMPANY, account={"owner": {**SELLER, "external_id": "abd"}})
    assert reply.data["changes"][0]["new"]["owner_id"] == 14


@pytest.mark.parametrize(
    ("field", "reference", "words"),
    [
        (
            "account",
            {**COMPANY, "external_id": "nobody"},
            'account: "nobody" of type "sdfc_account" is not mapped to an account.',
        ),
        ("account", {**COMPANY, "external_id": "abc "}, '"ABC" is account 13, which differs in spaces and case.'),
        ("owner", {**SELLER, "external_id": "ABC"}, '"abc" is user 13, which differs in case.'),
        ("owner", COMPANY, 'the type is not configured for users. Nothing was changed.\nNext: existing are "crm"'),
        ("account", {"external_type": "erp", "external_id": "1"}, "the type is not configured for accounts."),
        ("account", {"external_type": "", "external_id": "ABC"}, "person.account.external_type: is required."),
        ("account", {**COMPANY, "external_id": 7}, "must be text in quotes; a number may have lost leading zeros."),
        (
            "account",
            {**COMPANY, "external_idd": "7"},
            '"person.account.external_idd" is not known here: did you mean external_id?',
        ),
    ],
)
async def test_what_stands_for_nobody_is_told_in_words_of_its_own(
    connect: Connect, sandbox: Sandbox, field: str, reference: dict[str, Any], words: str
) -> None:
    async with connect() as client:
        said = await refused(client, PERSON, **NEW, person={**ANN, field: reference})
    assert words in said
    assert writes(sandbox) == []


async def test_an_id_of_another_kind_of_record_says_so(connect: Connect, app: App) -> None:
    await app.salesloft.create_configuration("crm", "accounts")
    await app.salesloft.create_mapping("crm", "accounts", "A-1", 13)
    async with connect() as client:
        said = await refused(client, PERSON, **KNOWN, person={"account": SELLER})
    assert "It is mapped to user 13, which is another kind of record." in said


async def test_both_ways_to_name_one_are_refused_before_anything_is_sent(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        said = await refused(client, PERSON, **KNOWN, person={"account": COMPANY, "account_id": 13})
    assert said.startswith("person.account: is given together with account_id.")
    assert len(sandbox.requests) == 0


async def test_an_id_of_several_accounts_names_them(connect: Connect, app: App, sandbox: Sandbox) -> None:
    sandbox.enforce_unique = False
    await app.salesloft.create_mapping("sdfc_account", "accounts", "ABC", 9872)
    async with connect() as client:
        said = await refused(client, PERSON, **KNOWN, person={"account": COMPANY})
    assert "is mapped to 2 accounts: 13, 9872." in said
