"""A trial tells what a Salesloft does, touches nothing else, and takes away what it made."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import anyio
import httpx
import pytest

from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.changes.log import LOOKED_BACK
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.errors import UnauthorizedError
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.spellings import Spellings
from salesloft_mcp.sandbox import Sandbox, odd_answers
from salesloft_mcp.sandbox.faults import Fault
from salesloft_mcp.sandbox.scopes import known
from salesloft_mcp.sandbox.store import Row, equal
from salesloft_mcp.settings import Dialect
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned
from salesloft_mcp.verify import trial
from salesloft_mcp.verify.bench import CHARACTERS, MAIN, PREFIX
from salesloft_mcp.verify.remembered import remembered
from salesloft_mcp.verify.removal import unremoved
from salesloft_mcp.verify.report import Report
from salesloft_mcp.verify.table import CHECKS, NOT_TRIED
from salesloft_mcp.verify.trial import points, verify
from tests.salesloft.opened import opened, over

from .conftest import HERE, TEAM, YES, changes_of, of_others, standing, verified

pytestmark = pytest.mark.anyio
ME = 1  # whose token the sandbox gives out


class Plain(NamedTuple):
    """A trial of the ordinary sandbox, and what stood in it before."""

    sandbox: Sandbox
    database: Database
    before: list[list[Row]]
    report: Report


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    """One trial, which several tests look at."""
    with Sandbox() as sandbox, closing(Database(None)) as database:
        before = of_others(sandbox)
        yield Plain(sandbox, database, before, anyio.run(verified, sandbox, database))


def test_the_sandbox_is_as_it_is_assumed_and_nothing_is_left_of_the_trial(plain: Plain) -> None:
    report = plain.report
    assert [one.name for one in report.of("as assumed")] == [check.name for check in CHECKS]
    assert report.of("differs") == []
    assert (report.made.number, list(report.made.left), standing(plain.sandbox)) == (5, [], [])
    assert of_others(plain.sandbox) == plain.before


async def test_in_the_dialect_of_the_guide_the_mappings_that_show_no_id_are_listed(database: Database) -> None:
    with Sandbox(dialect="guide") as sandbox:
        report = await verified(sandbox, database)
        left = [(one.kind, one.external_id, one.why) for one in report.made.left]
        assert report.of("differs") == []
        assert left == [("mapping", one, "Salesloft shows no id to delete it by") for one in (MAIN, CHARACTERS)]
        assert sorted(row["external_id"] for row in standing(sandbox)) == sorted([MAIN, CHARACTERS])
        untried = [one.seen for one in report.of("not tried") if one.name == "map-again"]
        assert untried == ["it needs a deleted mapping, which could not be had here"]


def test_only_the_tokens_own_user_is_mapped_under_names_that_say_what_they_are(plain: Plain) -> None:
    rows = [row for row in plain.sandbox.store.select("mappings") if row["external_type"].startswith(PREFIX)]
    assert {(row["object_type"], row["object_id"]) for row in rows} == {("users", ME)}
    when = plain.report.time.replace("-", "").replace(":", "")
    assert plain.report.made.external_type.startswith(f"{PREFIX}{when}_")
    writes = [one for one in plain.sandbox.requests if one.method != "GET"]
    assert {one.raw_path.split(b"/")[3] for one in writes} == {b"configurations", b"mappings"}


def test_it_costs_no_more_points_than_it_says_before(plain: Plain) -> None:
    assert plain.report.points == sum(one.cost for one in plain.sandbox.requests) <= points()


async def test_every_write_stands_in_the_change_log_with_how_a_person_agreed(plain: Plain) -> None:
    logged = await history.find(plain.database)
    writes = [one for one in plain.sandbox.requests if one.method != "GET"]
    assert len(logged) == len(writes)
    assert {(one.title, one.who, one.how) for one in logged} == {("verify", "terminal", "asked in a test")}
    assert not any(one.counts["intended"] or one.counts["unknown"] for one in logged)


def test_the_report_names_no_person(plain: Plain) -> None:
    told = json.dumps(plain.report.data(), ensure_ascii=False)
    rows = [row["fields"] for table in ("people", "users") for row in plain.sandbox.store.select(table)]
    personal = {str(row[name]) for row in rows for name in ("name", "email", "email_address") if row.get(name)}
    assert personal
    assert [one for one in personal if one in told] == []


async def test_a_token_that_may_only_read_tells_what_it_could_not_try(database: Database) -> None:
    with Sandbox() as sandbox:
        token = sandbox.issue_token(*(one for one in known() if one.endswith((":read", ":view"))))
        report = await verified(sandbox, database, token)
        read = {"null-words", "parts-of-fields", "unconfigured-records", "metered"}
        assert {one.name for one in report.of("as assumed")} == read
        (status,) = [one for one in report.findings if one.name == "configuration-status"]
        assert (status.verdict, status.seen) == ("not tried", "the token may not do this (403)")
        assert (report.made.number, list(report.made.left)) == (0, [])


async def test_a_token_that_is_not_known_ends_it_before_anything_is_made(sandbox: Sandbox, database: Database) -> None:
    with pytest.raises(UnauthorizedError):
        await verified(sandbox, database, "akwrong")
    assert {one.method for one in sandbox.requests} == {"GET"}


@pytest.mark.parametrize("dialect", ["reference", "guide"])
async def test_an_oauth_token_sees_a_source_in_either_order(dialect: Dialect, database: Database) -> None:
    with Sandbox(dialect=dialect) as sandbox:
        report = await verified(sandbox, database, sandbox.oauth_token)
        assert [one.seen for one in report.findings if one.name == "configuration-source"] == ["a word and a number"]


@pytest.mark.steady
async def test_a_lost_answer_leaves_a_check_untried_and_nothing_behind(sandbox: Sandbox, database: Database) -> None:
    sandbox.faults.add(Fault("lost_answer", "POST", "/v2/external/mappings"))
    report = await verified(sandbox, database)
    assert [one.name for one in report.of("differs")] == []
    assert (list(report.made.left), standing(sandbox)) == ([], [])


@pytest.mark.steady
async def test_a_salesloft_that_fails_in_the_middle_is_no_difference(sandbox: Sandbox, database: Database) -> None:
    sandbox.faults.add(Fault("status", path="/v2/external/ids/*", status=503, times=None))
    report = await verified(sandbox, database)
    assert report.of("differs") == []
    (found,) = [one for one in report.findings if one.name == "records-page-size"]
    assert found.seen == "Salesloft, or something in between, answered 503"
    assert standing(sandbox) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Sign in to this network</html>"),
        httpx.Response(404, text="<html>Not found</html>"),
        httpx.Response(200),
    ],
    ids=["a page", "a page of a 404", "nothing"],
)
async def test_what_something_in_between_answers_says_nothing_of_salesloft(
    sandbox: Sandbox, database: Database, answer: httpx.Response
) -> None:
    async with over(Interrupted(sandbox, answer), token=sandbox.api_key) as api:
        report = await verify(changes_of(api, database), database, YES)
    assert report.of("differs") == []
    assert "with no JSON" in " ".join(one.seen for one in report.of("not tried"))
    assert {one["external_type"] for one in standing(sandbox)} <= {one.external_type for one in report.made.left}


async def test_values_of_any_kind_break_no_trial(sandbox: Sandbox, database: Database) -> None:
    before = of_others(sandbox)
    async with over(Wrapped(sandbox), token=sandbox.api_key) as api:
        report = await verify(changes_of(api, database), database, YES)
    assert len(report.findings) == len(CHECKS) + len(NOT_TRIED)
    assert of_others(sandbox) == before
    assert {one["external_type"] for one in standing(sandbox)} <= {one.external_type for one in report.made.left}
    assert standing(sandbox)


async def test_of_many_writes_that_were_cut_off_those_of_a_trial_are_settled(
    sandbox: Sandbox, database: Database
) -> None:
    async with opened(sandbox) as api:
        changes = changes_of(api, database)
        keys = [MappingKey("crm", "users", str(number)) for number in range(LOOKED_BACK)]
        for key in (*keys, MappingKey(f"{PREFIX}old", "users", MAIN)):
            created = Operation("verify", (Change("mapping", key, None, {"object_id": ME}),))
            await changes.log.begin(created, await changes.place(), YES, ["intended"])
        await verify(changes, database, YES)
    left = {one.lines[0].change.key for one in await history.find(database) if one.counts["intended"]}
    assert left == set(keys)


@pytest.mark.steady
async def test_a_trial_does_not_wait_for_hours_and_still_takes_away_what_it_made(
    sandbox: Sandbox, database: Database
) -> None:
    """Points that never come back are a reason to end, and not a difference."""
    sandbox.faults.add(Fault("status", "GET", "/v2/external/*", status=429, retry_after=400, times=3))
    report = await verified(sandbox, database)
    assert report.of("differs") == []
    assert standing(sandbox) == []


async def test_what_cannot_be_deleted_now_is_listed_and_goes_with_the_next_trial(
    sandbox: Sandbox, database: Database
) -> None:
    gone = Fault("status", "DELETE", "/v2/external/mappings/*", status=403, times=None)
    sandbox.faults.add(gone, replace(gone, path="/v2/external/configurations/*"))
    first = await verified(sandbox, database)
    assert {(one.kind, one.why) for one in first.made.left} == {
        ("mapping", "the token may not do this (403)"),
        ("configuration", "the token may not do this (403)"),
    }
    assert {row["external_type"] for row in standing(sandbox)} == {one.external_type for one in first.made.left}
    sandbox.faults.clear()
    second = await verified(sandbox, database)
    assert (second.made.earlier, list(second.made.left), standing(sandbox)) == (len(first.made.left), [], [])
    assert second.points <= points(2)
    third = await verified(sandbox, database)
    assert third.made.earlier == 0


async def test_mappings_that_went_with_their_configuration_are_not_looked_for_again(database: Database) -> None:
    with Sandbox(odd=["mappings-outlive-configuration"]) as sandbox:
        await verified(sandbox, database)
        second = await verified(sandbox, database)
    assert await unremoved(database, HERE, str(TEAM)) == [second.made.external_type]


async def test_what_a_person_has_removed_is_not_looked_for_again(database: Database) -> None:
    with Sandbox(dialect="guide") as sandbox:
        first = await verified(sandbox, database)
        sandbox.store.update("mappings", {"deleted": 1})
        second = await verified(sandbox, database)
        assert await unremoved(database, HERE, str(TEAM)) == [second.made.external_type]
        assert first.made.external_type not in {one.external_type for one in second.made.left}


@pytest.mark.parametrize("status", [404, 422])
async def test_a_mapping_that_goes_only_while_its_type_is_configured_goes_all_the_same(
    sandbox: Sandbox, database: Database, status: int
) -> None:
    async with over(NeedsConfiguration(sandbox, status), token=sandbox.api_key) as api:
        report = await verify(changes_of(api, database), database, YES)
    assert (list(report.made.left), standing(sandbox)) == ([], [])


async def test_an_id_that_is_shown_only_in_what_is_created_is_enough_to_delete_by(
    sandbox: Sandbox, database: Database
) -> None:
    async with over(ListsWithoutIds(sandbox), token=sandbox.api_key) as api:
        report = await verify(changes_of(api, database), database, YES)
    assert [(one.name, one.seen) for one in report.of("differs")] == [("mapping-id", "only in what is created")]
    assert (list(report.made.left), standing(sandbox)) == ([], [])


async def test_what_another_team_has_left_under_the_same_address_is_not_looked_at(
    sandbox: Sandbox, database: Database
) -> None:
    sandbox.faults.add(Fault("status", "DELETE", status=403, times=None))
    await verified(sandbox, database)
    await database.write(lambda tx: tx.change("UPDATE operations SET team = '7'"))
    sandbox.faults.clear()
    assert (await verified(sandbox, database)).made.earlier == 0
    assert standing(sandbox)


async def test_a_mapping_of_another_type_is_never_taken_for_the_one_of_the_trial(
    sandbox: Sandbox, database: Database
) -> None:
    async with over(WithoutFilter(sandbox), token=sandbox.api_key) as api:
        report = await verify(changes_of(api, database), database, YES)
    of_main = sandbox.store.select("mappings", [equal("external_id", MAIN)])
    assert [row["deleted"] for row in of_main if row["external_type"] == "crm"] == [0]
    assert standing(sandbox) == []
    assert report.of("differs") == []


async def test_what_there_was_no_time_to_remove_is_told_and_goes_with_the_next_trial(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as hurried:
        hurried.setattr(trial, "REMOVAL_SECONDS", 0.0)
        first = await verified(sandbox, database)
    assert {row["external_type"] for row in standing(sandbox)} <= {one.external_type for one in first.made.left}
    assert standing(sandbox)
    assert list((await verified(sandbox, database)).made.left) == []
    assert standing(sandbox) == []


async def test_a_trial_that_breaks_takes_away_what_it_made(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(_: object) -> str:
        raise KeyboardInterrupt

    middle = len(CHECKS) // 2
    broken = (*CHECKS[:middle], replace(CHECKS[middle], seen=breaks))
    monkeypatch.setattr(trial, "CHECKS", broken)
    with pytest.raises(KeyboardInterrupt):
        await verified(sandbox, database)
    assert standing(sandbox) == []


async def test_a_trial_that_is_cancelled_takes_away_what_it_made(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anyio.CancelScope() as scope:

        async def cancels(_: object) -> str:
            scope.cancel()
            await anyio.sleep_forever()
            return ""

        monkeypatch.setattr(trial, "CHECKS", (*CHECKS[:10], replace(CHECKS[10], seen=cancels), *CHECKS[11:]))
        await verified(sandbox, database)
    assert scope.cancelled_caught
    assert len(sandbox.store.select("mappings")) > len(of_others(sandbox)[1])
    assert standing(sandbox) == []


async def test_a_write_of_a_trial_can_be_undone_like_any_other(sandbox: Sandbox, database: Database) -> None:
    report = await verified(sandbox, database)
    async with opened(sandbox) as api:
        changes = changes_of(api, database)
        deleted = [one for one in await history.find(database) if one.counts["deleted"]]
        newest = next(one for one in deleted if one.lines[0].change.kind == "configuration")
        await changes.apply(await undo(changes, database, newest.id), YES)
    assert [row["external_type"] for row in standing(sandbox)] == [report.made.external_type]


async def test_what_was_seen_is_kept_with_its_date_for_the_team(plain: Plain) -> None:
    kept = await remembered(plain.database, HERE, str(TEAM))
    assert kept is not None
    assert (kept.as_assumed, kept.otherwise) == (len(CHECKS), ())
    assert kept.at >= plain.report.at
    assert await remembered(plain.database, HERE, "7") is None
    assert await remembered(plain.database, "elsewhere", str(TEAM)) is None


async def test_what_is_otherwise_is_told_again_with_what_it_means(database: Database) -> None:
    with Sandbox(odd=["hundred-ids"]) as sandbox:
        await verified(sandbox, database)
    kept = await remembered(database, HERE, str(TEAM))
    assert kept is not None
    (one,) = kept.otherwise
    assert (one.name, one.seen, one.expected) == ("hundred-ids", "at least 50, and not 100", ("100",))
    assert one.means.startswith("Where fewer are taken, the client asks for no more at a time")


async def test_a_salesloft_that_takes_one_external_id_a_call_is_asked_for_one(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odd_answers, "FEWER_IDS", 1)
    with Sandbox(odd=["hundred-ids", "unmapped-ids"]) as odd:
        report = await verified(odd, database)
    assert "at least 1, and not 100" in [one.seen for one in report.of("differs")]
    assert Spellings.of(await Learned(database, HERE).agreed()).ids_a_call == 1


async def test_a_later_trial_replaces_what_an_earlier_one_saw(database: Database) -> None:
    for odd, otherwise in ((["hundred-ids"], 1), ([], 0)):
        with Sandbox(odd=odd) as sandbox:  # type: ignore[arg-type]
            await verified(sandbox, database)
        kept = await remembered(database, HERE, str(TEAM))
        assert kept is not None
        assert len(kept.otherwise) == otherwise


class Interrupted(httpx.AsyncBaseTransport):
    """The sandbox, but that something in between answers every third list of mappings."""

    def __init__(self, sandbox: Sandbox, answer: httpx.Response) -> None:
        self._inner, self._answer, self._lists = InProcess(sandbox), answer, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._lists += request.method == "GET" and request.url.path.endswith("/mappings")
        if request.method == "GET" and request.url.path.endswith("/mappings") and self._lists % 3 == 2:
            answer = self._answer
            return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
        return await self._inner.handle_async_request(request)


class Wrapped(httpx.AsyncBaseTransport):
    """The sandbox, but that each value in a list is in a list of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = InProcess(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        found = json.loads(await response.aread() or b"{}")
        if request.method != "GET" or not isinstance(found.get("data"), list):
            return response
        rows = [{name: [value] for name, value in row.items()} for row in found["data"]]
        return httpx.Response(200, json={**found, "data": rows})


class WithoutFilter(httpx.AsyncBaseTransport):
    """The sandbox, but that it ignores which external type of mappings is asked for, and somebody else maps the same id
    under another type.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner, self._store = InProcess(sandbox), sandbox.store

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path.endswith("/mappings"):
            request.url = request.url.copy_remove_param("external_type")
        response = await self._inner.handle_async_request(request)
        ours = self._store.first("mappings", equal("external_id", MAIN))
        if ours and len(self._store.select("mappings", [equal("external_id", MAIN)])) == 1:
            self._store.insert("mappings", {**ours, "id": None, "external_type": "crm"})
        return response


class NeedsConfiguration(httpx.AsyncBaseTransport):
    """The sandbox, but that it deletes no mapping whose type is not configured any more."""

    def __init__(self, sandbox: Sandbox, status: int) -> None:
        self._inner, self._store, self._status = InProcess(sandbox), sandbox.store, status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE" and "/mappings/" in request.url.path:
            row = self._store.by_id("mappings", int(request.url.path.rpartition("/")[2]))
            of = equal("external_type", row["external_type"]) if row else equal("id", 0)
            if not self._store.first("configurations", of, equal("deleted", 0)):
                return httpx.Response(self._status, json={"error": "not configured"})
        return await self._inner.handle_async_request(request)


class ListsWithoutIds(httpx.AsyncBaseTransport):
    """The sandbox, but that no list of mappings shows their ids."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = InProcess(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method != "GET" or not request.url.path.endswith("/mappings"):
            return response
        found = json.loads(await response.aread())
        rows = [{name: row[name] for name in row.keys() - {"id"}} for row in found["data"]]
        return httpx.Response(200, json={**found, "data": rows}, headers={"x-ratelimit-remaining-minute": "500"})
