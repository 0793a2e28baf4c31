"""What earlier look-ups have found out, for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Known(Generic[KeyT, ValueT]):
    """A memory that forgets: after `seconds`, and beyond `most` entries."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._held: OrderedDict[KeyT, tuple[float, ValueT]] = OrderedDict()

    def keep(self, key: KeyT, value: ValueT) -> None:
        """Remember this as of now."""
        self._held.pop(key, None)
        self._held[key] = (self._clock(), value)
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    def forget(self, key: KeyT) -> None:
        """It is not so any more."""
        self._held.pop(key, None)

    def among(self, keys: Iterable[KeyT]) -> dict[KeyT, ValueT]:
        """Those of `keys` that are known."""
        oldest = self._clock() - self._seconds
        found = ((key, self._held.get(key)) for key in keys)
        return {key: held[1] for key, held in found if held is not None and held[0] >= oldest}
