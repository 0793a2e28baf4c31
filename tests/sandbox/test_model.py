"""Random histories of mappings, told by the API and by a model of a few lines."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Connect

pytestmark = pytest.mark.anyio

MAPPINGS = "/v2/external/mappings"
TYPES = ("crm_lead", "sdfc_lead")
TEXTS = ("a", "A", "a ", "é")
PEOPLE = (207550001, 207550002, 207550003)

Key = tuple[str, str]

KEYS = st.tuples(st.sampled_from(TYPES), st.sampled_from(TEXTS))
STEPS = st.one_of(
    st.tuples(st.just("create"), KEYS, st.sampled_from(PEOPLE)),
    st.tuples(st.just("delete"), KEYS, st.just(0)),
    st.tuples(st.just("upsert"), KEYS, st.just(0)),
    st.tuples(st.just("vanish"), KEYS, st.sampled_from(PEOPLE)),
)


@dataclass
class Model:
    """Which object each live external id names, who is there, and how many rows were ever made."""

    live: dict[Key, int] = field(default_factory=dict)
    people: set[int] = field(default_factory=lambda: set(PEOPLE))
    made: int = 0

    def put(self, key: Key, person: int) -> None:
        self.live[key] = person
        self.made += 1


@given(steps=st.lists(STEPS, max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_api_tells_the_same_history_as_the_model(
    connect: Connect,
    steps: list[tuple[str, Key, int]],
) -> None:
    with Sandbox(rate_limit=0) as sandbox:
        async with connect(sandbox) as api:
            before = await rows(api)
            model = Model()
            for action, key, person in steps:
                await ACTIONS[action](api, model, key, person)
            await compare(api, model, len(before))


async def compare(api: Client, model: Model, rows_before: int) -> None:
    after = await rows(api)
    assert len(after) == rows_before + model.made
    live = [row for row in after if not row["deleted"] and row["external_id"] in TEXTS]
    seen = [((row["external_type"], row["external_id"]), row["object_id"]) for row in live]
    assert sorted(seen) == sorted(model.live.items())
    for external_type in TYPES:
        await compare_objects(api, model, external_type)


async def compare_objects(api: Client, model: Model, external_type: str) -> None:
    params = {f"external_ids[{number}]": text for number, text in enumerate(TEXTS)}
    answer = await api.get(f"/v2/external/ids/{external_type}/people", params=params)
    found = {row["id"] for row in answer.json()["data"]}
    assert found == {person for (kind, _), person in model.live.items() if kind == external_type}


async def rows(api: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: int | None = 1
    while page:
        answer = (await api.get(MAPPINGS, params={"per_page": 100, "page": page})).json()
        found += answer["data"]
        page = answer["metadata"]["paging"]["next_page"]
    return found


async def create(api: Client, model: Model, key: Key, person: int) -> None:
    body = {"object_type": "people", "external_type": key[0], "external_id": key[1], "object_id": person}
    answer = await api.post(MAPPINGS, json=body)
    possible = key not in model.live and person in model.people
    assert answer.status_code == (200 if possible else 422)
    if possible:
        model.put(key, person)


async def delete(api: Client, model: Model, key: Key, _: int) -> None:
    params = {"external_type": key[0], "external_id": key[1], "deleted": "false"}
    found = (await api.get(MAPPINGS, params=params)).json()["data"]
    assert len(found) == (key in model.live)
    for row in found:
        assert (await api.delete(f"{MAPPINGS}/{row['id']}")).status_code == 204
        del model.live[key]


async def upsert(api: Client, model: Model, key: Key, _: int) -> None:
    body = {"phone": "1", "last_name": "Model"}
    answer = await api.post(f"/v2/external/ids/{key[0]}/people/{key[1]}", json=body)
    person = answer.json()["data"]["id"]
    if key in model.live:
        assert person == model.live[key]
    else:
        assert person not in model.people
        model.people.add(person)
        model.put(key, person)


async def vanish(api: Client, model: Model, _: Key, person: int) -> None:
    answer = await api.delete(f"/v2/people/{person}")
    assert answer.status_code == (204 if person in model.people else 404)
    model.people.discard(person)
    model.live = {key: named for key, named in model.live.items() if named != person}


ACTIONS = {"create": create, "delete": delete, "upsert": upsert, "vanish": vanish}
