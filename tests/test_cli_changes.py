"""`salesloft-mcp changes`: the log for a person at a terminal, and for a script."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner

from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Author, ByRun, Change, Fed, Operation, Outcome, Place
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.cli import cli
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database

LIVE = "https://api.salesloft.com"
KEY = MappingKey("crm_lead", "people", "A [b]1[/b]")
DELETED = Operation("delete_external_id_mapping", (Change("mapping", KEY, {"id": 5, "object_id": 7}, None),))
UNDONE = Operation("undo_change", (mappings.creation(KEY, 7),), undoes=1)
CREATED = Operation(
    "create_external_id_configuration", (Change("configuration", MappingKey("erp\u202e", "accounts", ""), None, {}),)
)
RUN = Operation("run_plan", (), by_run=ByRun("abc"))


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_000.0  # 2025-06-15T15:06:40Z

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A state in which a mapping was deleted, a day later brought back, and so on."""
    anyio.run(_written, tmp_path / "state")
    return tmp_path / "state"


async def _written(directory: Path) -> None:
    clock, database = Clock(), Database(directory)
    sandbox, live = (ChangeLog(database, tenant, clock) for tenant in ("SANDBOX", LIVE))
    yes = Author("client 1", "approved in a terminal")
    (line,) = await sandbox.begin(DELETED, Place("SANDBOX", 1), yes, ["intended"])
    await sandbox.settle([Outcome(line, "deleted")])
    clock.now += 86_400
    (line,) = await sandbox.begin(UNDONE, Place("SANDBOX", 1), Author(), ["intended"])
    await sandbox.settle([Outcome(line, "created", {"id": 6, "object_id": 7})])
    clock.now += 86_400
    (line,) = await live.begin(CREATED, Place(LIVE), Author(), ["intended"])
    await live.settle([Outcome(line, "created", {"id": 9})])
    clock.now += 86_400
    number = await live.begin_run(RUN, Place(LIVE), Author())
    keys = [Fed(n, mappings.creation(MappingKey("crm_lead", "users", f"U{n}"), n)) for n in range(1, 8)]
    lines = await live.announce(number, 0, keys)
    await live.settle([Outcome(line, "failed" if line.line == 1 else "created") for line in lines])
    database.close()


def changes(directory: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["changes", "--state-dir", str(directory), *options])
    return result.exit_code, result.output


def found(directory: Path, *options: str) -> list[int]:
    """The numbers that a search finds."""
    code, output = changes(directory, "--json", *options)
    assert code == 0, output
    return [row["id"] for row in json.loads(output)]


def test_it_shows_all_environments_newest_first_with_what_was_agreed(directory: Path) -> None:
    code, output = changes(directory)
    assert code == 0
    assert output.splitlines() == [
        "4  2025-06-18T15:06:40Z  run_plan (plan abc): 6 created, 1 failed",
        *(f'    crm_lead "U{n}" → user {n}' for n in range(1, 6)),
        "    and 2 more",
        f"    LIVE ({LIVE}) · local · nobody was asked",
        "3  2025-06-17T15:06:40Z  create_external_id_configuration: created",
        "    erp\\u{202e} → accounts",
        f"    LIVE ({LIVE}) · local · nobody was asked",
        "2  2025-06-16T15:06:40Z  undo_change 1: created",
        '    crm_lead "A [b]1[/b]" → person 7',
        "    SANDBOX, team 1 · local · nobody was asked",
        "1  2025-06-15T15:06:40Z  delete_external_id_mapping: deleted, undone by 2",
        '    crm_lead "A [b]1[/b]" → person 7',
        "    SANDBOX, team 1 · client 1 · approved in a terminal",
    ]


def test_a_line_of_it_fits_a_small_terminal(directory: Path) -> None:
    assert max(map(len, changes(directory)[1].splitlines())) <= 80


def test_json_tells_everything(directory: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(changes(directory, "--json")[1])
    assert rows[3] == {
        "id": 1,
        "at": "2025-06-15T15:06:40Z",
        "environment": "SANDBOX",
        "team": "1",
        "who": "client 1",
        "person": "",
        "tool": "delete_external_id_mapping",
        "agreed": "approved in a terminal",
        "plan": "",
        "undoes": None,
        "undone_by": 2,
        "counts": {"deleted": 1},
        "changes": [
            {
                "id": 1,
                "line": None,
                "at": "2025-06-15T15:06:40Z",
                "kind": "mapping",
                "external_type": "crm_lead",
                "object_type": "people",
                "external_id": "A [b]1[/b]",
                "object_id": 7,
                "outcome": "deleted",
                "note": "",
                "before": {"id": 5, "object_id": 7},
                "after": None,
            }
        ],
    }
    assert (rows[0]["plan"], rows[0]["counts"], len(rows[0]["changes"])) == ("abc", {"created": 6, "failed": 1}, 5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--external-id", "A [b]1[/b]"), [2, 1]),
        (("--external-id", "a [b]1[/b]"), []),
        (("--object", "people/7"), [2, 1]),
        (("--object", "Person/7"), [2, 1]),
        (("--object", "accounts/7"), []),
        (("--object", f"people/{2**70}"), []),
        (("--tool", "undo_change"), [2]),
        (("--since", "2025-06-16"), [4, 3, 2]),
        (("--until", "2025-06-16"), [2, 1]),
        (("--until", "2025-06-16T15:06:40Z"), [1]),
        (("--since", "2025-06-16", "--until", "2025-06-16"), [2]),
        (("--tool", "run_plan"), [4]),
        (("--external-id", "U7"), [4]),
        (("--limit", "1"), [4]),
    ],
)
def test_it_is_searched_by_id_object_tool_and_time(
    directory: Path, options: tuple[str, ...], expected: list[int]
) -> None:
    assert found(directory, *options) == expected


def test_nothing_found_is_said(directory: Path) -> None:
    assert changes(directory, "--tool", "nobody") == (0, "No such change.\n")
    assert changes(directory, "--tool", "nobody", "--json") == (0, "[]\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "yesterday"), "must be a date or time such as"),
        (("--until", "2025-02-30"), "must be a date or time such as"),
        (("--object", "people"), "must be people, accounts or users, a slash and an id"),
        (("--object", "deals/7"), "must be people, accounts or users"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_what_cannot_be_searched_is_a_wrong_option(directory: Path, options: tuple[str, ...], said: str) -> None:
    code, output = changes(directory, *options)
    assert code == 2
    assert said in output


def test_a_directory_that_holds_no_state_of_ours_is_refused_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    result = CliRunner().invoke(cli, ["changes", "--state-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "cannot hold our state" in result.output


def test_an_export_has_a_line_for_each_change_of_a_run_with_every_field(directory: Path, tmp_path: Path) -> None:
    code, output = changes(directory, "--jsonl")
    assert code == 0
    exported = [json.loads(line) for line in output.splitlines()]
    assert [(row["id"], row["change"]["line"]) for row in exported] == [
        *((4, number) for number in range(1, 8)),
        *((number, None) for number in (3, 2, 1)),
    ]
    assert exported[-1]["change"]["external_id"] == "A [b]1[/b]"
    assert exported[-1]["change"]["before"] == {"id": 5, "object_id": 7}
    assert exported[-3]["change"]["external_type"] == "erp\u202e"  # not escaped for a terminal
    assert {"environment", "team", "who", "person", "tool", "agreed", "plan", "undoes", "undone_by"} < set(exported[0])
    file = tmp_path / "audit.jsonl"
    assert changes(directory, "--output", str(file), "--limit", "1") == (0, "")
    assert len(file.read_text(encoding="utf-8").splitlines()) == 7


def test_an_id_opens_a_run(directory: Path) -> None:
    shown = changes(directory, "--id", "4")[1]
    assert 'crm_lead "U7" → user 7' in shown
    assert "more" not in shown
    assert changes(directory, "--id", "99") == (0, "No such change.\n")
