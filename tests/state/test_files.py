"""Files that only their owner may read, and output that is whole or not there."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesloft_mcp.errors import InputError, SettingsError
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.files import atomic_output, private_directory, private_file

from .races import INSERT

UMASKS = (0o000, 0o022, 0o077, 0o777)


def mode(file: Path) -> str:
    return oct(stat.S_IMODE(file.stat().st_mode))


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.anyio
async def test_only_the_owner_can_read_the_state_whatever_the_umask(directory: Path, umask: int) -> None:
    database = Database(directory)
    await database.write(lambda tx: tx.insert(INSERT))
    assert mode(directory) == "0o700"
    assert {file.name: mode(file) for file in directory.iterdir()} == {
        "state.db": "0o600",
        "state.db-wal": "0o600",
        "state.db-shm": "0o600",
    }
    database.close()


@pytest.mark.anyio
async def test_whoever_only_reads_makes_no_file_and_waits_for_no_pipe(directory: Path) -> None:
    Database(directory).close()
    before = [(file.name, file.stat().st_mtime_ns) for file in (directory, *directory.iterdir())]
    database = Database(directory, to_read=True)
    await database.read(lambda tx: tx.rows("SELECT name FROM clients"))
    database.close()
    assert [(file.name, file.stat().st_mtime_ns) for file in (directory, *directory.iterdir())] == before
    (directory / "state.db").unlink()
    os.mkfifo(directory / "state.db")
    with pytest.raises(SettingsError, match="is no regular file"):
        Database(directory, to_read=True)


def test_what_was_open_to_others_is_closed_to_them(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    (directory / "state.db").touch()
    (directory / "state.db").chmod(0o644)
    Database(directory).close()
    assert (mode(directory), mode(directory / "state.db")) == ("0o700", "0o600")


def test_a_private_directory_is_made_with_all_above_it(tmp_path: Path) -> None:
    assert mode(private_directory(tmp_path / "a" / "b")) == "0o700"


def test_a_home_or_a_disk_is_not_closed_to_others_and_an_empty_one_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "lost+found").mkdir(parents=True)
    (home / ".profile").touch()
    for name, after in (("Documents", "0o755"), ("state.db", "0o700")):
        home.chmod(0o755)
        (home / name).touch()
        if name == "Documents":
            with pytest.raises(
                SettingsError, match=r"SALESLOFT_STATE_DIR: .* is open to others and holds other things"
            ):
                Database(home)
        else:
            Database(home).close()
        assert mode(home) == after
    empty = tmp_path / "disk"
    (empty / "lost+found").mkdir(parents=True)
    assert mode(private_directory(empty)) == "0o700"


def test_a_folder_with_nothing_but_ours_is_closed_to_others_also_without_its_file(directory: Path) -> None:
    for name in ("sign-ins", "plans", "browser"):
        (directory / name).mkdir(parents=True)
    directory.chmod(0o755)
    assert mode(private_directory(directory)) == "0o700"


def test_the_folder_of_everybody_s_temporary_files_is_never_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody, another = tmp_path / "tmp", tmp_path / "var-tmp"
    (another / ".X11-unix").mkdir(parents=True)
    everybody.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(everybody))
    for folder in (everybody, another):
        folder.chmod(0o1777)
        with pytest.raises(PermissionError):
            private_directory(folder)
        assert mode(folder) == "0o1777"


def test_what_is_made_above_a_private_directory_can_be_changed_by_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_directory(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == ["0o755", "0o755", "0o700"]


def test_a_system_without_fchmod_makes_private_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has it since Python 3.13."""
    monkeypatch.delattr(os, "fchmod")
    assert private_file(tmp_path / "state.db").exists()


@pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A link that somebody planted could lead anywhere."""
    file = tmp_path / "state.db"
    if kind == "link":
        file.symlink_to(tmp_path / "elsewhere")
    elif kind == "directory":
        file.mkdir()
    else:
        os.mkfifo(file)
    with pytest.raises(OSError, match=r"."):
        private_file(file)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["no directory", "no database", "a link"])
def test_a_directory_that_cannot_hold_the_state_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    directory = tmp_path / "state"
    if kind == "no directory":
        directory.write_text("")
    else:
        directory.mkdir()
    if kind == "no database":
        (directory / "state.db").write_bytes(b"not a database" * 100)
    if kind == "a link":
        (directory / "state.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match=r"SALESLOFT_STATE_DIR.*cannot hold our state"):
        Database(directory)


def test_output_takes_its_place_at_the_end(tmp_path: Path) -> None:
    output = tmp_path / "report.csv"
    output.write_text("old")
    with atomic_output(output) as file:
        file.write("new")
        file.flush()
        assert output.read_text() == "old"
    assert output.read_text() == "new"
    assert list(tmp_path.iterdir()) == [output]


def test_output_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "report.csv"
    output.write_text("old")

    def fail() -> None:
        with atomic_output(output) as file:
            file.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert output.read_text() == "old"
    assert list(tmp_path.iterdir()) == [output]


def test_output_is_for_its_owner_only(tmp_path: Path) -> None:
    with atomic_output(tmp_path / "report.csv") as file:
        file.write("external ids")
    assert mode(tmp_path / "report.csv") == "0o600"


def test_output_to_a_link_replaces_what_the_link_names(tmp_path: Path) -> None:
    """Only the owner of the folder gives this name, so the link is meant."""
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_output(link) as file:
        file.write("new")
    assert (real.read_text(), link.is_symlink()) == ("new", True)


@pytest.mark.parametrize("where", ["nowhere/report.csv", "folder", "pipe"])
def test_output_that_cannot_be_written_is_refused_in_words(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="--output"), atomic_output(tmp_path / where) as file:
        file.write("x")


def test_line_ends_are_written_as_they_are_given(tmp_path: Path) -> None:
    with atomic_output(tmp_path / "report.csv") as file:
        file.write("a\r\nb\n")
    assert (tmp_path / "report.csv").read_bytes() == b"a\r\nb\n"
