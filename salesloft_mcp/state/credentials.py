"""The sign-in that is kept for one address of Salesloft: in a private file, or in the system's keyring.

The file is always there, because it says where the sign-in is kept, and when it changed. It takes the place of the old
one whole, so that no reader and no crash ever meets half of it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import filelock
from pydantic import SecretStr, TypeAdapter

from salesloft_mcp.errors import StateError
from salesloft_mcp.state.files import private_directory
from salesloft_mcp.state.keyrings import Entry

Grant = Literal["authorization_code", "client_credentials", "api_key"]
Place = Literal["keyring", "file"]

FOLDER = "sign-ins"  # in the state directory
LOCK_SECONDS = 30.0  # longer than whoever holds it waits for an answer
LOCK_STEP = 0.05
_IN_KEYRING = {"kept": "keyring"}  # what the file says then
_SECRETS = ("client_secret", "access_token", "refresh_token")


@dataclass(frozen=True, slots=True)
class SignIn:
    """What somebody signed in with, and what came of it.

    `expires_at` is when the access token ends, in seconds since 1970, and `lifetime` how many seconds it had then; both
    are 0 where Salesloft did not say. `login` tells two sign-ins apart, `team` is the id of the team where that is
    known, `asked` the scopes that a person asked for, and `ended` says why it cannot be renewed any more.
    """

    accounts_url: str
    client_id: str
    client_secret: SecretStr
    grant: Grant
    redirect_uri: str
    login: str
    access_token: SecretStr
    refresh_token: SecretStr
    expires_at: float = 0.0
    lifetime: float = 0.0
    scope: str = ""
    team: str = ""
    asked: str = ""
    ended: str = ""
    kept: Place = "file"

    def dumped(self) -> str:
        """As JSON, secrets included."""
        return json.dumps({**asdict(self), **{name: getattr(self, name).get_secret_value() for name in _SECRETS}})


class Credentials:
    """The sign-in for `base_url` in one state directory."""

    def __init__(self, state_dir: Path, base_url: str) -> None:
        digest = hashlib.sha256(base_url.encode()).hexdigest()[:24]
        self._folder = state_dir / FOLDER
        self._file = self._folder / f"{digest}.json"
        # Two state directories must not share one entry, because each has a lock of its own.
        self._entry = Entry(f"{base_url} in {state_dir.absolute()}")

    def stamp(self) -> tuple[int, int, int] | None:
        """Something that changes whenever the sign-in does; None while there is none. Costs no more than a look."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def prepare(self) -> None:
        """Make room for a sign-in, so that nobody agrees to one that cannot be kept.

        Raises:
            StateError: there is no room.
        """
        try:
            self._private_folder()
        except OSError as error:
            raise _no_room(self._folder, error) from error

    async def read(self) -> SignIn | None:
        """The sign-in, or None where nobody has signed in.

        Raises:
            StateError: it cannot be read, or is in a keyring that cannot be reached from here.
        """
        return await anyio.to_thread.run_sync(self._read)

    async def recovered(self) -> SignIn | None:
        """The same for whoever holds the lock: with what a process had written when it was killed, if that is whole.

        Raises:
            StateError: as `read` does.
        """
        return await anyio.to_thread.run_sync(self._recovered)

    async def keep(self, sign_in: SignIn) -> SignIn:
        """Keep it, whole, and on disk when this returns; where the keyring does not take it, in the file.

        Raises:
            StateError: the file cannot be written.
        """
        return await anyio.to_thread.run_sync(self._keep, sign_in)

    async def remove(self) -> bool:
        """Keep nothing any more. False where the keyring that holds it did not let it go.

        Raises:
            StateError: the file cannot be removed.
        """
        return await anyio.to_thread.run_sync(self._remove)

    @asynccontextmanager
    async def locked(self, seconds: float = LOCK_SECONDS) -> AsyncIterator[None]:
        """Only one at a time, in whatever process. The lock goes with the process that held it.

        Raises:
            StateError: somebody holds it for longer than `seconds`, or it cannot be made.
        """
        try:
            self._private_folder()
            lock = filelock.FileLock(self._file.with_suffix(".lock"), mode=0o600, thread_local=False)
            with anyio.fail_after(seconds):
                while not _taken(lock):  # noqa: ASYNC110 - another process tells nothing when it lets go
                    await anyio.sleep(LOCK_STEP)
        except TimeoutError:
            raise StateError("another process renews the sign-in, and takes long.", next_step="try again.") from None
        except OSError as error:
            raise _no_room(self._folder, error) from error
        try:
            yield
        finally:
            lock.release()

    def _private_folder(self) -> Path:
        """The folder, which nobody else may read or change, and neither the state directory above it."""
        private_directory(self._folder.parent)
        return private_directory(self._folder)

    def _read(self) -> SignIn | None:
        try:
            text = self._file.read_text(encoding="utf-8")
            return _sign_in(self._from_keyring() if json.loads(text) == _IN_KEYRING else text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _unusable(self._file, error) from None

    def _recovered(self) -> SignIn | None:
        found = self._read()
        for part in _left_by_killed(self._file):
            try:
                newer = _sign_in(part.read_text(encoding="utf-8"))
                if found and newer.login == found.login:
                    part.replace(self._file)
                    return newer
            except (OSError, ValueError):  # half of it, which the next one to write removes
                continue
        return found

    def _from_keyring(self) -> str:
        said = self._entry.read()
        if not said:
            what = "the sign-in is kept in the system's keyring, which cannot be read from here."
            step = "unlock it, or run `salesloft-mcp login --no-keyring`, which keeps it in a private file instead."
            raise StateError(what, next_step=step)
        return said

    def _keep(self, sign_in: SignIn) -> SignIn:
        in_keyring = sign_in.kept == "keyring" and self._entry.write(sign_in.dumped())
        kept = sign_in if in_keyring else replace(sign_in, kept="file")
        # It may hold an earlier sign-in, which may be somebody else's, or a part of this one; else for ever.
        is_left = not in_keyring and (sign_in.kept == "keyring" or self._is_in_keyring())
        try:
            _write_whole(self._private_folder(), self._file, json.dumps(_IN_KEYRING) if in_keyring else kept.dumped())
        except OSError as error:
            raise _no_room(self._folder, error) from error
        if is_left:
            self._entry.remove()
        return kept

    def _is_in_keyring(self) -> bool:
        with suppress(OSError, ValueError):
            return bool(json.loads(self._file.read_text(encoding="utf-8")) == _IN_KEYRING)
        return False

    def _remove(self) -> bool:
        held = self._is_in_keyring()
        gone = self._entry.remove()
        try:
            for one in (*_left_by_killed(self._file), self._file):
                one.unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(self._file, error) from error
        return gone or not held


_SIGN_IN = TypeAdapter(SignIn)


def _sign_in(text: str) -> SignIn:
    """
    Raises:
        ValueError: it is none. Its words repeat what was read.
    """
    return _SIGN_IN.validate_json(text)


def _taken(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True


def _left_by_killed(file: Path) -> list[Path]:
    """What processes had written that were killed before it took the place of `file`."""
    return list(file.parent.glob(f".{file.stem}.*"))


def _write_whole(folder: Path, file: Path, text: str) -> None:
    """The new file takes the place of the old one at once. It is on disk, name and all, when this returns.

    Only one process writes at a time; what another one left half written when it was killed goes.
    """
    for left in _left_by_killed(file):
        left.unlink(missing_ok=True)
    descriptor, part = tempfile.mkstemp(dir=folder, prefix=f".{file.stem}.")  # only its owner may read it
    try:
        with open(descriptor, "w", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        Path(part).replace(file)
    finally:
        Path(part).unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # Windows opens no directories
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _no_room(folder: Path, error: OSError) -> StateError:
    what = f"no sign-in can be kept in {folder} ({error.strerror or error})."
    return StateError(what, next_step="give another directory with --state-dir.")


def _unusable(path: Path, error: Exception) -> StateError:
    words = getattr(error, "strerror", None) or type(error).__name__
    what = f"the sign-in that is kept in {path} cannot be used ({words})."
    return StateError(what, next_step="run `salesloft-mcp login` again, or give another directory with --state-dir.")
