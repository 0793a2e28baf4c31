"""The sandbox's own calls, for people at a terminal: switch faults on and off, look at what arrived."""

from collections.abc import Iterable
from typing import Any

from salesloft_mcp.sandbox.errors import ApiError, invalid, not_found
from salesloft_mcp.sandbox.faults import Fault, Faults
from salesloft_mcp.sandbox.request import Answer, Call, ReceivedRequest, decode_json, json_answer

PREFIX = b"/_sandbox/"


def answer(call: Call, faults: Faults, requests: Iterable[ReceivedRequest]) -> Answer:
    """Neither charged, nor remembered, nor subject to faults."""
    try:
        match call.method, call.raw_path.removeprefix(PREFIX):
            case "POST", b"faults":
                faults.replace(_read_faults(call.body))
                return json_answer(200, {"data": len(faults)})
            case "DELETE", b"faults":
                faults.clear()
                return Answer(204)
            case "GET", b"requests":
                return json_answer(200, {"data": [_shown(request) for request in requests]})
        raise not_found()
    except ApiError as error:
        return json_answer(error.status, error.body)


def _read_faults(body: bytes) -> list[Fault]:
    entries = decode_json(body)
    if not isinstance(entries, list):
        raise invalid("faults", "must be a list")
    return [_read_fault(entry) for entry in entries]


def _read_fault(entry: dict[str, Any]) -> Fault:
    """The members are those of `Fault`; `body` is text."""
    try:
        return Fault(**{**entry, "body": entry.get("body", "").encode()})
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
