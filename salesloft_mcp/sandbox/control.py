"""The sandbox's own calls, for people at a terminal: switch faults on and off, look at what arrived."""

from collections.abc import Iterable
from typing import Any

from salesloft_mcp.sandbox.answers import Answer, ApiError, invalid, json_answer, not_found
from salesloft_mcp.sandbox.faults import Fault, Faults
from salesloft_mcp.sandbox.request import Call, ReceivedRequest, decode_json

PREFIX = b"/_sandbox/"


def answer(call: Call, faults: Faults, requests: Iterable[ReceivedRequest]) -> Answer:
    """Neither charged, nor remembered, nor subject to faults."""
    try:
        match call.method, call.raw_path.removeprefix(PREFIX):
            case "POST", b"faults":
                wanted = _read_faults(call.body)
                faults.clear()
                faults.add(*wanted)
                return json_answer(200, {"data": len(wanted)})
            case "DELETE", b"faults":
                faults.clear()
                return Answer(204)
            case "GET", b"requests":
                return json_answer(200, {"data": [_shown(request) for request in requests]})
        raise not_found()
    except ApiError as error:
        return error.answer


def _read_faults(body: bytes) -> list[Fault]:
    """The members of each are those of `Fault`; `body` is text."""
    entries = decode_json(body)
    if not isinstance(entries, list):
        raise invalid("faults", "must be a list")
    try:
        return [Fault(**{**entry, "body": entry.get("body", "").encode()}) for entry in entries]
    except (AttributeError, TypeError, ValueError) as error:
        raise invalid("faults", str(error)) from None


def _shown(request: ReceivedRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.raw_path.decode("latin-1"),
        "query": request.query.decode("latin-1"),
        "status": request.status,
        "cost": request.cost,
    }
