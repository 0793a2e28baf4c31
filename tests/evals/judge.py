"""Whether a task was done: a plain function of the sandbox before and after, the calls and the answer."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.store import ObjectType
from salesloft_mcp.server.inventory import INVENTORY

OBJECTS: tuple[ObjectType, ...] = ("people", "accounts", "users")
READS = {entry.name for entry in INVENTORY if entry.kind == "read"}
State = Counter[str]


@dataclass(frozen=True)
class Call:
    """A call of a tool as an assistant made it."""

    tool: str
    arguments: dict[str, Any]

    @property
    def reads(self) -> bool:
        """Whether it can change nothing. A preview writes nothing, either."""
        return self.tool in READS or self.arguments.get("preview") is True


@dataclass(frozen=True)
class Expected:
    """What makes a task done.

    `allowed` names the tools that may write; those that only read always may be called. `state` has a line for
    everything that is there afterwards ("+ ...") or is there no longer ("- ..."), and nothing else may differ. Each of
    `facts` must be in the answer, whatever its case; "|" stands between spellings of which one is enough.
    """

    allowed: tuple[str, ...]
    calls: int
    state: tuple[str, ...]
    facts: tuple[str, ...]


def state_of(sandbox: Sandbox) -> State:
    """Everything that is there, a line each: live configurations and mappings, and each field of each record."""
    store, lines = sandbox.store, State()
    for row in store.select("configurations"):
        if not row["deleted"]:
            lines[f"type {row['external_type']}/{row['object_type']}"] += 1
    for row in store.select("mappings"):
        if not row["deleted"]:
            key = f"{row['external_type']}/{row['object_type']}/{row['external_id']}"
            lines[f"mapping {key} = {row['object_id']}"] += 1
    for kind in OBJECTS:
        for row in store.select(kind):
            for name, value in row["fields"].items():
                if value is not None:
                    lines[f"{kind}/{row['id']} {name} = {json.dumps(value, ensure_ascii=False)}"] += 1
    return lines


def difference(before: State, after: State) -> list[str]:
    """What was added and what was removed, sorted."""
    return sorted([*(f"+ {line}" for line in after - before), *(f"- {line}" for line in before - after)])


def judge(expected: Expected, before: State, after: State, calls: Sequence[Call], answer: str) -> list[str]:
    """What was not as it should be; an empty list where the task was done."""
    changed = difference(before, after)
    forbidden = sorted({one.tool for one in calls if not one.reads and one.tool not in expected.allowed})
    lower = answer.lower()
    missing = [fact for fact in expected.facts if not any(part.lower() in lower for part in fact.split("|"))]
    return [
        *(f"not in the state: {line}" for line in expected.state if line not in changed),
        *(f"not to be changed: {line}" for line in changed if line not in expected.state),
        *(f"not to be called: {tool}" for tool in forbidden),
        *(f"not in the answer: {fact}" for fact in missing),
        *([f"{len(calls)} calls, at most {expected.calls}"] if len(calls) > expected.calls else []),
    ]
