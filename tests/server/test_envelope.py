"""Whatever is wrong with a message, the error that answers it stands under the id that it came with."""

import json

import pytest
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest

from salesloft_mcp.server.envelope import Refusal, read

REQUEST = '"method":"ping"'
NO_JSON, NO_MESSAGE = -32700, -32600


def message(number: str, rest: str = REQUEST, jsonrpc: str = '"jsonrpc":"2.0"') -> str:
    return f'{{{jsonrpc},"id":{number},{rest}}}'


@pytest.mark.parametrize(
    ("text", "code", "number"),
    [
        ('{"id":7,"method":"ping"}', NO_MESSAGE, 7),
        (message("7", jsonrpc='"jsonrpc":"1.0"'), NO_MESSAGE, 7),
        (message("7", jsonrpc='"jsonrpc":2.0'), NO_MESSAGE, 7),
        ('{"jsonrpc":"2.0","id":7}', NO_MESSAGE, 7),
        (message("7", '"method":5'), NO_MESSAGE, 7),
        (message("7", '"method":null'), NO_MESSAGE, 7),
        (message("7", '"method":"ping","params":[]'), NO_MESSAGE, 7),
        (message('"a-b"', '"method":"ping","params":"x"'), NO_MESSAGE, "a-b"),
        (message("0", '"method":5'), NO_MESSAGE, 0),
        (message('""', '"method":5'), NO_MESSAGE, ""),
        (message('"' + "i" * 3_000 + '"', '"method":5'), NO_MESSAGE, "i" * 3_000),
        (message("7.5"), NO_MESSAGE, 7.5),
        (message("true"), NO_MESSAGE, None),
        (message("null"), NO_MESSAGE, None),
        (message("[7]"), NO_MESSAGE, None),
        (message("NaN"), NO_MESSAGE, None),
        ('{"jsonrpc":"2.0"}', NO_MESSAGE, None),
        ("[]", NO_MESSAGE, None),
        ("null", NO_MESSAGE, None),
        ('"hello"', NO_MESSAGE, None),
        ("{" + message("7")[1:-1] + ",}", NO_JSON, 7),
        (message("7", '"method":"a\\ud800"'), NO_JSON, 7),
        (message('"a\\ud800"'), NO_JSON, "a\ud800"),
        ('{"method":"x","params":{"id":5,"deep":' + "[" * 2_000 + "]" * 2_000 + '},"id":7}', NO_JSON, 7),
        ('{"method":"x","params":{"id":5,"deep":' + "9" * 5_000 + '},"id":"7"}', NO_JSON, "7"),
        (message("9" * 5_000), NO_JSON, None),
        (message("007"), NO_JSON, None),
        (message("7")[:-1], NO_JSON, 7),
        (message("7", '"method":"tools/call","params":{"name":"x'), NO_JSON, 7),
        (message("7") + "}", NO_JSON, 7),
        ("\ufeff\ufeff" + message("7"), NO_JSON, 7),
        (message("7") + "\0", NO_JSON, 7),
        (message("6,\"id\":7", '"method":5'), NO_MESSAGE, 7),
        ('{"jsonrpc":"2.0","method":"ping","a":"id","b":[{"id":5}],"c":}', NO_JSON, None),
        ("{'id':7}", NO_JSON, None),
        ("Content-Length: 40", NO_JSON, None),
    ],
)  # fmt: skip
def test_what_is_no_message_is_answered_with_an_error_under_its_id(text: str, code: int, number: object) -> None:
    (refused,) = read(text.encode())
    assert isinstance(refused, Refusal)
    answer = json.loads(refused.answer)
    assert (answer["id"], answer["error"]["code"]) == (number, code)


@pytest.mark.parametrize("before", [b"\xff", b"\xc3\x28"])
def test_a_text_that_is_not_utf_8_is_told_under_the_id_of_its_message(before: bytes) -> None:
    (refused,) = read(b'{"jsonrpc":"2.0","id":7,"method":"' + before + b'"}')
    assert isinstance(refused, Refusal)
    assert json.loads(refused.answer)["id"] == 7


def test_utf_16_is_told_as_what_it_is() -> None:
    (refused,) = read(message("7").encode("utf-16"))
    assert isinstance(refused, Refusal)
    assert "UTF-16" in refused.words


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (message("7.0"), [7]),
        (message("-1"), [-1]),
        (message("9" * 30), [int("9" * 30)]),
        (message("7", '"method":"ping","params":null'), [7]),
        ("\ufeff" + message("7"), [7]),
        (message("7") + "\r", [7]),
        (f"[{message('7')},{message('8')}]", [7, 8]),
        (message("7") + message('"8"'), [7, "8"]),
        (message("7") + " " + message("8", '"method":"}{\\""'), [7, 8]),
    ],
)
def test_what_can_be_meant_in_one_way_only_is_served(text: str, numbers: list[object]) -> None:
    assert [one.id for one in read(text.encode()) if isinstance(one, JSONRPCRequest)] == numbers


def test_a_notification_may_come_with_an_id_of_null() -> None:
    (found,) = read(b'{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}')
    assert isinstance(found, JSONRPCNotification)


@pytest.mark.parametrize(
    "rest", ['"result":null', '"result":[]', '"error":"no"', '"error":null', '"error":{"code":"x"}']
)
def test_an_answer_of_a_client_that_cannot_be_read_ends_the_question_as_an_error(rest: str) -> None:
    (found,) = read(message("7", rest).encode())
    assert isinstance(found, JSONRPCError)
    assert found.id == 7


def test_more_messages_at_once_than_anybody_sends_are_one_error() -> None:
    for text in ("[" + ",".join(["1"] * 101) + "]", message("7") * 101):
        (refused,) = read(text.encode())
        assert isinstance(refused, Refusal)
        assert "send each by itself" in refused.words


@pytest.mark.parametrize("part", ['"', '\\"', "{", "[1,", '{"id":', "{}", "}", '"a":1,'])
def test_much_that_is_no_json_is_refused_without_holding_others_up(part: str) -> None:
    """A reader whose cost is quadratic would take hours."""
    assert read(b'{"id":7,' + part.encode() * 50_000)
