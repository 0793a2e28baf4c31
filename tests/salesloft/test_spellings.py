"""What was seen of a Salesloft decides what is asked first, and no answer is believed for it alone."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from salesloft_mcp.app import open_app
from salesloft_mcp.changes import configurations, mappings, records
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.attempt import send
from salesloft_mcp.changes.change import Author, Change, Line, Operation
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.errors import InputError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.lookups.standing import holders
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.models import MappingKey, Scope
from salesloft_mcp.salesloft.paging import begin_list
from salesloft_mcp.salesloft.spellings import AS_THE_GUIDE, Spellings
from salesloft_mcp.sandbox import Odd, Sandbox
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned

from .opened import PLENTY, opened, over
from .singular import Singular

pytestmark = pytest.mark.anyio
SINGULAR, NONE = Spellings(object_type="singular"), Spellings(object_type="none")
LEADS = 88  # live mappings of people under crm_lead in the seeded sandbox
KEY = MappingKey("crm_lead", "people", "CONTACT3456")


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(Database(None)) as database:
        yield database


def words_asked(sandbox: Sandbox) -> list[str]:
    """The object types that the sandbox was asked to filter by; empty where it was not."""
    return [parse_qs(one.query.decode()).get("object_type", [""])[0] for one in sandbox.requests]


@asynccontextmanager
async def speaking(sandbox: Sandbox, spellings: Spellings) -> AsyncIterator[Salesloft]:
    async with opened(sandbox) as api:
        api.spellings = spellings
        yield api


@pytest.mark.parametrize(
    ("seen", "meant"),
    [
        ({}, AS_THE_GUIDE),
        ({"object-type-filter": "both words", "mapping-id": "in every row"}, AS_THE_GUIDE),
        ({"object-type-filter": "only the plural"}, AS_THE_GUIDE),
        ({"object-type-filter": "only the singular"}, SINGULAR),
        ({"object-type-filter": "neither word"}, NONE),
        ({"object-type-filter": "it is ignored"}, NONE),
        ({"object-type-filter": "words of a later version"}, AS_THE_GUIDE),
        ({"mapping-id": "in no row"}, Spellings(shows_mapping_ids=False)),
        ({"mapping-id": "only in lists by type"}, AS_THE_GUIDE),
        ({"hundred-ids": "at least 50, and not 100"}, Spellings(ids_a_call=50)),
        ({"hundred-ids": "more than 100"}, AS_THE_GUIDE),
        ({"same-mapping-again": "422 on external_id"}, AS_THE_GUIDE),
        ({"same-mapping-again": "409 on external_id"}, Spellings(duplicate=409)),
        ({"same-mapping-again": "200"}, AS_THE_GUIDE),
        ({"same-mapping-again": ""}, AS_THE_GUIDE),
    ],
)
def test_what_was_seen_means(seen: dict[str, str], meant: Spellings) -> None:
    assert Spellings.of(seen) == meant


async def test_the_word_that_works_is_asked_for_first() -> None:
    with Sandbox(odd=["singular-filter"]) as sandbox:
        async with speaking(sandbox, SINGULAR) as api:
            found = await api.list_mappings(external_type="crm_lead", object_type="people", deleted=False, counts=True)
    assert found.total == LEADS
    assert words_asked(sandbox) == ["person"]


async def test_it_takes_the_place_of_a_guess_and_of_reading_every_object_type() -> None:
    asked = {}
    for name, spellings in (("guessed", AS_THE_GUIDE), ("known", SINGULAR)):
        with Sandbox(odd=["singular-filter"]) as sandbox:
            async with speaking(sandbox, spellings) as api:
                await begin_list(api, "crm_lead", "people")
            asked[name] = len(sandbox.requests)
    assert asked == {"guessed": 3, "known": 1}


async def test_an_old_report_of_the_singular_misses_nothing() -> None:
    with Sandbox() as sandbox:
        async with over(OnlyPlural(sandbox), token=sandbox.api_key) as api:
            api.spellings = SINGULAR
            for _ in range(2):
                found = await api.list_mappings(external_type="crm_lead", object_type="people", counts=True)
                assert found.rows
    assert words_asked(sandbox) == ["people", "people"]  # and only once as well by the word that finds nothing


async def test_an_old_report_of_the_plural_is_found_out_as_if_nobody_had_looked() -> None:
    with Sandbox() as sandbox:
        async with over(Singular(sandbox), token=sandbox.api_key) as api:
            _, first = await begin_list(api, "crm_lead", "people")
    assert [row for row in first.rows if row.object_type == "people"]


async def test_what_is_really_empty_stays_empty_for_a_point_more() -> None:
    with Sandbox() as sandbox:
        async with speaking(sandbox, SINGULAR) as api:
            assert (await api.list_mappings(external_type="nothing", object_type="people")).rows == ()
            assert api.spellings == SINGULAR
    assert words_asked(sandbox) == ["person", "people"]


async def test_where_no_word_works_the_rows_are_selected_here() -> None:
    with Sandbox(odd=["object-type-filter"]) as sandbox:
        sandbox.store.insert("configurations", {"external_type": "crm_lead", "object_type": "users"})
        row = {"external_type": "crm_lead", "object_type": "users", "external_id": "U1", "object_id": 1}
        sandbox.store.insert("mappings", {**row, "inserted_at": "2024-05-01T00:00:00Z"})
        async with speaking(sandbox, NONE) as api:
            users = await api.list_mappings(external_type="crm_lead", object_type="users", deleted=False)
            people = await api.list_mappings(external_type="crm_lead", object_type="people", deleted=False)
    assert [one.external_id for one in users.rows] == ["U1"]
    assert len(people.rows) == LEADS
    assert words_asked(sandbox) == ["", ""]


async def test_a_count_that_would_be_of_every_object_type_is_no_count() -> None:
    with Sandbox(odd=["object-type-filter"]) as sandbox:
        key = configurations.key_of("crm_lead", "people")
        for spellings in (NONE, AS_THE_GUIDE):
            async with speaking(sandbox, spellings) as api:
                assert await configurations.count(api, key) == LEADS  # all of them stand on one page
        for number in range(100):
            row = {"external_type": "crm_lead", "object_type": "users", "external_id": f"U{number}", "object_id": 1}
            sandbox.store.insert("mappings", {**row, "inserted_at": "2024-05-01T00:00:00Z"})
        for spellings in (NONE, AS_THE_GUIDE):
            async with speaking(sandbox, spellings) as api:
                assert await configurations.count(api, key) is None


async def test_no_more_ids_are_asked_for_at_once_than_one_call_takes() -> None:
    with Sandbox(odd=["hundred-ids"]) as sandbox:
        ids: dict[str, int | None] = {f"CONTACT{1001 + number}": None for number in range(90)}
        async with speaking(sandbox, Spellings(ids_a_call=50)) as api:
            found = await holders(api, "crm_lead", "people", ids)
            with pytest.raises(InputError, match="at most 50 ids"):
                await api.list_records("crm_lead", "people", list(ids))
    assert len(found.records) == LEADS - 1  # but for the guide's own
    assert {one.status for one in sandbox.requests} == {200}


@pytest.mark.parametrize("odd", [None, "singular-filter", "object-type-filter", "ids-in-plain-lists", "hundred-ids"])
@pytest.mark.parametrize(
    "spellings",
    [AS_THE_GUIDE, SINGULAR, NONE, Spellings(shows_mapping_ids=False, duplicate=409, ids_a_call=10)],
    ids=["guide", "singular", "none", "others"],
)
async def test_whatever_was_seen_and_whatever_is_so_now_no_write_goes_wrong(
    odd: Odd | None, spellings: Spellings, database: Database
) -> None:
    """Who is mapped is found, alone and among many, and is neither mapped nor created a second time."""
    with Sandbox(odd=[odd] if odd else (), enforce_unique=False) as sandbox:
        before = len(sandbox.store.select("mappings")), len(sandbox.store.select("people"))
        live = [row for row in sandbox.store.select("mappings") if row["external_type"] == "crm_lead"]
        expected = {row["external_id"]: row["object_id"] for row in live if not row["deleted"]}
        async with speaking(sandbox, spellings) as api:
            known = Configurations(api)
            changes = Changes(api, ChangeLog(database, "SANDBOX"), known, "SANDBOX")
            lookups = Lookups(api, known, Budget(PLENTY))
            found = (await lookups.resolve(expected, Scope("crm_lead", "people"))).mappings
            assert {one: [row.object_id for row in rows] for one, rows in found.items()} == {
                one: [object_id] for one, object_id in expected.items()
            }
            mapping = await as_it_stands(api, mappings.creation(KEY, expected[KEY.external_id]))
            person = await records.upsert(api, KEY, PersonFields(title="CFO"), "upsert")
            for change, state in ((mapping, "unchanged"), (person, "updated")):
                done = await changes.apply(Operation("a test", (change,)), Author())
                assert [one.state for one in done.outcomes] == [state]
        assert (len(sandbox.store.select("mappings")), len(sandbox.store.select("people"))) == before


async def test_an_id_that_is_shown_nowhere_is_searched_for_in_one_list_only() -> None:
    points = {}
    for name, spellings in (("guessed", AS_THE_GUIDE), ("known", Spellings(shows_mapping_ids=False))):
        with Sandbox(dialect="guide") as sandbox:
            async with speaking(sandbox, spellings) as api:
                (row,) = await mappings.read(api, KEY)
                sandbox.requests.clear()
                assert "id" not in await mappings.with_id(api, KEY, row)
            points[name] = sum(one.cost for one in sandbox.requests)
    assert points["known"] == 1 < points["guessed"]


async def test_an_id_that_is_shown_by_now_is_used_whatever_was_seen_earlier() -> None:
    with Sandbox() as sandbox:
        async with speaking(sandbox, Spellings(shows_mapping_ids=False)) as api:
            (row,) = await mappings.read(api, KEY)
            assert (await mappings.with_id(api, KEY, row))["id"] == row["id"]
    with Sandbox(odd=["ids-in-plain-lists"]) as sandbox:
        async with speaking(sandbox, Spellings(shows_mapping_ids=False)) as api:
            (row,) = await mappings.read(api, KEY)
            assert "id" not in row
            assert "id" in await mappings.with_id(api, KEY, row)


@pytest.mark.parametrize(
    ("held_by", "state"), [(578495206, "created"), (None, "unknown"), (207550002, "unknown")], ids=str
)
async def test_a_refusal_of_a_duplicate_is_looked_at_at_once_and_the_look_alone_counts(
    held_by: int | None, state: str
) -> None:
    """What else a 409 may mean, nobody knows: then it stays unknown, and is looked at after a quiet time as ever."""
    with Sandbox() as sandbox:
        if held_by is None:
            sandbox.store.update("mappings", {"deleted": 1})
        else:
            sandbox.store.update("mappings", {"object_id": held_by})
        change = Change("mapping", KEY, None, {"object_id": 578495206})
        async with over(Conflicting(sandbox), token=sandbox.api_key) as api:
            api.spellings = Spellings(duplicate=409)
            assert (await send(api, Line(1, 1, change, "intended", tries=1))).state == state
        looks = len(sandbox.requests)
        async with over(Conflicting(sandbox), token=sandbox.api_key) as api:
            assert (await send(api, Line(1, 1, change, "intended", tries=1))).state == "unknown"
        assert len(sandbox.requests) == looks == 1


async def test_the_next_start_speaks_as_was_seen_in_every_team_of_the_environment(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        settings = Settings(state_dir=tmp_path)
        async with open_app(settings, sandbox) as app:
            assert app.salesloft.spellings == AS_THE_GUIDE
            learned = Learned(app.database, app.environment)
            await learned.keep("100013", {"object-type-filter": "only the singular"})
        async with open_app(settings, sandbox) as app:
            assert app.salesloft.spellings == SINGULAR
            await Learned(app.database, app.environment).keep("7", {"object-type-filter": "both words"})
        async with open_app(settings, sandbox) as app:
            assert app.salesloft.spellings == AS_THE_GUIDE  # they disagree, and whose token this is is not known yet


async def test_what_was_seen_elsewhere_says_nothing_of_this_environment(database: Database) -> None:
    await Learned(database, "https://api.salesloft.com").keep("7", {"mapping-id": "in no row"})
    assert await Learned(database, "http://127.0.0.1:8765").agreed() == {}


class OnlyPlural(httpx.AsyncBaseTransport):
    """The sandbox, but that it finds nothing for `person`, and does not count such a question."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = InProcess(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.params.get("object_type") == "person":
            return httpx.Response(200, json={"data": [], "metadata": {"paging": {"next_page": None, "total_count": 0}}})
        return await self._inner.handle_async_request(request)


class Conflicting(httpx.AsyncBaseTransport):
    """The sandbox, but that every POST is a 409."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = InProcess(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(409, json={"errors": {"external_id": ["has already been taken"]}})
        return await self._inner.handle_async_request(request)
