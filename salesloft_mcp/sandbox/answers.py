"""What a handler gives back: an answer, or the one way to refuse a call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Complaints = dict[str, list[str]]

TAKEN = "has already been taken"
MISSING = "is missing"


@dataclass(frozen=True)
class Answer:
    """A status and the bytes of a body; headers besides content-type and content-length."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A call that does not succeed, with its answer."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status, body)
        self.answer = json_answer(status, body)


def json_answer(status: int, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, headers=headers or {})


def text_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, message.encode(), "text/plain; charset=utf-8", headers or {})


def bad_request(message: str) -> ApiError:
    """Assumed: what cannot be decoded at all answers 400."""
    return ApiError(400, {"error": message, "status": 400})


def not_found() -> ApiError:
    return ApiError(404, {"error": "Not Found", "status": 404})


def unprocessable(complaints: Complaints) -> ApiError:
    return ApiError(422, {"errors": complaints})


def invalid(field: str, message: str) -> ApiError:
    return unprocessable({field: [message]})
