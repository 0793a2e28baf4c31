"""One entry in the keyring of this system.

A keyring may be locked, gone, full or slow, may say so in an error of its own, of a library below it or of none, and
may wait for its password without an end. Whoever asks here is told only whether it worked, and soon.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

SERVICE = "salesloft_mcp"  # as the keyring names it
ANSWER_SECONDS = 8.0  # a person may have to type its password; a call that waits has 20
_TURN = threading.Lock()  # one question at a time, so that a keyring that hangs holds one thread and no more
AnswerT = TypeVar("AnswerT")


class Keyring(Protocol):
    """The part of the library `keyring` that is used here."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def system_keyring() -> Keyring | None:
    """The keyring of this system; None where the extra is not installed, or the system has none that is safe."""
    with suppress(Exception):  # no library, or a configuration that names nothing which is a keyring
        import keyring
        import keyring.core

        found = keyring.get_keyring()
        # The library names its own stand-ins, which refuse everything or keep nothing, with a priority below one.
        return found if keyring.core.recommended(found) else None
    return None


class Entry:
    """What a keyring holds under one name."""

    def __init__(self, username: str) -> None:
        self._username = username

    def read(self) -> str | None:
        """What it holds; None where that is nothing, or cannot be read at this moment."""
        return _asked(lambda ring: ring.get_password(SERVICE, self._username))

    def write(self, text: str) -> bool:
        """Whether it holds `text` from now on. It is read again: some keep less than they are given, or nothing."""

        def written(ring: Keyring) -> bool:
            ring.set_password(SERVICE, self._username, text)
            return ring.get_password(SERVICE, self._username) == text

        return bool(_asked(written))

    def remove(self) -> bool:
        """Whether it holds nothing from now on, and held nothing else."""

        def removed(ring: Keyring) -> bool:
            with suppress(Exception):  # one that holds nothing fails, too
                ring.delete_password(SERVICE, self._username)
            return ring.get_password(SERVICE, self._username) is None

        return bool(_asked(removed))


def _asked(work: Callable[[Keyring], AnswerT]) -> AnswerT | None:
    """What the keyring answers; None where there is none, it fails, or does not answer in time."""
    end = time.monotonic() + ANSWER_SECONDS
    if not _TURN.acquire(timeout=ANSWER_SECONDS):
        return None
    answers: SimpleQueue[AnswerT | None] = SimpleQueue()

    def ask() -> None:
        answer = None
        try:
            with suppress(Exception):
                ring = system_keyring()
                answer = None if ring is None else work(ring)
        finally:
            _TURN.release()
            answers.put(answer)

    threading.Thread(target=ask, daemon=True).start()  # the end of the program waits for no keyring
    with suppress(Empty):
        return answers.get(timeout=max(0.0, end - time.monotonic()))
    return None
