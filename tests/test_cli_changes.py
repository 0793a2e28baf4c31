"""`salesloft-mcp changes`: the log for a person at a terminal, and for a script."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from salesloft_mcp.cli import cli
from salesloft_mcp.state.changes import Change
from salesloft_mcp.state.local import LocalState

LIVE = "https://api.salesloft.com"
DELETED = Change(
    "SANDBOX", "delete_external_id_mapping", "crm_lead", "people", "A [b]1[/b]", 7, "approved in a terminal"
)
UNDONE = Change("SANDBOX", "undo_change", "crm_lead", "people", "A [b]1[/b]", 7, undoes=1)
CREATED = Change(LIVE, "create_external_id_configuration", "erp\u202e", "accounts")


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_000.0  # 2025-06-15T15:06:40Z

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def state(tmp_path: Path) -> Iterator[LocalState]:
    clock = Clock()
    with LocalState(tmp_path / "state", clock) as state:
        state.log.settle(state.log.intend(DELETED, {"id": 5}), "deleted")
        clock.now += 86_400
        state.log.settle(state.log.intend(UNDONE), "created", {"id": 6})
        clock.now += 86_400
        state.log.settle(state.log.intend(CREATED), "created")
        yield state


def changes(state: LocalState, *options: str) -> tuple[int, str]:
    """Run the command on a wide terminal."""
    where = ["--state-dir", str(Path(state.location).parent)]
    result = CliRunner().invoke(cli, ["changes", *where, *options], env={"COLUMNS": "250"})
    return result.exit_code, result.output


def found(state: LocalState, *options: str) -> list[int]:
    """The ids a search finds."""
    code, output = changes(state, "--json", *options)
    assert code == 0, output
    return [row["id"] for row in json.loads(output)]


def test_it_shows_all_environments_newest_first_with_what_was_agreed(state: LocalState) -> None:
    code, output = changes(state)
    assert code == 0
    head, newest, undone, oldest = (line.split("  ") for line in output.strip().splitlines())
    cells = [[cell.strip() for cell in line if cell.strip()] for line in (head, newest, undone, oldest)]
    assert cells[0] == ["id", "when (UTC)", "who", "environment", "tool", "what", "outcome", "confirmed"]
    assert [row[0] for row in cells[1:]] == ["3", "2", "1"]
    assert cells[1][2:] == ["local", LIVE, CREATED.tool, "erp\\u{202e} → accounts", "created", "no need"]
    assert cells[2][4] == "undo_change 1"
    assert cells[3][1:] == [
        "2025-06-15T15:06:40Z",
        "local",
        "SANDBOX",
        DELETED.tool,
        'crm_lead "A [b]1[/b]" → people 7',
        "deleted, undone by 2",
        "approved in a terminal",
    ]


def test_json_tells_everything(state: LocalState) -> None:
    rows: list[dict[str, Any]] = json.loads(changes(state, "--json")[1])
    assert rows[2] == {
        "id": 1,
        "at": "2025-06-15T15:06:40Z",
        "environment": "SANDBOX",
        "who": "local",
        "tool": DELETED.tool,
        "external_type": "crm_lead",
        "object_type": "people",
        "external_id": "A [b]1[/b]",
        "object_id": 7,
        "confirmed": "approved in a terminal",
        "outcome": "deleted",
        "before": {"id": 5},
        "after": None,
        "undoes": None,
        "undone_by": 2,
    }


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
        (("--since", "2025-06-16"), [3, 2]),
        (("--until", "2025-06-16"), [2, 1]),
        (("--until", "2025-06-16T15:06:40Z"), [1]),
        (("--since", "2025-06-16", "--until", "2025-06-16"), [2]),
        (("--limit", "1"), [3]),
    ],
)
def test_it_is_searched_by_id_object_tool_and_time(
    state: LocalState, options: tuple[str, ...], expected: list[int]
) -> None:
    assert found(state, *options) == expected


def test_nothing_found_is_said(state: LocalState) -> None:
    assert changes(state, "--tool", "nobody") == (0, "No such change.\n")
    assert changes(state, "--tool", "nobody", "--json") == (0, "[]\n")


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
def test_what_cannot_be_searched_is_a_wrong_option(state: LocalState, options: tuple[str, ...], said: str) -> None:
    code, output = changes(state, *options)
    assert code == 2
    assert said in output


def test_a_directory_that_holds_no_state_of_ours_is_refused_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    result = CliRunner().invoke(cli, ["changes", "--state-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "cannot hold our state" in result.output
