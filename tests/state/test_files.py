"""The files of the state: readable by their owner only, shared by processes, refused in words when unusable."""

import stat
from pathlib import Path

import pytest
from salesloft_mcp.state.changes import Change
from salesloft_mcp.state.local import LocalState, Question

from salesloft_mcp.errors import SettingsError

from .racing import race_of_processes


def modes(directory: Path) -> dict[str, str]:
    return {file.name: oct(stat.S_IMODE(file.stat().st_mode)) for file in directory.iterdir()}


def test_only_the_owner_can_read_the_files_and_enter_the_directory(directory: Path, question: Question) -> None:
    with LocalState(directory) as state:
        state.ask(question)
        state.log.intend(Change("LIVE", "t", "crm", "people"))
        assert oct(stat.S_IMODE(directory.stat().st_mode)) == "0o700"
        assert set(modes(directory)) == {"state.db", "state.db-wal", "state.db-shm"}
        assert set(modes(directory).values()) == {"0o600"}


def test_a_file_that_was_open_to_others_is_closed_to_them(directory: Path) -> None:
    directory.mkdir()
    (directory / "state.db").touch()
    (directory / "state.db").chmod(0o644)
    LocalState(directory).close()
    assert modes(directory)["state.db"] == "0o600"


def test_processes_that_open_a_new_directory_at_once_do_not_lock_each_other_out(directory: Path) -> None:
    found = race_of_processes(
        directory,
        "state.log.intend(__import__('salesloft_mcp.state.changes', fromlist=['x']).Change('LIVE', 't', 'a', 'b'))",
        "LIVE",
        "t",
        "?",
    )
    assert sorted(map(int, found)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", ["no directory", "no database"])
def test_a_directory_that_cannot_hold_the_state_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    directory = tmp_path / "state"
    if kind == "no directory":
        directory.write_text("")
    else:
        directory.mkdir()
        (directory / "state.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SettingsError, match=r"SALESLOFT_STATE_DIR.*cannot hold our state"):
        LocalState(directory)


def test_without_a_directory_the_state_lives_in_memory(question: Question) -> None:
    with LocalState(None) as state:
        assert state.location == "memory"
        assert state.use_code(question, state.ask_with_code(question))
