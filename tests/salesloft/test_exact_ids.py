"""External ids are strings, byte-exact: whatever is sent arrives as it is, or is not sent at all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from salesloft_mcp.errors import InputError, NotFoundError, UpstreamError
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.paging import live_mappings
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_ID, MAX_EXTERNAL_TYPE
from salesloft_mcp.sandbox import Sandbox

from .opened import PLENTY, opened

HARD = ["a/b", "?", "#", "%", "%2F", "a;b", "a&b=c", "+", " ", " a ", "...", ".a", "é", "e\u0301", "\U0001f600", "007"]
PRINTABLE = st.characters(exclude_categories=("Cc", "Cs"))
IDS = st.sampled_from(HARD) | st.text(PRINTABLE, min_size=1, max_size=40).filter(lambda text: text not in (".", ".."))
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from([".", "..", "", *HARD])
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(text: str, limit: int) -> bool:
    unsendable = any(ord(char) < 32 or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in text)
    return text in ("", ".", "..") or len(text) > limit or unsendable


def run(sandbox: Sandbox, work: Callable[[Salesloft], Awaitable[object]]) -> object:
    async def main() -> object:
        async with opened(sandbox) as api:
            return await work(api)

    return asyncio.run(main())


@pytest.fixture(scope="module")
def empty() -> Iterator[Sandbox]:
    with Sandbox(seeded=False, rate_limit=PLENTY) as sandbox:
        yield sandbox


@SLOW
@example("..", "a")
@example("a", "..")
@example("a", "../../people/5")
@given(external_type=ANY_TEXT, external_id=ANY_TEXT)
def test_an_upsert_lands_on_its_own_endpoint_or_nowhere(empty: Sandbox, external_type: str, external_id: str) -> None:
    empty.requests.clear()
    fields = PersonFields(email_address="a@b.test")
    if refused(external_type, MAX_EXTERNAL_TYPE) or refused(external_id, MAX_EXTERNAL_ID):
        with pytest.raises(InputError) as caught:
            run(empty, lambda api: api.upsert_person(external_type, external_id, fields))
        assert caught.value.field in ("external_type", "external_id")
        assert not empty.requests
        return
    with pytest.raises(NotFoundError):
        run(empty, lambda api: api.upsert_person(external_type, external_id, fields))
    parts = empty.requests[-1].raw_path.decode("ascii").split("/")
    assert parts[:4] == ["", "v2", "external", "ids"]
    assert [unquote(part, errors="strict") for part in parts[4:]] == [external_type, "people", external_id]


@pytest.mark.parametrize(
    "bad",
    ["", ".", "..", "a\0b", "a\rb", "a\nb", "\t", "\x1b", "\x7f", "\x85", "\ud800", "a\udfff", "x" * 1_025],
    ids=repr,
)
@pytest.mark.anyio
async def test_what_cannot_be_an_id_is_refused_before_any_request(bad: str) -> None:
    with Sandbox(seeded=False) as sandbox:
        async with opened(sandbox) as api:
            calls: list[tuple[str, Awaitable[object]]] = [
                ("external_id", api.create_mapping("crm", "people", bad, 1)),
                ("external_type", api.create_mapping(bad, "people", "A", 1)),
                ("external_type", api.create_configuration(bad, "people")),
                ("external_ids", api.list_records("crm", "people", ["fine", bad])),
                ("external_type", api.list_records(bad, "people", ["fine"])),
                ("external_id", api.upsert_person("crm", bad, PersonFields())),
            ]
            if bad:  # empty does not narrow a list
                calls.append(("external_type", api.list_mappings(external_type=bad)))
            for field, call in calls:
                with pytest.raises(InputError) as caught:
                    await call
                assert caught.value.field == field
                assert repr(bad).strip("'") not in str(caught.value) or len(bad) < 3
        assert not sandbox.requests


@pytest.mark.anyio
async def test_a_list_filtered_by_what_no_id_can_be_finds_nothing() -> None:
    """It is sent as it is: whoever asks for thousands has checked each of them once. Half a character is refused."""
    with Sandbox() as sandbox:
        async with opened(sandbox) as api:
            for bad in (".", "..", "a\0b", "a\r\nb", "\x85", "x" * 1_025):
                assert (await api.list_mappings(external_id=bad)).rows == ()
            with pytest.raises(UpstreamError, match="400"):
                await api.list_mappings(external_id="\ud800")


@pytest.mark.anyio
async def test_the_longest_id_of_the_widest_characters_arrives() -> None:
    longest = "\U0001f600" * 1_024
    with Sandbox() as sandbox:
        async with opened(sandbox) as api:
            await api.create_mapping("crm_lead", "people", longest, 207550001)
            assert (await api.list_mappings(external_id=longest)).rows[0].external_id == longest
            assert (await api.upsert_person("crm_lead", longest, PersonFields(title="CFO"))).id == 207550001


class ExactIds(RuleBasedStateMachine):
    """Create, look up, fetch, upsert and delete under hard ids, held against a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.sandbox = Sandbox(seeded=False, rate_limit=PLENTY)
        self.objects: dict[str, int] = {}
        self.people = 0

    def do(self, work: Callable[[Salesloft], Awaitable[object]]) -> object:
        async def main() -> object:
            async with opened(self.sandbox) as api:
                return await work(api)

        return self.runner.run(main())

    @initialize(external_type=IDS)
    def configure(self, external_type: str) -> None:
        self.type = external_type
        self.do(lambda api: api.create_configuration(external_type, "people"))

    @rule(external_id=IDS)
    def upsert(self, external_id: str) -> None:
        self.people += 1

        async def work(api: Salesloft) -> None:
            fields = PersonFields(email_address=f"{self.people}@b.test", title=external_id)
            person = await api.upsert_person(self.type, external_id, fields)
            assert person.id == self.objects.setdefault(external_id, person.id)

        self.do(work)

    @precondition(lambda self: self.objects)
    @rule(external_id=IDS, data=st.data())
    def create(self, external_id: str, data: st.DataObject) -> None:
        target = self.objects.get(external_id) or data.draw(st.sampled_from(sorted(self.objects.values())))

        async def work(api: Salesloft) -> None:
            if external_id not in self.objects:
                made = await api.create_mapping(self.type, "people", external_id, target)
                assert made.external_id == external_id

        self.do(work)
        self.objects[external_id] = target

    @precondition(lambda self: self.objects)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        external_id = data.draw(st.sampled_from(sorted(self.objects)))

        async def work(api: Salesloft) -> None:
            (row,) = await live_mappings(api, self._key(external_id))
            await api.delete_mapping(row.id or 0)

        self.do(work)
        del self.objects[external_id]

    @precondition(lambda self: self.objects)
    @rule(absent=st.lists(IDS, max_size=2))
    def fetch(self, absent: list[str]) -> None:
        wanted = {**dict.fromkeys(absent), **dict.fromkeys(list(self.objects)[:20])}

        async def work(api: Salesloft) -> None:
            records = (await api.list_records(self.type, "people", list(wanted))).rows
            assert {one.id for one in records} == {self.objects[one] for one in wanted if one in self.objects}

        self.do(work)

    @invariant()
    def every_id_is_there_byte_by_byte(self) -> None:
        async def work(api: Salesloft) -> None:
            rows = (await api.list_mappings(external_type=self.type, deleted=False)).rows
            assert {row.external_id: row.object_id for row in rows} == self.objects

        if hasattr(self, "type"):
            self.do(work)

    def _key(self, external_id: str) -> MappingKey:
        return MappingKey(self.type, "people", external_id)

    def teardown(self) -> None:
        self.runner.close()
        self.sandbox.close()


TestExactIds = ExactIds.TestCase
TestExactIds.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
