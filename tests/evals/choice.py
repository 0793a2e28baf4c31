"""Which tool an embedding model takes for each of 150 requests, without a network: `python -m tests.evals.choice`.

It needs `pip install --group evals`. The model is the one that wordllama carries inside its wheel
(https://pypi.org/project/wordllama/). It sees what a search over tools sees: name, title and description. Its choice
is a lower bound: a language model reads the arguments, too, and thinks.
"""

import argparse
import importlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, cast

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


def texts() -> dict[str, str]:
    """What is embedded of each tool: its name in words, its title and its description."""
    return {
        tool["name"]: f"{tool['name'].replace('_', ' ')}. {tool['title']}. {tool['description']}" for tool in listed()
    }


def embedding() -> Similar:
    """Cosines of the model in the wheel.

    Its own look-up of the files misses a letter, so it is told where they are; otherwise it would download them.
    """
    package = importlib.import_module("wordllama")
    folder = Path(str(package.__file__)).parent
    model = package.WordLlama.load(cache_dir=folder, disable_download=True)

    def similar(these: Sequence[str], those: Sequence[str]) -> list[list[float]]:
        left, right = (model.embed(list(some), norm=True) for some in (these, those))
        return cast(list[list[float]], (left @ right.T).tolist())

    return similar


def taken(asked: Sequence[Asked], tools: dict[str, str], similar: Similar) -> list[Taken]:
    """All tools for each request, by likeness."""
    names = list(tools)
    scores = similar([plain(one.request) for one in asked], list(tools.values()))
    return [
        Taken(one, [names[at] for at in sorted(range(len(names)), key=lambda at: -row[at])])
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


def report(chosen: Sequence[Taken]) -> str:
    """The figures, what was taken instead of what, and the requests behind it."""
    wrong = [one for one in chosen if one.tools[0] not in one.asked.right]
    confused = Counter((one.asked.right[0], one.tools[0]) for one in wrong)
    return "\n".join(
        [
            f"{len(chosen)} requests, {len(texts())} tools",
            *(f"top-{first}: {within(chosen, first)} ({within(chosen, first) / len(chosen):.0%})" for first in (1, 3)),
            f"a deletion first where none was asked for: {len(eager(chosen))}",
            "",
            *(f"{times} × {right} went to {name}" for (right, name), times in confused.most_common()),
            "",
            *(f"{one.tools[0]} for: {one.asked.request}" for one in wrong),
        ]
    )


def main() -> None:
    """Print the figures."""
    argparse.ArgumentParser(prog="python -m tests.evals.choice", description=__doc__).parse_args()
    print(report(taken(requests(), texts(), embedding())))


if __name__ == "__main__":
    main()
