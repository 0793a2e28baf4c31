"""A memory that forgets in time and in number."""

from salesloft_mcp.lookups.known import Known


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_forgets_after_a_while() -> None:
    clock = Clock()
    known: Known[str, int] = Known(30, 10, clock)
    known.keep("a", 1)
    clock.now = 30
    assert known.among(["a", "b"]) == {"a": 1}
    clock.now = 30.001
    assert known.among(["a"]) == {}


def test_it_holds_no_more_than_it_may_and_drops_the_oldest() -> None:
    known: Known[int, int] = Known(30, 3)
    for number in (0, 1, 2, 0, 3):
        known.keep(number, number)
    assert known.among(range(5)) == {0: 0, 2: 2, 3: 3}


def test_it_forgets_when_told() -> None:
    known: Known[str, int] = Known(30, 3)
    known.keep("a", 1)
    known.forget("a")
    known.forget("b")
    assert known.among(["a"]) == {}
