"""Which tool an embedding model takes for each of 150 requests, without a network: `python -m tests.evals.choice`.

The model is all-MiniLM-L6-v2 from a wheel (`minilm.py`, which says how to install it). It sees what a search over tools
sees: the title and the description, whose first words hold the words of the name. Each is embedded by itself and their
likenesses count alike, as a title of five words would be lost in a description of forty. Its choice is a lower bound: a
language model reads the arguments, too, and thinks.

Every third request is held out: nobody looks at it when descriptions are mended, so the two figures tell whether the
words became better or were only fitted to the requests. `--wrong` shows the others that went astray.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from tests.evals.minilm import embedding
from tests.server.snapshot import listed

REQUESTS = Path(__file__).with_name("requests.txt")
Similar = Callable[[Sequence[str], Sequence[str]], list[list[float]]]


class Asked(NamedTuple):
    """A request, and the tools of which any one is a right first call."""

    request: str
    right: tuple[str, ...]


class Taken(NamedTuple):
    """A request, and all tools, the likeliest first."""

    asked: Asked
    tools: list[str]


def requests() -> list[Asked]:
    """All requests of the file, in its order."""
    found: list[Asked] = []
    right: tuple[str, ...] = ()
    for line in REQUESTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("="):
            right = tuple(line[1:].split())
        elif line and not line.startswith("#"):
            found.append(Asked(line, right))
    return found


def texts() -> dict[str, tuple[str, str]]:
    """What is embedded of each tool: its title and its description."""
    return {tool["name"]: (tool["title"], tool["description"]) for tool in listed()}


def likeness() -> Similar:
    """Cosines of the model."""
    embed = embedding()

    def similar(these: Sequence[str], those: Sequence[str]) -> list[list[float]]:
        return cast(list[list[float]], (embed(these) @ embed(those).T).tolist())

    return similar


def taken(asked: Sequence[Asked], tools: dict[str, tuple[str, str]], similar: Similar) -> list[Taken]:
    """All tools for each request, by the likeness of title and description."""
    names = list(tools)
    scores = similar([plain(one.request) for one in asked], [text for both in tools.values() for text in both])
    return [
        Taken(one, [names[at] for at in sorted(range(len(names)), key=lambda at: -row[2 * at] - row[2 * at + 1])])
        for one, row in zip(asked, scores, strict=True)
    ]


def plain(request: str) -> str:
    """A request without the ids in it, which mean nothing to a model of words."""
    return re.sub(r"\b(?=\S*\d)[\w.+-]+", "id", request)


def within(chosen: Sequence[Taken], first: int) -> int:
    """For how many requests a right tool is among the `first` likeliest."""
    return sum(bool(set(one.tools[:first]) & set(one.asked.right)) for one in chosen)


def eager(chosen: Sequence[Taken]) -> list[Taken]:
    """Where a deletion comes first although none was asked for."""
    return [
        one
        for one in chosen
        if one.tools[0].startswith("delete_") and not any(name.startswith("delete_") for name in one.asked.right)
    ]


def halves(chosen: Sequence[Taken]) -> tuple[list[Taken], list[Taken]]:
    """Those that may be looked at, and every third, which is held out."""
    return [one for at, one in enumerate(chosen) if at % 3 != 2], list(chosen[2::3])


def report(chosen: Sequence[Taken], wrong: bool = False) -> str:
    """The figures, and of the requests that may be looked at, those that went to a wrong tool."""
    looked, held = halves(chosen)
    astray = [one for one in looked if one.tools[0] not in one.asked.right] if wrong else []
    return "\n".join(
        [
            *(
                _figures(name, part)
                for name, part in (("all", chosen), ("looked at", looked), ("held out", held))
                if part
            ),
            *(f"{one.asked.right[0]} < {one.tools[0]}: {one.asked.request}" for one in astray),
        ]
    )


def _figures(name: str, part: Sequence[Taken]) -> str:
    first, three = (f"{within(part, most)} ({within(part, most) / len(part):.0%})" for most in (1, 3))
    return (
        f"{name}: {len(part)} requests, first {first}, among three {three}, unasked deletions first {len(eager(part))}"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.evals.choice", description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="show the requests that went to a wrong tool")
    wrong: bool = parser.parse_args().wrong
    print(report(taken(requests(), texts(), likeness()), wrong))


if __name__ == "__main__":
    main()
