"""Which of 100,000 ids are nearly one of 100,000 others: in seconds, and never each against each.

    python benchmarks/nearness.py [--rounds N] [--ids N]

Two populations. In the mixed one, ids are numbers, GUIDs, Salesforce ids, e-mail addresses and names, and each that is
looked for is a damaged spelling of one that is held. In the alike one, every id is a spelling of the same one, which is
the worst that a team can hold. Everything is done with as many ids and with twice as many: work that looks at each id
once takes about twice the time, and work that compares all pairs takes four times.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice, product
from uuid import UUID

from overhead import Limit, judge, ratio, show, spread

from salesloft_mcp.audit.findings import Row, findings
from salesloft_mcp.intake.near import salesforce_18
from salesloft_mcp.intake.values import form, suspicious
from salesloft_mcp.lookups.near_misses import Neighbours
from salesloft_mcp.salesloft.models import Mapping, Scope

IDS, PART = 100_000, "crm"
MOST_SECONDS, MOST_RATIO = 60.0, 2.6
Ids = list[str]


def main() -> int:
    """Measure, print and judge; 1 when a limit does not hold."""
    parser = argparse.ArgumentParser(description="Nearness of many ids to many.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ids", type=int, default=IDS)
    options = parser.parse_args()
    once: dict[str, list[float]] = {}
    twice: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, work, make in TASKS:
            once.setdefault(name, []).append(seconds(work, *make(options.ids)))
            twice.setdefault(name, []).append(seconds(work, *make(2 * options.ids)))
    show(table(once, twice))
    return judge(list(limits(once, twice)))


def seconds(work: Callable[[Ids, Ids], None], held: Ids, wanted: Ids) -> float:
    """Of the processor, so that a busy machine changes little."""
    begun = time.process_time()
    work(held, wanted)
    return time.process_time() - begun


def near_misses(held: Ids, wanted: Ids) -> None:
    """The nearest held ids of each that is wanted, as a look-up and an upsert offer them."""
    scope = Scope(PART, "people")
    rows = [
        Mapping(external_id=one, external_type=PART, object_type="people", object_id=number)
        for number, one in enumerate(held, 1)
    ]
    neighbours = Neighbours(rows, scope)
    if not all(map(neighbours.of, wanted)):
        raise RuntimeError("an id has no neighbour")


def audited(held: Ids, _: Ids) -> None:
    """Everything that an audit finds in the held ids."""
    rows = [Row(PART, "people", one, number, number) for number, one in enumerate(held, 1)]
    findings(rows, frozenset())


def looked_at(_: Ids, wanted: Ids) -> None:
    """What a plan asks of each id by itself."""
    for one in wanted:
        suspicious(one)
        form(one)


def mixed(ids: int) -> tuple[Ids, Ids]:
    """Ids of several families, and a damaged spelling of each."""
    held = [_of_a_family(number) for number in range(ids)]
    return held, [f" {one.upper()}\u200b" if number % 2 else f'="{one.lower()}"' for number, one in enumerate(held)]


def alike(ids: int) -> tuple[Ids, Ids]:
    """So many spellings of one id, and as many others."""
    most = round(ids ** (1 / 3)) + 1
    spelled = [f"{' ' * left}{'0' * zeros}a{' ' * right}" for left, zeros, right in product(range(most), repeat=3)]
    held = list(islice(spelled, ids))
    return held, [one.upper() for one in held]


def _of_a_family(number: int) -> str:
    family = (
        f"CONTACT{number}",
        str(UUID(int=number * 2**70 + number)),
        f"user{number}@x.test",
        f"Zoë Müller {number}",
        salesforce_18(f"003Dn0{number:09d}"),
    )
    return family[number % len(family)]


TASKS: list[tuple[str, Callable[[Ids, Ids], None], Callable[[int], tuple[Ids, Ids]]]] = [
    ("near misses, mixed", near_misses, mixed),
    ("near misses, all alike", near_misses, alike),
    ("audit, mixed", audited, mixed),
    ("audit, all alike", audited, alike),
    ("each id by itself, mixed", looked_at, mixed),
]


def table(once: dict[str, list[float]], twice: dict[str, list[float]]) -> Iterator[tuple[str, ...]]:
    """A row a task."""
    yield "median (range)", "seconds", "seconds for twice as many", "ratio"
    for name, found in once.items():
        yield name, spread(found, 2), spread(twice[name], 2), f"{ratio(twice[name], found):.2f}"


def limits(once: dict[str, list[float]], twice: dict[str, list[float]]) -> Iterator[Limit]:
    """Seconds, and at most a little more than twice as many for twice as many ids."""
    for name, found in once.items():
        yield Limit(f"{name}, seconds", sorted(found)[len(found) // 2], MOST_SECONDS)
        yield Limit(f"{name}, twice as many", ratio(twice[name], found), MOST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
