"""Nobody has to read what is logged: a full pipe holds nothing up."""

import logging
import os

from salesloft_mcp.hosting.logs import StandardError


def test_what_finds_no_room_is_dropped_and_counted() -> None:
    reading, writing = os.pipe()
    log = logging.Logger("a test")
    log.addHandler(StandardError(writing))
    for number in range(3_000):
        log.error("line %d %s", number, "x" * 100)
    kept = os.read(reading, 1_000_000).decode().splitlines()
    assert 0 < len(kept) < 3_000
    log.error("more")
    assert os.read(reading, 10_000).decode() == f"({3_000 - len(kept)} lines were dropped) ERROR a test: more\n"
    os.close(reading)
    log.error("to nobody")  # and no error comes of it
    os.close(writing)


def test_an_event_is_one_short_line_without_its_traceback() -> None:
    reading, writing = os.pipe()
    log = logging.Logger("a test")
    log.addHandler(StandardError(writing))
    try:
        raise ValueError("secret")
    except ValueError:
        log.exception("it failed:\n%s", "\ud800" + "x" * 10_000)
    log.warning("next")
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        first, second = lines.read().splitlines()
    assert first.startswith("ERROR a test: it failed:\\u{a}")
    assert len(first) < 4_096
    assert "Traceback" not in first
    assert "secret" not in first
    assert second == "WARNING a test: next"
