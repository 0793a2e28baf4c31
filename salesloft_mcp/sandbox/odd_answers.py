"""One oddity for each assumption: a sandbox in which that alone is otherwise than everywhere else here is assumed.

Each is a function around the handler of a call. It may change what is asked, what is done, or what is answered.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from salesloft_mcp.sandbox import external, ids
from salesloft_mcp.sandbox.answers import MISSING, TAKEN, Answer, invalid, json_answer, not_found
from salesloft_mcp.sandbox.odd_ways import (
    Around,
    Handler,
    another_status,
    answered,
    asked,
    default,
    edited,
    rows_of,
    with_data,
    with_query,
    wrapped,
)
from salesloft_mcp.sandbox.oddities import Odd
from salesloft_mcp.sandbox.render import created
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.store import Row, equal

FEWER_IDS = 50
OTHER_PAGE_SIZE = "50"


def around(handler: Handler, odd: frozenset[Odd]) -> Handler:
    """The handler of a call, with every oddity of it that is switched on."""
    for name in sorted(odd & AROUND.keys()):
        of, work = AROUND[name]
        handler = partial(_only, of, work, handler)
    return handler


def _only(of: str, work: Around, handler: Handler, request: Request) -> Answer:
    """An oddity is for the calls of one method, below one path: "GET external/mappings"."""
    method, _, noun = of.partition(" ")
    path = request.call.raw_path.partition(b"/v2/")[2].decode("latin-1")
    is_it = request.call.method == method and path.startswith(noun)
    return work(request, handler) if is_it else handler(request)


def _found_nothing(request: Request, handler: Handler) -> Answer:
    answer = handler(request)
    if not rows_of(answer):
        raise not_found()
    return answer


def _second_configuration(request: Request, handler: Handler) -> Answer:
    """It is answered like the first one."""
    body = request.body
    there = external.live_configuration(request.store, str(body.get("external_type")), _plural(body))
    return created(request, external.show_configuration(there, request.dialect)) if there else handler(request)


def _same_mapping(request: Request, handler: Handler) -> Answer:
    """It is answered like the first one."""
    there = _live(request)
    return created(request, external.show_mapping(there, request)) if there else handler(request)


def _one_id(request: Request, handler: Handler) -> Answer:
    """A record has one external id of a type."""
    body = request.body
    own = request.store.first(
        "mappings",
        equal("external_type", body.get("external_type")),
        equal("object_id", body.get("object_id")),
        equal("deleted", 0),
    )
    if own and own["external_id"] != body.get("external_id"):
        raise invalid("object_id", TAKEN)
    return handler(request)


def _plus_is_space(request: Request, handler: Handler) -> Answer:
    body = {**request.body, "external_id": str(request.body.get("external_id")).replace("+", " ")}
    return handler(replace(request, call=replace(request.call, body=json.dumps(body).encode())))


def _any_case(request: Request, handler: Handler) -> Answer:
    wanted = request.query.one("external_id")
    alike = {row["external_id"] for row in request.store.select("mappings")} if wanted else set()
    same = [one for one in alike if one.lower() == str(wanted).lower()]
    return handler(with_query(request, {"external_id": same[0]}) if same and wanted not in alike else request)


def _accepted_without(field: str) -> Around:
    """A mapping is created although this field names nothing."""

    def work(request: Request, handler: Handler) -> Answer:
        answer, body = answered(request, handler), request.body
        if field not in (json.loads(answer.body).get("errors") or {}):
            return answer
        row = external.insert_mapping(
            request, body["external_type"], _plural(body), body["external_id"], body["object_id"]
        )
        return created(request, external.show_mapping(row, request))

    return work


def _plural_finds_nothing(request: Request, handler: Handler) -> Answer:
    plural = request.query.one("object_type") in ("people", "accounts", "users")
    return handler(with_query(request, {"external_id": "of nothing"}) if plural else request)


def _object_type_finds_nothing(request: Request, handler: Handler) -> Answer:
    by_object_type = request.query.one("object_type") is not None
    return handler(with_query(request, {"external_id": "of nothing"}) if by_object_type else request)


def _refused_filter(request: Request, handler: Handler) -> Answer:
    known = {*external.MAPPING_FILTERS, "page", "per_page", "sort_by", "sort_direction"}
    known |= {"include_paging_counts", "limit_paging_counts"}
    for name in request.query.names:
        if name not in known:
            raise invalid(name, "is not a filter")
    return handler(request)


def _no_page_past_the_end(request: Request, handler: Handler) -> Answer:
    answer = handler(request)
    if request.query.positive("page", 1) > 1 and not rows_of(answer):
        raise not_found()
    return answer


def _few_ids(request: Request, handler: Handler) -> Answer:
    if len(request.query.many("external_ids")) > FEWER_IDS:
        raise invalid("external_ids", f"must be at most {FEWER_IDS}")
    return handler(request)


def _never_a_404(request: Request, handler: Handler) -> Answer:
    answer = answered(request, handler)
    return json_answer(200, {"data": [], "metadata": {}}) if answer.status == 404 else answer


def _slash_lost(request: Request, handler: Handler) -> Answer:
    if b"%2f" in request.call.raw_path.lower():
        raise not_found()
    return handler(request)


def _only_is_null(request: Request, handler: Handler) -> Answer:
    word = request.query.one("crm_id[]")
    return handler(with_query(request, {"crm_id[]": f"the text {word}"}) if word in ("Null", "_unmapped") else request)


def _whole_city(request: Request, handler: Handler) -> Answer:
    wanted = request.query.many("city")
    cities = {row["fields"].get("city") for row in request.store.select("people")} if wanted else set()
    return handler(request if cities.issuperset(wanted) else with_query(request, {"city[]": "no such place"}))


def _gone(request: Request, handler: Handler) -> Answer:
    """Deleted for good."""
    answer = handler(request)
    request.store.remove("mappings" if b"/mappings/" in request.call.raw_path else "configurations", request.id)
    return answer


def _deleted_again(request: Request, handler: Handler) -> Answer:
    answer = answered(request, handler)
    return Answer(204) if answer.status == 404 else answer


def _deleted_as_well(request: Request, handler: Handler) -> Answer:
    return handler(with_query(request, {"deleted": None}) if request.query.one("deleted") == "false" else request)


def _deleted_finds(request: Request, handler: Handler) -> Answer:
    answer = handler(request)
    first = equal("external_id", (request.query.many("external_ids") or [""])[0])
    gone = request.store.first("mappings", first, equal("external_type", request.segments["external_type"]))
    if rows_of(answer) or gone is None:
        return answer
    section = ids.SECTIONS[gone["object_type"]]
    found = request.store.by_id(gone["object_type"], gone["object_id"])
    return with_data(answer, lambda _: [section.show(found)] if found else [])


def _never_again(request: Request, handler: Handler) -> Answer:
    body = request.body
    type_and_id = [equal(name, body.get(name)) for name in ("external_type", "external_id")]
    if request.store.first("mappings", *type_and_id, equal("deleted", 1)):
        raise invalid("external_id", TAKEN)
    return handler(request)


def _takes_mappings_along(request: Request, handler: Handler) -> Answer:
    row = request.store.by_id("configurations", request.id)
    answer = handler(request)
    if row:
        of = equal("external_type", row["external_type"]), equal("object_type", row["object_type"])
        request.store.update("mappings", {"deleted": 1}, *of)
    return answer


def _live(request: Request) -> Row | None:
    """The mapping that stands where one is to be created."""
    body = request.body
    key = [equal(name, body.get(name)) for name in ("external_type", "external_id", "object_id")]
    return request.store.first("mappings", *key, equal("deleted", 0))


def _plural(body: Mapping[str, Any]) -> str:
    word = str(body.get("object_type", MISSING))
    return word if word.endswith(("s", "people")) else f"{word}s"


_C, _M, _I = "external/configurations", "external/mappings", "external/ids"
AROUND: dict[Odd, tuple[str, Around]] = {
    "singular-filter": (f"GET {_M}", _plural_finds_nothing),
    "configuration-status": (f"POST {_C}", another_status(202)),
    "configuration-source": (f"POST {_C}", edited(lambda row: {**row, "source_type": "api_key"})),
    "second-configuration": (f"POST {_C}", _second_configuration),
    "configuration-filter": (f"GET {_C}", asked(external_type=None)),
    "mapping-status": (f"POST {_M}", another_status(202)),
    "object-type-word": (f"POST {_M}", edited(lambda row: {**row, "object_type": row["object_type"].upper()})),
    "inserted-at": (f"POST {_M}", edited(lambda row: {**row, "inserted_at": 1_709_283_600})),
    "tenant-id": (f"POST {_M}", edited(lambda row: {**row, "tenant_id": 7})),
    "same-mapping-again": (f"POST {_M}", _same_mapping),
    "several-ids": (f"POST {_M}", _one_id),
    "characters": (f"POST {_M}", _plus_is_space),
    "exact-ids": (f"GET {_M}", _any_case),
    "unconfigured-type": (f"POST {_M}", _accepted_without("external_type")),
    "missing-object": (f"POST {_M}", _accepted_without("object_id")),
    "one-row": (f"GET {_M}", wrapped(1, lambda data: {"row": data[0] if isinstance(data, list) else data})),
    "no-rows": (f"GET {_M}", wrapped(0, lambda _: {})),
    "mapping-id": (f"POST {_M}", edited(lambda row: {name: row[name] for name in row.keys() - {"id"}})),
    "object-type-filter": (f"GET {_M}", _object_type_finds_nothing),
    "unknown-filter": (f"GET {_M}", _refused_filter),
    "sorting": (f"GET {_M}", asked(sort_direction=None)),
    "past-the-end": (f"GET {_M}", _no_page_past_the_end),
    "counts": (f"GET {_M}", asked(include_paging_counts=None)),
    "unmapped-ids": (f"GET {_I}", _found_nothing),
    "records-without-external-id": (f"GET {_I}", edited(lambda row: {**row, "external_id": "told here"})),
    "array-spelling": ("GET users", asked(**{"ids[]": None})),
    "records-page-size": (f"GET {_I}", default("per_page", OTHER_PAGE_SIZE)),
    "hundred-ids": (f"GET {_I}", _few_ids),
    "unconfigured-records": (f"GET {_I}", _never_a_404),
    "slash-in-path": (f"GET {_I}", _slash_lost),
    "null-words": ("GET people", _only_is_null),
    "parts-of-fields": ("GET people", _whole_city),
    "configuration-soft-delete": (f"DELETE {_C}", _gone),
    "second-delete": (f"DELETE {_M}", _deleted_again),
    "delete-status": ("DELETE external", another_status(200, {"data": {"deleted": True}})),
    "soft-delete": (f"DELETE {_M}", _gone),
    "list-without-deleted": (f"GET {_M}", default("deleted", "false")),
    "deleted-filter": (f"GET {_M}", _deleted_as_well),
    "deleted-finds-nothing": (f"GET {_I}", _deleted_finds),
    "map-again": (f"POST {_M}", _never_again),
    "mappings-outlive-configuration": (f"DELETE {_C}", _takes_mappings_along),
}
