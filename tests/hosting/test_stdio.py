"""Standard output belongs to the protocol, and one message too long or too wrong does not end the session."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Start
from .program import COMMAND, HANG_SECONDS, HELLO, Ends, Era, Program, started

MIB = 1024 * 1024
LONG = "x" * (5 * MIB)
LIST = {"jsonrpc": "2.0", "id": 99, "method": "tools/list"}
PRINTS = """
import os, sys
from salesloft_mcp.server import answers
from salesloft_mcp.cli import main
inner = answers.answer
def chatty(*given):
    print("stray print", flush=True)
    os.write(1, b"stray write")
    os.system("echo stray child")
    return inner(*given)
answers.answer = chatty
sys.argv = ["salesloft-mcp", "serve", "--sandbox"]
main()
"""

PATIENT = """
import sys
from salesloft_mcp.cli import main
from salesloft_mcp.hosting import stdio
stdio.GRACE_SECONDS = 120.0
sys.argv = ["salesloft-mcp", "serve", "--sandbox"]
main()
"""


@pytest.mark.parametrize("ends", ["pipes", "sockets", "one socket"])
def test_each_line_of_standard_output_is_one_json_message(start: Start, era: Era, ends: Ends) -> None:
    with start(ends=ends) as program:
        program.shake_hands(era)
        program.call("two", "get_connection")
        answer = program.receive()
        assert answer["id"] == "two"
        assert answer["result"]["structuredContent"]["environment"] == "SANDBOX"
        assert program.raw.endswith(b"}\n")
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in program.raw.splitlines())


def test_what_else_prints_never_reaches_standard_output(env: dict[str, str], log: Path) -> None:
    with started([sys.executable, "-c", PRINTS], env, log) as program:
        program.shake_hands("auto")
        program.call(2, "get_connection")
        assert program.receive()["id"] == 2
        assert b"stray" not in program.raw
        assert program.stop(None) == 0
        assert program.rest() == []
    for word in ("stray print", "stray write", "stray child"):
        assert word in log.read_text()


@pytest.mark.parametrize("line", [{"id": 41, "method": LONG}, {"method": LONG, "id": 41}, LONG.encode()])
def test_a_line_that_is_too_long_is_answered_with_an_error_and_the_session_goes_on(
    shared: Program, line: dict[str, object] | bytes
) -> None:
    shared.send(line)
    refused = shared.receive()
    assert (refused["id"], refused["error"]["code"]) == (None, -32600)
    assert "larger than 4 MiB" in refused["error"]["message"]
    shared.send(LIST)
    assert shared.receive()["id"] == 99


def test_a_line_that_is_no_message_does_not_end_the_session_and_a_blank_one_is_passed_over(shared: Program) -> None:
    for line in (b"", b"{", b"  ", b"[]", b"\xff\xfe", b"\r"):
        shared.send(line)
    shared.send(LIST)
    assert [shared.receive()["id"] for _ in range(4)] == [None, None, None, 99]


def test_a_message_just_below_the_limit_is_read(shared: Program) -> None:
    shared.call(3, "x" * (4 * MIB - 200))
    assert shared.receive()["id"] == 3


def test_requests_sent_before_the_input_ends_are_still_answered(env: dict[str, str], log: Path) -> None:
    with started([sys.executable, "-c", PATIENT], env, log) as program:
        program.shake_hands("legacy")
        for number in range(2, 22):
            program.ask(number, "tools/list", {})
        program.close_input()
        assert {answer["id"] for answer in program.rest()} == set(range(2, 22))
        assert program.process.wait(HANG_SECONDS) == 0


def test_requests_in_a_file_are_answered_too(env: dict[str, str], tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    requests.write_text("".join(json.dumps(message) + "\n" for message in (hello, ready, LIST)))
    with requests.open() as given:
        done = subprocess.run(
            [sys.executable, "-c", PATIENT], env=env, stdin=given, capture_output=True, timeout=HANG_SECONDS
        )
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 99]


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_server_started_in_a_terminal_ends_without_another_key_press(
    env: dict[str, str], log: Path, how: signal.Signals, code: int
) -> None:
    ours, theirs = pty.openpty()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--sandbox"],
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=errors,
            start_new_session=True,
        )
    os.close(theirs)
    program = Program(process, ours, ours)
    try:
        program.send(LIST)
        while "method" in program.receive():  # the terminal echoes what is typed
            pass
        assert program.stop(how) == code
    finally:
        program.end()
