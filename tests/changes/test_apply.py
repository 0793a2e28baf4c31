"""A change is carried out once: what becomes of a lost answer is looked up, and nothing is sent on a guess."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import anyio
import httpx
import pytest

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, mappings, records
from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.paging import live_configurations
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from tests.salesloft.opened import PLENTY, over

from .conftest import unique_or_not
from .world import ANN, BEN, CLEO, COMPANY, KEY, LEAD, NOBODY, OTHER_KEY, PLACE, YES, World, states, world

pytestmark = pytest.mark.anyio

MAPPINGS, CONFIGURATIONS, IDS = "/v2/external/mappings*", "/v2/external/configurations*", "/v2/external/ids/*"
LOSSES = [
    Fault("status", status=500),
    Fault("status", status=503),
    Fault("reset"),
    Fault("lost_answer"),
    Fault("truncated"),
    Fault("delay", seconds=5),
    Fault("raw", status=200, body=b"<html>"),
    Fault("lost_answer", times=3),
    Fault("truncated", times=3),
]
loss = pytest.mark.parametrize("fault", LOSSES, ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.times}")
NEW_PERSON = PersonFields(email_address="new@externalid.com", title="CFO", account_id=9872)


async def configured(here: World, external_type: str, object_type: str) -> list[int]:
    here.sandbox.faults.clear()
    rows, _ = await live_configurations(here.api)
    return [row.id for row in rows if (row.external_type, row.object_type) == (external_type, object_type)]


async def mapping_of(here: World, object_id: int, key: MappingKey = KEY) -> Change:
    """Map the id, and then the change that deletes that mapping."""
    row = await here.api.create_mapping(key.external_type, key.object_type, key.external_id, object_id)
    return mappings.deletion(key, mappings.image(row))


@unique_or_not
@loss
async def test_a_mapping_is_created_exactly_once(here: World, fault: Fault) -> None:
    here.sandbox.faults.add(replace(fault, method="POST", path=MAPPINGS))
    done = await here.apply(mappings.creation(KEY, ANN))
    assert (states(done), (done.outcomes[0].after or {})["object_id"]) == (["created"], ANN)
    assert await here.mapped() == [ANN]
    assert await here.states(done.number) == ["created"]


@unique_or_not
@loss
async def test_a_configuration_is_created_exactly_once(here: World, fault: Fault) -> None:
    here.sandbox.faults.add(replace(fault, method="POST", path=CONFIGURATIONS))
    done = await here.apply(configurations.creation(configurations.key_of("erp", "users")))
    assert (states(done), done.error) == (["created"], None)
    assert await configured(here, "erp", "users") == [(done.outcomes[0].after or {})["id"]]


@unique_or_not
@loss
async def test_a_person_is_created_exactly_once(here: World, fault: Fault) -> None:
    here.sandbox.faults.add(replace(fault, method="POST", path=IDS))
    done = await here.apply(await records.upsert(here.api, KEY, NEW_PERSON, "upsert"))
    made = done.outcomes[0].after or {}
    assert (states(done), made["title"], made["account_id"]) == (["created"], "CFO", 9872)
    assert await here.mapped() == [made["id"]]
    found = (await here.api.list_objects("people", (("email_addresses[]", "new@externalid.com"),))).rows
    assert [one.id for one in found] == [made["id"]]


@loss
async def test_a_person_is_updated_whatever_happens_to_the_answer(here: World, fault: Fault) -> None:
    change = await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "update_only")
    here.sandbox.faults.add(replace(fault, method="POST", path=IDS))
    done = await here.apply(change)
    assert (states(done), done.outcomes[0].after) == (["updated"], {"id": 578495206, "title": "CFO"})


@loss
async def test_a_deletion_is_done_once_its_outcome_is_known(here: World, fault: Fault) -> None:
    gone = await mapping_of(here, ANN)
    # A deletion that succeeds needs no body, so a broken body is nothing to repair.
    kind = "lost_answer" if fault.kind in ("truncated", "raw") else fault.kind
    here.sandbox.faults.add(replace(fault, kind=kind, method="DELETE"))
    done = await here.apply(gone, author=YES)
    assert (states(done), await here.mapped()) == (["deleted"], [])


async def test_a_404_to_the_second_try_of_a_deletion_means_that_the_first_one_worked(here: World) -> None:
    gone = await mapping_of(here, ANN)
    here.sandbox.faults.add(
        Fault("lost_answer", "DELETE"),
        Fault("raw", "GET", path=MAPPINGS, status=200, body=await _listed(here), times=2),
    )
    done = await here.apply(gone, author=YES)
    assert (states(done), here.sent("DELETE")) == (["deleted"], 2)


async def _listed(here: World) -> bytes:
    """The answer of Salesloft while the mapping is still there, to be given once more when it is gone."""
    answers: list[bytes] = []

    async def keep(response: httpx.Response) -> None:
        answers.append(await response.aread())

    here.api._http.event_hooks["response"] = [keep]
    await here.mapped()
    here.api._http.event_hooks["response"] = []
    return answers[0]


async def test_deleting_what_is_gone_already_is_no_deletion_of_ours(here: World) -> None:
    gone = await mapping_of(here, ANN)
    assert states(await here.apply(gone)) == ["deleted"]
    assert states(await here.apply(gone)) == ["unchanged"]
    fresh = Operation("a test", (gone,), read_at=time.monotonic())
    assert states(await here.changes.apply(fresh, NOBODY)) == ["unchanged"]


async def test_creating_twice_is_one_write_and_says_what_stands(here: World) -> None:
    await here.apply(mappings.creation(KEY, ANN))
    here.sandbox.requests.clear()
    again = await here.apply(mappings.creation(KEY, ANN))
    assert (states(again), here.sent()) == (["unchanged"], 0)
    assert (again.outcomes[0].after or {})["object_id"] == ANN
    key = configurations.key_of("crm", "users")
    assert states(await here.apply(configurations.creation(key))) == ["unchanged"]
    assert await here.mapped() == [ANN]


async def test_the_same_values_again_are_unchanged_and_not_written(here: World) -> None:
    fields = PersonFields(title="CFO", account_id=9872, tags=["b", "a"], custom_fields={"Lead Source": "Web"})
    assert states(await here.apply(await records.upsert(here.api, LEAD, fields, "upsert"))) == ["updated"]
    here.sandbox.requests.clear()
    again = fields.model_copy(update={"tags": ["a", "b"]})
    assert states(await here.apply(await records.upsert(here.api, LEAD, again, "upsert"))) == ["unchanged"]
    assert here.sent() == 0


@pytest.mark.parametrize("fault", [Fault("lost_answer"), Fault("reset"), None], ids=str)
async def test_an_account_is_created_with_its_domain_in_any_case(here: World, fault: Fault | None) -> None:
    if fault:
        here.sandbox.faults.add(replace(fault, method="POST"))
    fields = AccountFields(name="New", domain="New.TEST")
    assert states(await here.apply(await records.upsert(here.api, COMPANY, fields, "create_only"))) == ["created"]
    here.sandbox.requests.clear()
    assert states(await here.apply(await records.upsert(here.api, COMPANY, fields, "upsert"))) == ["unchanged"]
    assert here.sent() == 0


async def test_a_taken_external_id_is_a_conflict_that_names_the_holder(here: World) -> None:
    await here.apply(mappings.creation(KEY, ANN))
    with pytest.raises(errors.ConflictError, match=str(ANN)) as caught:
        await here.apply(mappings.creation(KEY, BEN))
    assert caught.value.next_step
    assert await here.mapped() == [ANN]


async def test_a_deleted_mapping_does_not_count_as_there(here: World) -> None:
    gone = (await here.api.list_mappings(external_type="crm_lead", deleted=True, per_page=1)).rows[0]
    key = MappingKey("crm_lead", "people", gone.external_id)
    assert states(await here.apply(mappings.creation(key, gone.object_id))) == ["created"]


@unique_or_not
@pytest.mark.parametrize("holder", [ANN, BEN])
async def test_what_a_stranger_did_between_the_look_and_the_write_is_told_as_it_is(
    here: World, there: World, holder: int
) -> None:
    """The stranger is no process of ours: nothing of it stands in the log."""

    async def meddle() -> None:
        await there.api.create_mapping(KEY.external_type, KEY.object_type, KEY.external_id, holder)

    before_the_first(here, "POST", meddle)
    done = await here.apply(mappings.creation(KEY, ANN))
    if not here.sandbox.enforce_unique:
        assert states(done) == ["created"]
    elif holder == ANN:
        assert states(done) == ["unchanged"]
    else:
        assert states(done) == ["conflict"]
        assert str(BEN) in str(done.error)


def before_the_first(here: World, method: str, act: Callable[[], Awaitable[None]]) -> None:
    """Do something when the first request of a kind is about to leave."""
    left = [act]

    async def hook(request: httpx.Request) -> None:
        if request.method == method and left:
            await left.pop()()

    here.api._http.event_hooks["request"] = [hook]


async def test_a_write_whose_answer_was_lost_is_not_told_as_undone_when_something_else_stands_there(
    here: World,
) -> None:
    """The person was updated, the answer was lost, and somebody else changed the person once more."""
    upsert = here.api.upsert_person

    async def done_and_lost(*asked: Any) -> Any:
        await upsert(*asked)
        await upsert(LEAD.external_type, LEAD.external_id, PersonFields(title="of a colleague"))
        raise errors.UnknownOutcomeError("the answer was lost.")

    here.api.upsert_person = done_and_lost  # type: ignore[method-assign,assignment]
    done = await here.apply(await records.upsert(here.api, LEAD, PersonFields(title="ours"), "upsert"), author=YES)
    assert states(done) == ["lost"]
    assert "nobody can tell whether this was done before" in str(done.error)
    (logged,) = await here.logged()
    assert (logged.lines[0].state, logged.how) == ("lost", YES.how)


async def test_a_refusal_is_no_unknown_outcome(here: World) -> None:
    done = await here.apply(mappings.creation(MappingKey("nowhere", "people", "A"), ANN))
    assert states(done) == ["failed"]
    assert isinstance(done.error, errors.MissingError)
    assert "nowhere" in done.error.what


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_enough_is_no_unknown_outcome(here: World, status: int) -> None:
    here.sandbox.faults.add(Fault("status", "POST", times=None, status=status))
    assert states(await here.apply(mappings.creation(KEY, ANN))) == ["failed"]
    assert (here.sent(), await here.mapped()) == (1, [])


async def test_an_answer_that_never_comes_stays_unknown_after_three_tries(here: World) -> None:
    here.sandbox.faults.add(Fault("reset", "POST", times=None))
    done = await here.apply(mappings.creation(KEY, ANN))
    assert (states(done), here.sent()) == (["unknown"], 3)
    assert isinstance(done.error, errors.UnknownOutcomeError)
    assert [line.tries for line in await here.lines(done.number)] == [3]


@unique_or_not
@pytest.mark.parametrize("status", [401, 403, 503])
async def test_an_unknown_outcome_that_cannot_be_looked_up_is_told_as_unknown(here: World, status: int) -> None:
    async def lose() -> None:
        here.sandbox.faults.add(Fault("lost_answer", "POST"), Fault("status", "GET", times=None, status=status))

    before_the_first(here, "POST", lose)
    done = await here.apply(mappings.creation(KEY, ANN))
    assert (states(done), here.sent()) == (["unknown"], 1)
    assert isinstance(done.error, errors.UnknownOutcomeError)
    assert await here.mapped() == [ANN]


@unique_or_not
async def test_a_late_commit_is_waited_for(sandbox: Sandbox) -> None:
    async with world(sandbox, quiet=0.3) as here:
        sandbox.faults.add(Fault("late_commit", "POST", seconds=0.2))
        assert states(await here.apply(mappings.creation(KEY, ANN))) == ["created"]
        assert (here.sent(), await here.mapped()) == (1, [ANN])


async def test_a_second_try_that_cannot_leave_does_not_make_the_first_one_undone(here: World) -> None:
    gone = await mapping_of(here, ANN)
    answers = iter([httpx.ReadError("reset"), *[httpx.ConnectError("refused")] * 9])

    def serve(_: httpx.Request) -> httpx.Response:
        raise next(answers)

    async with over(httpx.MockTransport(serve)) as api:
        await here.changes.place()  # known before the network is gone
        here.changes.api = api
        fresh = Operation("a test", (gone,), read_at=time.monotonic())
        assert states(await here.changes.apply(fresh, YES)) == ["unknown"]


async def test_what_is_written_stands_in_the_log_before_it_is_sent(here: World, there: World) -> None:
    seen: list[str] = []

    async def look() -> None:
        seen.extend(line.state for one in await there.logged() for line in one.lines)

    before_the_first(here, "POST", look)
    await here.apply(mappings.creation(KEY, ANN))
    assert seen == ["intended"]


async def test_a_change_that_was_read_long_ago_is_read_again(here: World) -> None:
    change = await as_it_stands(here.api, mappings.creation(KEY, ANN))
    here.sandbox.requests.clear()
    await here.changes.apply(Operation("a test", (change,), read_at=time.monotonic()), NOBODY)
    assert here.sent("GET") == 1  # the team, once
    await here.apply(mappings.creation(OTHER_KEY, ANN))
    assert here.sent("GET") == 2


@pytest.mark.parametrize("what", ["gone", "another", "the same"])
async def test_what_a_person_agreed_to_must_still_stand(here: World, what: str) -> None:
    gone = await mapping_of(here, ANN)
    await here.api.delete_mapping(int(str((gone.before or {})["id"])))
    if what != "gone":
        await mapping_of(here, BEN if what == "another" else ANN)
    with pytest.raises(errors.UnconfirmedError, match="changed while the person was asked"):
        await here.apply(gone, author=YES)
    assert here.sent("DELETE") == 1
    assert await here.logged() == []


async def test_a_record_that_was_changed_meanwhile_is_a_conflict(here: World) -> None:
    change = await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "upsert")
    await here.api.upsert_person("crm_lead", "CONTACT3456", PersonFields(title="COO"))
    with pytest.raises(errors.ConflictError, match="changed by somebody else"):
        await here.apply(change)


@pytest.mark.parametrize("kind", ["record", "mapping", "configuration"])
async def test_what_vanished_after_it_was_read_is_a_conflict_in_words(here: World, kind: str) -> None:
    standing = await as_it_stands(here.api, mappings.creation(LEAD, 578495206))
    changes = {
        "mapping": standing,
        "record": await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "upsert"),
        "configuration": await as_it_stands(
            here.api, configurations.creation(configurations.key_of("crm_lead", "people"))
        ),
    }
    await here.api.delete_mapping(int(str((standing.before or {})["id"])))
    await here.api.delete_configuration(226)
    with pytest.raises(errors.ConflictError, match="gone"):
        await here.apply(changes[kind])


async def test_an_update_that_hits_another_record_is_a_conflict_that_names_it() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        row = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456", "object_id": 7}
        record = {"id": 8 if request.method == "POST" else 7}
        return httpx.Response(200, json={"data": row if "mappings" in request.url.path else record})

    with Sandbox(rate_limit=PLENTY) as sandbox:
        async with world(sandbox) as here, over(httpx.MockTransport(serve)) as api:
            here.changes.api = api
            change = await records.upsert(api, LEAD, PersonFields(title="CFO"), "upsert")
            done = await here.apply(change)
    assert states(done) == ["conflict"]
    assert isinstance(done.error, errors.ConflictError)
    assert "person 8" in done.error.what


async def test_an_email_that_is_taken_names_its_record_and_the_way_out(here: World) -> None:
    ann = await here.api.get_object("people", ANN)
    fields = PersonFields(email_address=str(getattr(ann, "email_address", "")).upper(), title="CFO")
    done = await here.apply(await records.upsert(here.api, KEY, fields, "upsert"))
    assert (states(done), await here.mapped()) == (["failed"], [])
    assert isinstance(done.error, errors.ConflictError)
    assert str(ANN) in done.error.what
    # The way out works.
    await here.apply(mappings.creation(KEY, ANN))
    done = await here.apply(await records.upsert(here.api, KEY, fields, "upsert"))
    assert (states(done), (done.outcomes[0].after or {})["id"]) == (["updated"], ANN)


async def test_a_domain_that_is_taken_names_its_record(here: World) -> None:
    taken = await here.api.get_object("accounts", 9872)
    fields = AccountFields(name="Other", domain=str(getattr(taken, "domain", "")).upper())
    done = await here.apply(await records.upsert(here.api, COMPANY, fields, "upsert"))
    assert isinstance(done.error, errors.ConflictError)
    assert "9872" in done.error.what


async def test_another_refusal_of_a_create_stays_a_refusal(here: World) -> None:
    done = await here.apply(await records.upsert(here.api, KEY, PersonFields(title="CFO"), "upsert"))
    assert isinstance(done.error, errors.RejectedError)
    assert list(done.error.fields) == ["email_address"]


@pytest.mark.parametrize("people", [403, 200])
async def test_a_taken_email_whose_record_cannot_be_found_blames_nobody(here: World, people: int) -> None:
    """The search may be forbidden, or ignore its filter and list strangers."""

    def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(422, json={"errors": {"email_address": ["has already been taken"]}})
        stranger = {"id": 5, "email_address": "stranger@b.test"}
        rows = [stranger] if request.url.path == "/v2/people" else []
        return httpx.Response(people if rows else 200, json={"data": {"id": 1} if "team" in request.url.path else rows})

    async with over(httpx.MockTransport(serve)) as api:
        here.changes.api = api
        done = await here.apply(await records.upsert(api, KEY, NEW_PERSON, "upsert"))
    assert isinstance(done.error, errors.RejectedError)
    assert "already been taken" in done.error.what


async def test_a_move_takes_the_id_off_the_one_record_before_the_other_one_gets_it(here: World) -> None:
    gone = await mapping_of(here, ANN)
    done = await here.apply(gone, mappings.creation(KEY, BEN), author=YES)
    assert states(done) == ["deleted", "created"]
    assert [one.method for one in here.sandbox.requests if one.method != "GET"] == ["POST", "DELETE", "POST"]
    assert await here.mapped() == [BEN]


async def test_nothing_after_a_change_that_failed_is_sent(here: World) -> None:
    old = await mapping_of(here, ANN, OTHER_KEY)
    here.sandbox.faults.add(Fault("status", "POST", status=403))
    done = await here.apply(mappings.creation(KEY, ANN), old, author=YES)
    assert (states(done), await here.states(done.number)) == (["failed"], ["failed", "planned"])
    assert (await here.mapped(), await here.mapped(OTHER_KEY)) == ([], [ANN])


@unique_or_not
async def test_a_second_change_is_looked_at_before_it_is_sent(here: World, there: World) -> None:
    """Somebody gave the old id to another record while the new one was written."""
    old = await mapping_of(here, ANN, OTHER_KEY)

    async def meddle() -> None:
        await there.apply(old)
        await there.apply(mappings.creation(OTHER_KEY, BEN))

    before_the_first(here, "POST", meddle)
    new = Operation("a test", (mappings.creation(KEY, ANN), old), read_at=time.monotonic())
    done = await here.changes.apply(new, YES)
    assert states(done) == ["created", "unchanged"]
    assert await here.mapped(OTHER_KEY) == [BEN]


async def test_what_hangs_on_a_configuration_is_in_the_log_before_it_goes(here: World) -> None:
    key = configurations.key_of("marketing", "accounts")
    change = Change("configuration", key, {"id": 227}, None)
    number = await configurations.count(here.api, key)
    done = await here.changes.apply(Operation("a test", (change,), carries=number), YES)
    carried = await here.lines(done.number, "carried")
    assert (states(done), done.carried, len(carried)) == (["deleted"], number, number)
    assert number
    assert {(line.change.key.external_type, line.change.verb) for line in carried} == {("marketing", "deleted")}


async def test_a_configuration_that_stays_carries_nothing(here: World) -> None:
    key = configurations.key_of("marketing", "accounts")
    here.sandbox.faults.add(Fault("status", "DELETE", status=403))
    change = Change("configuration", key, {"id": 227}, None)
    done = await here.changes.apply(
        Operation("a test", (change,), carries=await configurations.count(here.api, key)), YES
    )
    assert (states(done), await here.states(done.number)) == (["failed"], ["failed"])


async def test_a_configuration_with_more_mappings_than_was_said_is_asked_about_anew(here: World) -> None:
    key = configurations.key_of("marketing", "accounts")
    operation = Operation("a test", (Change("configuration", key, {"id": 227}, None),), carries=1)
    with pytest.raises(errors.UnconfirmedError):
        await here.changes.apply(operation, YES)
    assert (await here.logged(), await configured(here, "marketing", "accounts")) == ([], [227])


@unique_or_not
async def test_thirty_equal_creations_at_once_are_one(here: World, there: World) -> None:
    outcomes: list[str] = []

    async def create(one: World) -> None:
        read_at = time.monotonic()
        change = await as_it_stands(one.api, mappings.creation(KEY, ANN))
        done = await one.changes.apply(Operation("a test", (change,), read_at=read_at), NOBODY)
        outcomes.extend(states(done))

    await thirty(create, here, there)
    assert sorted(outcomes) == ["created", *["unchanged"] * 29]
    assert await here.mapped() == [ANN]


@unique_or_not
async def test_thirty_equal_upserts_at_once_are_one(here: World, there: World) -> None:
    outcomes: list[str] = []

    async def upsert(one: World) -> None:
        read_at = time.monotonic()
        change = await records.upsert(one.api, KEY, NEW_PERSON, "upsert")
        done = await one.changes.apply(Operation("a test", (change,), read_at=read_at), NOBODY)
        outcomes.extend(states(done))

    await thirty(upsert, here, there)
    assert sorted(outcomes) == ["created", *["unchanged"] * 29]
    assert len(await here.mapped()) == 1


async def thirty(act: Callable[[World], Coroutine[Any, Any, None]], *worlds: World) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(act, worlds[number % len(worlds)])


@unique_or_not
async def test_whoever_read_before_another_process_wrote_reads_again(here: World, there: World) -> None:
    """The other one began and ended between our look and our turn, so nothing is held any more."""
    read_at = time.monotonic()
    change = await as_it_stands(here.api, mappings.creation(KEY, ANN))
    await there.apply(mappings.creation(KEY, ANN))
    done = await here.changes.apply(Operation("a test", (change,), read_at=read_at), NOBODY)
    assert (states(done), await here.mapped()) == (["unchanged"], [ANN])


async def test_what_stood_there_already_is_unchanged_also_when_it_was_cut_off(here: World) -> None:
    """A run announces such a change, too, and never sends it."""
    change = await as_it_stands(here.api, mappings.creation(LEAD, 578495206))
    (line,) = await here.log.begin(Operation("a test", (change,)), PLACE, NOBODY, ["intended"])
    here.changes.sent_seconds = -1.0
    await here.changes.look_back()
    assert await here.states(line.operation) == ["unchanged"]


async def test_what_was_cut_off_before_it_was_sent_has_failed_and_its_yes_can_be_used_again(here: World) -> None:
    yes = replace(YES, consent="digest")
    operation = Operation("a test", (mappings.creation(KEY, ANN),))
    (line,) = await here.log.begin(operation, PLACE, yes, ["intended"])
    await here.changes.look_back()
    assert await here.states(line.operation) == ["intended"]  # it may be under way
    here.changes.sent_seconds = -1.0
    await here.changes.look_back()
    (found,) = await here.lines(line.operation)
    assert (found.state, "cut off" in found.note) == ("failed", True)
    assert states(await here.changes.apply(operation, yes)) == ["created"]


async def test_a_look_back_that_cannot_read_leaves_everything_as_it_was(here: World) -> None:
    (line,) = await here.log.begin(Operation("a test", (mappings.creation(KEY, ANN),)), PLACE, NOBODY, ["intended"])
    here.changes.sent_seconds = -1.0
    here.sandbox.faults.add(Fault("status", "GET", times=None))
    await here.changes.look_back()
    assert await here.states(line.operation) == ["intended"]


async def test_a_cancelled_call_leaves_its_change_to_be_looked_up(here: World, there: World) -> None:
    here.sandbox.faults.add(Fault("late_commit", "POST", seconds=0.05))
    async with anyio.create_task_group() as tasks:

        async def hang_up() -> None:
            tasks.cancel_scope.deadline = anyio.current_time() + 0.02

        before_the_first(here, "POST", hang_up)
        tasks.start_soon(here.apply, mappings.creation(KEY, ANN))
    (logged,) = await there.logged()
    assert logged.counts == {"intended": 1}
    assert await there.mapped() == [ANN]
    there.changes.sent_seconds = -1.0
    await there.changes.look_back()
    assert await there.states(logged.id) == ["created"]


async def test_an_answer_that_has_come_is_written_down_although_the_call_is_cancelled_then(here: World) -> None:
    create = here.api.create_mapping
    async with anyio.create_task_group() as tasks:

        async def create_and_hang_up(*arguments: Any) -> Any:
            row = await create(*arguments)
            tasks.cancel_scope.cancel()
            return row

        here.api.create_mapping = create_and_hang_up  # type: ignore[method-assign,assignment]
        tasks.start_soon(here.apply, mappings.creation(KEY, ANN))
    (logged,) = await here.logged()
    assert logged.counts == {"created": 1}


async def test_a_call_does_not_wait_for_ever_for_another_writer(here: World, there: World) -> None:
    await there.log.begin(Operation("a test", (mappings.creation(KEY, ANN),)), PLACE, NOBODY, ["intended"])
    with open_call(0.1), pytest.raises(errors.ConflictError, match="under way"):
        await here.apply(mappings.creation(KEY, ANN))
    assert here.sent() == 0


@pytest.mark.steady
async def test_a_second_change_whose_key_stays_held_is_not_sent_and_the_first_one_is_told(
    here: World, there: World
) -> None:
    old = await mapping_of(here, ANN, OTHER_KEY)
    await there.log.begin(Operation("a test", (mappings.creation(OTHER_KEY, BEN),)), PLACE, NOBODY, ["intended"])
    operation = Operation("re-key", (mappings.creation(KEY, ANN), old), read_at=time.monotonic())
    await here.changes.place()
    with open_call(20.0):
        done = await here.changes.apply(operation, YES)
    assert (states(done), await here.states(done.number)) == (["created", "planned"], ["created", "planned"])
    assert "under way" in str(done.error)
    assert here.sent("DELETE") == 0


async def test_the_place_of_a_write_is_asked_once(here: World) -> None:
    place = await here.changes.place()
    assert (place.environment, place.team_id) == (here.changes.environment, 100013)
    assert place.team
    await here.changes.place()
    assert [one.raw_path for one in here.sandbox.requests] == [b"/v2/team"]
    await here.changes.place(fresh=True)
    assert len(here.sandbox.requests) == 2


@pytest.mark.parametrize("kind", ["truncated", "status"])
async def test_a_team_that_cannot_be_read_this_time_is_no_other_team(here: World, kind: Any) -> None:
    """A plan that was made for no team could never be run."""
    here.sandbox.faults.add(Fault(kind, "GET", path="/v2/team", times=None))
    with pytest.raises(errors.ApiError):
        await here.changes.place(fresh=True)
    assert (await here.changes.place()).team_id is None
    here.sandbox.faults.clear()
    assert (await here.changes.place()).team_id == 100013


@pytest.mark.parametrize("status", [403, 404])
async def test_a_token_that_may_not_see_its_team_may_write_and_is_asked_once(here: World, status: int) -> None:
    here.sandbox.faults.add(Fault("status", "GET", path="/v2/team", status=status, times=None))
    done = await here.apply(mappings.creation(KEY, CLEO))
    assert (states(done), done.place.team_id, done.place.team) == (["created"], None, "")
    await here.changes.place()
    assert [one.raw_path for one in here.sandbox.requests].count(b"/v2/team") == 1
    here.sandbox.faults.clear()
    assert (await here.changes.place(fresh=True)).team_id == 100013


async def test_what_nobody_foresaw_in_a_write_comes_out_as_it_is(here: World) -> None:
    """A group around it would hide its kind from whoever tells of it."""

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    here.api.create_mapping = fail  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        await here.apply(mappings.creation(KEY, ANN))
    assert [one.counts for one in await here.logged()] == [{"intended": 1}]


async def test_a_change_that_others_took_for_cut_off_is_not_sent_again_and_says_why(here: World, there: World) -> None:
    """This process stood still, and another one settled its change and writes at the same key by now."""

    async def take_over() -> None:
        there.changes.sent_seconds = -1.0
        await there.changes.look_back()
        await there.log.begin(Operation("a test", (mappings.creation(KEY, BEN),)), PLACE, NOBODY, ["intended"])

    before_the_first(here, "POST", take_over)
    here.sandbox.faults.add(Fault("reset", "POST"))
    done = await here.apply(mappings.creation(KEY, ANN))
    assert (states(done), here.sent()) == (["failed"], 1)
    assert "under way" in str(done.error)
    assert "under way" in (await here.lines(done.number))[0].note


async def test_a_configuration_with_a_mapping_that_cannot_be_read_can_be_deleted(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mapping goes along, and only what could be read of it can come back."""
    key = configurations.key_of(KEY.external_type, KEY.object_type)
    made = await here.api.create_mapping(KEY.external_type, KEY.object_type, KEY.external_id, ANN)
    (standing,) = await configurations.read(here.api, key)
    monkeypatch.setitem(ODD_VALUES, ("mappings", made.id or 0), {"external_id": 7})
    here.sandbox._odd = frozenset({"odd-values"})
    number = await configurations.count(here.api, key)
    deletion = Operation("a test", (Change("configuration", key, standing, None),), carries=number)
    done = await here.changes.apply(deletion, YES)
    assert (states(done), done.carried) == (["deleted"], (number or 0) - 1)


async def test_a_look_back_goes_on_past_what_cannot_be_read(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.log.LOOKED_BACK", 1)
    made = await here.api.create_mapping(KEY.external_type, KEY.object_type, KEY.external_id, ANN)
    monkeypatch.setitem(ODD_VALUES, ("mappings", made.id or 0), {"external_id": 7})
    here.sandbox._odd = frozenset({"odd-values"})
    for key in (KEY, OTHER_KEY):
        await here.log.begin(Operation("a test", (mappings.creation(key, ANN),)), PLACE, NOBODY, ["intended"])
    here.changes.sent_seconds = -1.0
    await here.changes.look_back()
    assert [one.counts for one in await here.logged()] == [{"intended": 1}, {"failed": 1}]
