"""Configurations are remembered for a short while, and a type that has none gets its neighbours."""

from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.errors import UnreadRowsError
from salesloft_mcp.lookups.configurations import FRESH_SECONDS, MOST_NAMED, Configurations, nearest_types
from salesloft_mcp.salesloft.models import Configuration, ObjectType
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from tests.salesloft.opened import opened

pytestmark = pytest.mark.anyio


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def known(sandbox: Sandbox, clock: Clock) -> AsyncIterator[Configurations]:
    async with opened(sandbox) as api:
        yield Configurations(api, clock)


async def test_they_are_read_once_in_half_a_minute(sandbox: Sandbox, clock: Clock, known: Configurations) -> None:
    first = await known.live()
    clock.now += FRESH_SECONDS
    assert await known.live() is first
    assert len(sandbox.requests) == 1
    clock.now += 0.001
    assert await known.live() == first
    assert len(sandbox.requests) == 2


async def test_a_write_here_makes_them_be_read_anew(sandbox: Sandbox, known: Configurations) -> None:
    async with opened(sandbox) as api:
        await known.live()
        await api.delete_configuration(226)
        assert 226 in [row.id for row in await known.live()]
        known.forget()
        assert 226 not in [row.id for row in await known.live()]


async def test_a_write_during_a_read_does_not_leave_the_old_ones_behind(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        known = Configurations(api)

        async def write(response: httpx.Response) -> None:
            if not written:
                written.append(True)
                await api.delete_configuration(226)
                known.forget()

        written: list[bool] = []
        api._http.event_hooks["response"] = [write]
        await known.live()
        assert 226 not in [row.id for row in await known.live()]


def configurations(*types: tuple[str, ObjectType]) -> list[Configuration]:
    return [Configuration(id=n, external_type=name, object_type=kind) for n, (name, kind) in enumerate(types)]


TYPES = configurations(("sdfc_account", "accounts"), ("sdfc_lead", "people"), ("CRM", "users"), ("sdfc_lead", "users"))


def test_the_nearest_types_come_first_and_as_they_are_spelled() -> None:
    assert nearest_types("sfdc_lead", "people", TYPES) == ["sdfc_lead"]
    assert nearest_types("crm", None, TYPES)[0] == "CRM"
    assert nearest_types("SDFC_ACCOUNT", "accounts", TYPES) == ["sdfc_account"]


def test_types_that_differ_in_case_alone_are_all_offered() -> None:
    twice = [*TYPES, TYPES[0].model_copy(update={"external_type": TYPES[0].external_type.swapcase()})]
    near = nearest_types(TYPES[0].external_type.title(), None, twice)
    assert {TYPES[0].external_type, TYPES[0].external_type.swapcase()} <= set(near)


def test_all_usable_types_are_offered_once() -> None:
    assert nearest_types("sdfc_leed", None, TYPES) == ["sdfc_lead", "sdfc_account", "CRM"]
    assert nearest_types("zzz", None, TYPES) == ["CRM", "sdfc_account", "sdfc_lead"]
    assert nearest_types("zzz", "users", TYPES) == ["CRM", "sdfc_lead"]
    assert nearest_types("zzz", None, []) == []


@given(
    asked=st.text(max_size=10),
    types=st.lists(st.tuples(st.text(min_size=1, max_size=5), st.sampled_from(["people", "users"])), max_size=8),
    kind=st.sampled_from(["people", "users", None]),
)
def test_only_existing_types_of_that_object_are_offered(
    asked: str, types: list[tuple[str, ObjectType]], kind: ObjectType | None
) -> None:
    near = nearest_types(asked, kind, configurations(*types))
    assert set(near) <= {name for name, one in types if kind in (None, one)}
    assert len(near) == len(set(near)) <= MOST_NAMED


async def test_one_that_cannot_be_read_stands_only_in_the_way_of_what_it_may_be(
    sandbox: Sandbox, known: Configurations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ODD_VALUES, ("configurations", 228), {"object_type": "opportunities"})
    sandbox._odd = frozenset({"odd-values"})
    assert 228 not in [row.id for row in await known.live()]
    assert await known.nearest("crm_lead", "people") is None
    with pytest.raises(UnreadRowsError):
        await known.nearest("crm", "users")
