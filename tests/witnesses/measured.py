"""What a program shows its model of this server: the tools, the data of an answer, a refusal, and errors.

The script has a call for each. What is shown is held against what the server said to a client of our own.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from salesloft_mcp.server.inventory import NAMES
from tests.hosting.program import COMMAND, started
from tests.hosts.model import scripted
from tests.hosts.protocols import Call
from tests.witnesses.programs import SALESLOFT_MCP, Host, Place

QUESTION = "Who is CONTACT3456?"
OBJECT_ID, NAME = "578495206", "Beatriz Haddad"  # whom it stands for
_KEY = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
_MISSPELT = {**_KEY, "external_type": "crm_laed", "object_id": 578495206}
RESOLVE = Call("resolve_external_ids", {"external_ids": ["CONTACT3456"], "external_type": "crm_lead"})
DELETE = Call("delete_external_id_mapping", _KEY)
UNCONFIGURED = Call("create_external_id_mapping", _MISSPELT)
UNKNOWN = Call("list_external_id_mappings", {"external_typ": "crm_lead"})
SCRIPT = (RESOLVE, DELETE, UNCONFIGURED, UNKNOWN)

Form = Literal["text", "structured", "text and structured", "cut"]


@dataclass(frozen=True)
class Client:
    """What the server saw of a program: the version of the protocol, the ways to ask its person that it declares, and
    how it answered when it was asked; empty for none.
    """

    protocol: str
    asks: str
    answer: str


@dataclass(frozen=True)
class Shown:
    """What the model of a program was shown.

    `unseen` are tools that it never heard of, `by_name` says that it hears the names first and looks for the rest. The
    four others are its answers to the script, as text.
    """

    client: Client
    unseen: tuple[str, ...]
    by_name: bool
    resolved: str
    refused: str
    unconfigured: str
    unknown: str


def measure(host: Host, installed: Path, here: Place) -> Shown:
    """Run a program once, with a model that follows the script.

    Raises:
        AbsentError: it is not installed for this platform.
        AssertionError: it failed, or its model did not get to the end of the script.
    """
    with scripted(*SCRIPT) as model:
        program = host.start(here, model.url, installed)
        if host.install:
            done = here.run(SALESLOFT_MCP, "install", host.install, "--sandbox", "--yes")
            assert done.returncode == 0, done.stderr
        done = here.run(*program, *host.before, QUESTION, *host.after)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        told = [_plain(one) for one in model.told]
        assert len(told) == len(SCRIPT), f"{len(told)} answers: {told}\n{done.stdout}\n{done.stderr}"
        return Shown(_client(here), tuple(model.unseen(NAMES)), model.by_name, *told)


def _plain(shown: str) -> str:
    """The words that a model reads, where a text stands in JSON."""
    return shown.replace('\\"', '"').replace("\\n", "\n")


def _client(here: Place) -> Client:
    """What the server wrote down of its client."""
    (file,) = here.home.rglob("state.db")
    with sqlite3.connect(file) as database:
        (found,) = database.execute("SELECT protocol, asks, answer FROM clients").fetchall()
    return Client(*found)


def answers(here: Place) -> dict[str, Any]:
    """What the server itself answers to each call of the script but the delete, by the name of the tool."""
    found = {}
    with started([*COMMAND, "serve", "--sandbox"], here.environment, here.home / "server.log") as program:
        program.shake_hands("auto")
        for number, call in enumerate((RESOLVE, UNCONFIGURED, UNKNOWN), start=2):
            program.call(number, call.tool, **call.arguments)
            found[call.tool] = program.receive()["result"]
    return found


def faults(shown: Shown, said: dict[str, Any]) -> list[str]:
    """What a model was not shown and needs, beside what the server says to a client of our own."""
    whole = form(shown.resolved, said[RESOLVE.tool]) != "cut" and OBJECT_ID in shown.resolved and NAME in shown.resolved
    found = {
        f"tools are not seen: {', '.join(shown.unseen)}": not shown.unseen,
        f"the data is not whole: {shown.resolved}": whole,
        f"a refusal does not tell the way on: {shown.refused}": tells_the_way_on(shown.refused),
        f"an error is not whole: {shown.unconfigured}": shows(shown.unconfigured, said[UNCONFIGURED.tool]),
    }
    return [fault for fault, holds in found.items() if not holds]


def form(shown: str, answer: dict[str, Any]) -> Form:
    """In which form an answer is shown: its text, its structured content, or both; cut where something is missing."""
    said: str = answer["content"][0]["text"]
    if any(str(value) not in shown for value in _values(answer["structuredContent"])):
        return "cut"
    if said.partition("\n")[0] not in shown:
        return "structured"
    twice = shown.count(NAME) > said.count(NAME)
    return "text and structured" if twice else "text"


def _values(data: Any) -> Iterator[Any]:
    if isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _values(one)
    else:
        yield data


def shows(shown: str, answer: dict[str, Any]) -> bool:
    """Whether the text of an answer is shown, every line of it."""
    return all(line in shown for line in answer["content"][0]["text"].splitlines())


def tells_the_way_on(refused: str) -> bool:
    """Whether a refused delete says that nothing was changed, and what a person does next."""
    way = r"Nothing was changed.*Next: .*`\S+ approvals"
    return bool(re.search(way, refused, re.DOTALL))
