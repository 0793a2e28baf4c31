"""Ways to make a call otherwise, around its handler: in what is asked, or in what is answered."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from salesloft_mcp.sandbox.answers import Answer, ApiError, json_answer
from salesloft_mcp.sandbox.request import Request

Handler = Callable[[Request], Answer]
Around = Callable[[Request, Handler], Answer]
Edit = Callable[[dict[str, Any]], dict[str, Any]]


def answered(request: Request, handler: Handler) -> Answer:
    """What is answered, a refusal too."""
    try:
        return handler(request)
    except ApiError as error:
        return error.answer


def another_status(status: int, body: Mapping[str, Any] | None = None) -> Around:
    """Another success."""

    def work(request: Request, handler: Handler) -> Answer:
        answer = handler(request)
        return replace(answer, status=status) if body is None else json_answer(status, body)

    return work


def asked(**names: str | None) -> Around:
    """Asked with other values; None leaves a name out."""

    def work(request: Request, handler: Handler) -> Answer:
        return handler(with_query(request, names))

    return work


def edited(edit: Edit) -> Around:
    """Each row with something else in it."""

    def work(request: Request, handler: Handler) -> Answer:
        return with_data(
            handler(request), lambda data: [edit(one) for one in data] if isinstance(data, list) else edit(data)
        )

    return work


def wrapped(rows: int, wrap: Callable[[Any], object]) -> Around:
    """A list of so many rows in another form."""

    def work(request: Request, handler: Handler) -> Answer:
        answer = handler(request)
        return with_data(answer, wrap) if rows_of(answer) == rows else answer

    return work


def default(name: str, value: str) -> Around:
    """Asked with a value where none is given."""

    def work(request: Request, handler: Handler) -> Answer:
        return handler(request if request.query.one(name) is not None else with_query(request, {name: value}))

    return work


def rows_of(answer: Answer) -> int:
    """How many rows are answered."""
    data = json.loads(answer.body)["data"]
    return len(data) if isinstance(data, list) else 1


def with_data(answer: Answer, change: Callable[[Any], object]) -> Answer:
    """The answer with other data."""
    payload = json.loads(answer.body)
    return json_answer(answer.status, {**payload, "data": change(payload["data"])})


def with_query(request: Request, names: Mapping[str, str | None]) -> Request:
    """The request with other values of these names; None leaves a name out."""
    pairs = [pair for pair in request.query.pairs if pair[0] not in names]
    pairs += [(name, value) for name, value in names.items() if value is not None]
    return replace(request, call=replace(request.call, query=urlencode(pairs, quote_via=quote).encode()))
