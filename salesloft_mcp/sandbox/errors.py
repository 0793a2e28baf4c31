"""The one way a handler refuses a call."""

from collections.abc import Mapping, Sequence
from typing import Any

Complaints = dict[str, list[str]]

TAKEN = "has already been taken"
MISSING = "is missing"


class ApiError(Exception):
    """An answer that is not a success: the status and its JSON body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def bad_request(message: str) -> ApiError:
    """Assumed: what cannot be decoded at all answers 400."""
    return ApiError(400, {"error": message, "status": 400})


def unauthorized() -> ApiError:
    return ApiError(401, {"error": "Invalid or missing bearer token"})


def forbidden(accepted: Sequence[str]) -> ApiError:
    return ApiError(403, {"error": f"Missing scope: {' or '.join(accepted)}"})


def not_found() -> ApiError:
    return ApiError(404, {"error": "Not Found", "status": 404})


def method_not_allowed() -> ApiError:
    """Assumed: a known path with another method answers 405."""
    return ApiError(405, {"error": "Method Not Allowed", "status": 405})


def unprocessable(complaints: Complaints) -> ApiError:
    return ApiError(422, {"errors": complaints})


def invalid(field: str, message: str) -> ApiError:
    return unprocessable({field: [message]})
