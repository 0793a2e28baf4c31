"""Nothing is made twice: what is nearly there already is told before a record is created."""

import json

import anyio
import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.salesloft.models import Account
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from tests.conftest import Connect, Era
from tests.server.calling import Reply, call, refused, writes
from tests.server.human import YES, Human
from tests.server.test_tools_upserts import ACCOUNT, KNOWN, NEW, PERSON, TAKEN, mapped, with_email

pytestmark = pytest.mark.anyio

HEADLINE = "Create a record beside one that is nearly the same"
ANN = {"email_address": "ann@new.test"}
NEAR = {"external_type": "crm_lead", "external_id": "contact3456"}
BEATRIZ = '"CONTACT3456" is "Beatriz Haddad" (person 578495206), which differs in case'
COMPANY = {"external_type": "marketing", "external_id": "B-1"}
LOOK_UPS = 8  # points that may be spent to see what is there, beside those of any upsert


@pytest.mark.parametrize(
    ("external_id", "why"),
    [
        ("contact3456", "case"),
        (" CONTACT3456", "spaces"),
        ("CONTACT3456 ", "spaces"),
        ("Contact3456 ", "spaces and case"),
    ],
)
async def test_a_nearly_equal_id_is_told_and_needs_a_yes(
    connect: Connect, app: App, sandbox: Sandbox, external_id: str, why: str
) -> None:
    human = Human(action="decline")
    near = {**NEAR, "external_id": external_id}
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, PERSON, **near, person=ANN)
        (question,) = human.questions
        assert question.startswith(HEADLINE)
        assert (
            f'there already: "CONTACT3456" is "Beatriz Haddad" (person 578495206), which differs in {why}' in question
        )
        assert 'record: a new one\nfield email_address: "ann@new.test"' in question
        assert '"CONTACT3456" is "Beatriz Haddad" (person 578495206)' in words
        assert "use its external id, or call create_external_id_mapping to map this one" in words
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        reply = await call(client, PERSON, **near, person=ANN)
    assert reply.data["status"] == "created"
    assert reply.data["agreed"] == "asked through the client"
    assert await mapped(app, external_id) == [reply.data["object_id"]]


@pytest.mark.parametrize(("mine", "held"), [("42", "0042"), ("003Dn00000AbCdE", "003Dn00000AbCdEIAV")])
async def test_ids_that_lost_zeros_or_three_characters_are_near_where_the_lost_form_is_looked_up(
    connect: Connect, app: App, mine: str, held: str
) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", mine, 207550001)
    async with connect(elicitation_callback=(human := Human(action="decline"))) as client:
        await refused(client, PERSON, external_type="crm_lead", external_id=held, person=ANN)
    (question,) = human.questions
    assert f'"{mine}" is ' in question
    assert "(person 207550001)" in question


async def test_a_client_that_cannot_ask_is_told_what_was_found_and_the_ways_on(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **NEAR, person=ANN)
        assert words.startswith(
            f"this needs a person's yes, and this client cannot ask. There already: {BEATRIZ}. Nothing was changed;"
        )
        assert "to map this one; if not, a person runs `salesloft-mcp approvals" in words
        (pending,) = await app.approvals.pending()
        assert await app.approvals.decide(pending.id, yes=True)
        reply = await call(client, PERSON, **NEAR, person=ANN)
    assert reply.data["agreed"] == "approved in a terminal"
    assert len(writes(sandbox)) == 1


async def test_a_preview_shows_the_same_question(connect: Connect, sandbox: Sandbox) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        reply = await call(client, PERSON, **NEAR, person=ANN, preview=True)
    assert reply.data["agreed"] == "a person would be asked through this client"
    assert BEATRIZ in reply.data["question"]
    assert writes(sandbox) == []


async def test_update_only_and_the_exact_id_ask_nobody(connect: Connect) -> None:
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        await refused(client, PERSON, **NEAR, person=ANN, intent="update_only")
        await call(client, PERSON, **KNOWN, person={"title": "CEO"})
    assert human.questions == []


async def test_what_comes_near_while_the_person_thinks_makes_it_ask_again(
    connect: Connect, app: App, sandbox: Sandbox, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)  # the person thinks for longer than that

    async def another() -> None:
        await app.salesloft.create_mapping("crm_lead", "people", "contact3456", 207550003)

    human = Human(YES, meanwhile=[another])
    spaced = {**NEAR, "external_id": "contact3456 "}
    async with connect(elicitation_callback=human) as client:
        if era == "legacy":
            words = await refused(client, PERSON, **spaced, person=ANN)
            assert "what this is about changed while the person was asked" in words
            assert [one for one in writes(sandbox) if "/ids/" in one] == []
        reply = await call(client, PERSON, **spaced, person=ANN)
    assert reply.data["status"] == "created"
    assert len(human.questions) == 2
    assert "(person 207550003)" not in human.questions[0]
    assert "(person 207550003)" in human.questions[1]


@pytest.mark.parametrize(
    "email", ["beatriz.haddad1@beacon-analytics.test", " Beatriz.Haddad1@beacon-analytics.TEST\u00a0"]
)
@pytest.mark.parametrize("preview", [False, True])
async def test_the_address_of_another_person_is_refused_before_anybody_is_asked(
    connect: Connect, app: App, sandbox: Sandbox, email: str, preview: bool
) -> None:
    human = Human(YES)
    person = {"email_address": email, "do_not_contact": True}
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, PERSON, **NEW, person=person, preview=preview)
    assert 'belongs to person 578495206, whose external id of this type is "CONTACT3456". Nothing was created.' in words
    assert human.questions == []
    assert writes(sandbox) == []
    assert await with_email(app, TAKEN["email_address"]) == 1


@pytest.mark.parametrize("wrapped", ["mailto:{}", "Beatriz <{}>"])
async def test_an_address_is_known_whatever_stands_around_it(connect: Connect, wrapped: str) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **NEW, person={"email_address": wrapped.format(TAKEN["email_address"])})
    assert "belongs to person 578495206" in words


async def test_an_update_to_the_address_of_another_person_is_refused_before_anybody_is_asked(
    connect: Connect, sandbox: Sandbox
) -> None:
    other = {"external_type": "crm_lead", "external_id": "CONTACT1001"}
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, PERSON, **other, person={**TAKEN, "do_not_contact": True})
        own = await call(client, PERSON, **KNOWN, person={**TAKEN, "title": "CEO"})
    assert "belongs to person 578495206, and this external id to person 207550001" in words
    assert human.questions == []
    assert own.data["status"] == "updated"


async def test_the_second_address_of_another_person_needs_a_yes(connect: Connect, sandbox: Sandbox) -> None:
    row = {"id": 7, "first_name": "Eve", "email_address": "eve@x.test", "personal_email_address": "Ann@new.test"}
    answer = Fault(
        "raw", method="GET", path="/v2/people", times=None, status=200, body=json.dumps({"data": [row]}).encode()
    )
    sandbox.faults.add(answer)
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        reply = await call(client, PERSON, **NEW, person=ANN)
    assert reply.data["status"] == "created"
    (question,) = human.questions
    assert 'there already: "ann@new.test" is the personal_email_address of "Eve" (person 7)' in question


async def test_an_external_id_that_was_taken_off_a_person_makes_no_second_one_unasked(
    connect: Connect, sandbox: Sandbox
) -> None:
    unnamed = {"phone": "+1 404 555 0001", "last_name": "Roe"}
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        created = await call(client, PERSON, **NEW, person=unnamed)
        await call(client, "undo_change", change=created.data["change_id"])
        human.action = "decline"
        words = await refused(client, PERSON, **NEW, person=unnamed)
        leads = {"external_type": NEW["external_type"], "object_type": "people"}
        row = {"external_id": NEW["external_id"], **unnamed}
        plan = await call(client, "plan_bulk_upsert", **leads, rows=[row])
        near = await refused(client, PERSON, **{**NEW, "external_id": NEW["external_id"].lower()}, person=ANN)
    number, person = created.data["change_id"] + 1, created.data["object_id"]
    was = f'"{NEW["external_id"]}" was the external id of "Roe" (person {person}) until change {number}'
    assert was in words
    assert was in near
    assert was in human.questions[-1]
    assert plan.data["rows"][0]["note"] == f"was the external id of record {person} until change {number}"
    assert len(writes(sandbox)) == 2


async def test_the_old_id_of_a_person_who_got_another_one_makes_no_second_one_unasked(
    connect: Connect, sandbox: Sandbox
) -> None:
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        new = {**KNOWN, "external_id": "C-3456", "object_type": "people", "object_id": 578495206}
        await call(client, "create_external_id_mapping", **new, instead_of=KNOWN["external_id"])
        human.action = "decline"
        words = await refused(client, PERSON, **KNOWN, person=ANN)
    assert '"CONTACT3456" was the external id of "Beatriz Haddad" (person 578495206) until change 1' in words


@pytest.mark.parametrize("kind", ["person", "account"])
async def test_the_crm_id_of_another_record_needs_a_yes(connect: Connect, sandbox: Sandbox, kind: str) -> None:
    crm_id = "003Dn00000AbCdEIAV" if kind == "person" else "001Dn00000AbCdEIAV"
    tool, key, fields = (
        (PERSON, NEW, ANN) if kind == "person" else (ACCOUNT, COMPANY, {"name": "A", "domain": "a.test"})
    )
    row = {"id": 7, "first_name": "Eve", "name": "Eve", "crm_id": crm_id}
    body = json.dumps({"data": [row]}).encode()
    path = "/v2/people" if kind == "person" else "/v2/accounts"
    sandbox.faults.add(Fault("raw", method="GET", path=path, times=None, status=200, body=body))
    async with connect(elicitation_callback=(human := Human(action="decline"))) as client:
        words = await refused(client, tool, **key, **{kind: {**fields, "crm_id": crm_id[:15]}})
    (question,) = human.questions
    assert f'there already: "{crm_id}" is the crm_id of "Eve" ({kind} 7)' in question
    assert f'"{crm_id}" is the crm_id of "Eve"' in words
    assert writes(sandbox) == []


@pytest.mark.parametrize(
    "domain",
    [
        "beacon-analytics.test",
        "Beacon-Analytics.test",
        "https://www.beacon-analytics.test/en/",
        "www.beacon-analytics.test.",
    ],
)
async def test_the_domain_of_another_account_is_refused_in_any_spelling(
    connect: Connect, sandbox: Sandbox, domain: str
) -> None:
    async with connect() as client:
        words = await refused(client, ACCOUNT, **COMPANY, account={"name": "B", "domain": domain})
    assert words.startswith('domain: "beacon-analytics.test" belongs to account 9872')
    assert writes(sandbox) == []


async def test_an_account_that_holds_its_domain_as_an_address_is_found(connect: Connect, app: App) -> None:
    key = {"external_type": "marketing", "external_id": "T-1"}
    trainers = 9060  # of the sandbox's seed, where it holds a URL
    record = await app.salesloft.get_object("accounts", trainers)
    await app.salesloft.create_mapping("marketing", "accounts", "T-1", trainers)
    async with connect() as client:
        words = await refused(client, ACCOUNT, **COMPANY, account={"name": "T", "domain": "trainers.test"})
        again = await call(client, ACCOUNT, **key, account={"domain": "trainers.test"})
    assert isinstance(record, Account)
    assert str(record.domain).startswith("https://")
    assert f'belongs to account {trainers}, whose external id of this type is "T-1"' in words
    assert again.data["status"] == "unchanged"


async def test_a_type_that_is_not_configured_is_refused_before_anybody_is_asked(connect: Connect, app: App) -> None:
    stop = {"do_not_contact": True}
    human = Human(YES)
    await app.salesloft.delete_configuration(226)
    async with connect(elicitation_callback=human) as client:
        for key, person in ((NEW, ANN), (NEW, ANN | stop), (KNOWN, stop)):
            words = await refused(client, PERSON, **key, person=person)
            assert words.startswith('external_type: "crm_lead" is not configured for people.')
    assert human.questions == []


@pytest.mark.parametrize(
    ("tool", "argument", "fields", "needed"),
    [
        (PERSON, "person", {"first_name": "Ann"}, "email_address, or phone and last_name"),
        (PERSON, "person", {"phone": "+1 404 555 0001"}, "email_address, or phone and last_name"),
        (ACCOUNT, "account", {"name": "A"}, "name and domain"),
    ],
)
@pytest.mark.parametrize("preview", [False, True])
async def test_what_cannot_be_created_is_told_by_a_preview_too(
    connect: Connect, sandbox: Sandbox, tool: str, argument: str, fields: dict[str, str], needed: str, preview: bool
) -> None:
    key = NEW if tool == PERSON else COMPANY
    async with connect() as client:
        words = await refused(client, tool, **key, **{argument: fields}, preview=preview)
    assert words.startswith(f"{argument}: the external id is not mapped, and creating needs {needed}.")
    assert "call create_external_id_mapping, then upsert again." in words
    assert writes(sandbox) == []


async def test_what_cannot_be_created_is_told_with_the_id_that_may_be_meant(connect: Connect, sandbox: Sandbox) -> None:
    lead = {"external_type": "crm_lead", "external_id": "contact3456"}
    async with connect() as client:
        words = await refused(client, PERSON, **lead, person={"phone": "+1 404 555 0001"})
    assert words == (
        "person: the external id is not mapped, and creating needs email_address, or phone and last_name. "
        'Nothing was created. "CONTACT3456" is person 578495206, which differs in case.\n'
        "Next: ask the person which id is meant, and use it."
    )
    assert writes(sandbox) == []


async def test_a_new_account_is_not_archived(connect: Connect) -> None:
    account = {"name": "A", "domain": "a-new.test", "archived": True}
    async with connect() as client:
        words = await refused(client, ACCOUNT, **COMPANY, account=account)
    assert words.startswith("account.archived: only an account that exists can be archived.")


async def test_it_takes_a_few_points_to_see_what_is_there(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        await call(client, "get_connection")
        person = await call(client, PERSON, **NEW, person=ANN)
        account = await call(client, ACCOUNT, **COMPANY, account={"name": "A", "domain": "a-new.test"})
        mapping = await call(
            client,
            "create_external_id_mapping",
            **NEAR,
            object_type="people",
            object_id=207550001,
        )
    for reply in (person, account):
        assert reply.data["points_spent"] <= LOOK_UPS + 3  # the mapping, the configurations and the write
    assert mapping.data["points_spent"] == 2  # a mapping of an existing record is only looked at and made


async def test_a_token_that_may_not_read_people_creates_what_salesloft_takes(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="GET", path="/v2/people", status=403, times=None))
    async with connect(elicitation_callback=Human(YES)) as client:
        created = await call(client, PERSON, **NEW, person=ANN)
        near = await call(client, PERSON, **NEAR, person={"email_address": "b@new.test"}, preview=True)
    assert created.data["status"] == "created"
    assert '"CONTACT3456" is person 578495206, which differs in case' in near.data["question"]


@pytest.mark.parametrize("cut_short", [0, 1])
async def test_of_nearly_equal_ids_at_once_one_is_created_without_a_yes(
    connect: Connect, sandbox: Sandbox, cut_short: int
) -> None:
    unnamed = {"phone": "+1 404 555 0001", "last_name": "Roe"}  # what Salesloft takes any number of times
    sandbox.faults.add(Fault("lost_answer", method="POST", times=cut_short))
    replies: list[Reply] = []
    async with connect() as client:

        async def upsert(external_id: str) -> None:
            replies.append(
                await call(client, PERSON, external_type="crm_lead", external_id=external_id, person=unnamed)
            )

        async with anyio.create_task_group() as tasks:
            for external_id in ("Dup2", "dup2", "DUP2", "Other"):
                tasks.start_soon(upsert, external_id)
        again = await refused(client, PERSON, external_type="crm_lead", external_id="dUP2", person=unnamed)
    failed = [one for one in replies if one.failed]
    assert [one.data["status"] for one in replies if not one.failed] == ["created", "created"]
    assert len(failed) == 2
    for one in failed:
        assert one.words.startswith("something that is nearly the same was created at this moment.") or (
            "There already: " in one.words
        )
    assert "There already: " in again


async def test_a_row_that_cannot_be_read_stops_no_upsert_and_hides_no_other(app: App, era: Era) -> None:
    with Sandbox(odd=["null-rows"]) as odd:
        async with (
            open_app(app.settings, odd) as there,
            Client(build_server(there, chosen("full")), mode=era) as client,
        ):
            person = await call(client, PERSON, **NEW, person=ANN)
            account = await call(client, ACCOUNT, **COMPANY, account={"name": "A", "domain": "a-new.test"})
            words = await refused(client, PERSON, **{**NEW, "external_id": "NEW/2"}, person=TAKEN)
    assert (person.data["status"], account.data["status"]) == ("created", "created")
    assert "belongs to person 578495206" in words


async def test_a_token_that_may_not_read_configurations_creates_what_salesloft_takes(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="GET", path="/v2/external/configurations", status=403, times=None))
    mapping = {"object_type": "people", "object_id": 207550001}
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        created = await call(client, PERSON, **NEW, person=ANN)
        stopped = await call(client, PERSON, **KNOWN, person={"do_not_contact": True})
        damaged = await call(
            client, "create_external_id_mapping", external_type="crm_lead", external_id="1 ", **mapping
        )
        unknown = await refused(
            client, PERSON, external_type="crm_leed", external_id="1", person={"email_address": "b@new.test"}
        )
    assert [one.data["status"] for one in (created, stopped, damaged)] == ["created", "updated", "created"]
    assert len(human.questions) == 2
    assert "(404)" in unknown  # in Salesloft's own words


@pytest.mark.parametrize("beside", [0, 1])
async def test_a_nearly_equal_id_whose_mapping_cannot_be_read_needs_a_yes_too(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, beside: int
) -> None:
    """Whether the list shows that mapping alone, or beside one that can be read."""
    sandbox.enforce_unique = False
    found = await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)
    monkeypatch.setitem(ODD_VALUES, ("mappings", found.rows[0].id or 0), {"object_id": None})
    if beside:
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550001)
    sandbox._odd = frozenset({"odd-values"})
    async with connect(elicitation_callback=(human := Human(action="decline"))) as client:
        await refused(client, PERSON, **NEAR, person=ANN)
    (question,) = human.questions
    assert '"CONTACT3456" may stand for a record, which Salesloft does not show readably' in question
    assert len(writes(sandbox)) == beside
