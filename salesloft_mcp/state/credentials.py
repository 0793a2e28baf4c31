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
from typing import Any, Literal, Protocol

import anyio
import anyio.to_thread
import filelock
from pydantic import SecretStr

from salesloft_mcp.errors import StateError
from salesloft_mcp.state.files import private_directory

Grant = Literal["authorization_code", "client_credentials", "api_key"]
Place = Literal["keyring", "file"]

FOLDER = "sign-ins"  # in the state directory
SERVICE = "salesloft_mcp"  # as the keyring names it
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


class Keyring(Protocol):
    """The part of the library `keyring` that is used here."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def system_keyring() -> Keyring | None:
    """The keyring of this system; None where the extra is not installed, or the system has none that is safe."""
    try:
        import keyring
        import keyring.core

        found = keyring.get_keyring()
    except (ImportError, AttributeError, ValueError, RuntimeError, OSError):  # or its configuration names none that is
        return None
    # The library names its own stand-ins, which refuse everything or keep nothing, with a priority below one.
    return found if keyring.core.recommended(found) else None


class Credentials:
    """The sign-in for `base_url` in one state directory."""

    def __init__(self, state_dir: Path, base_url: str) -> None:
        digest = hashlib.sha256(base_url.encode()).hexdigest()[:24]
        self._folder = state_dir / FOLDER
        self._file = self._folder / f"{digest}.json"
        # Two state directories must not share one entry, because each has a lock of its own.
        self._username = f"{base_url} in {state_dir.absolute()}"

    def stamp(self) -> tuple[int, int, int] | None:
        """Something that changes whenever the sign-in does; None while there is none. Costs no more than a look."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

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

    async def remove(self) -> None:
        """Keep nothing any more.

        Raises:
            StateError: the file cannot be removed.
        """
        await anyio.to_thread.run_sync(self._remove)

    @asynccontextmanager
    async def locked(self, seconds: float = LOCK_SECONDS) -> AsyncIterator[None]:
        """Only one at a time, in whatever process. The lock goes with the process that held it.

        Raises:
            StateError: somebody holds it for longer than `seconds`, or it cannot be made.
        """
        try:
            private_directory(self._folder)
            lock = filelock.FileLock(self._file.with_suffix(".lock"), mode=0o600, thread_local=False)
            with anyio.fail_after(seconds):
                while not _taken(lock):  # noqa: ASYNC110 - another process tells nothing when it lets go
                    await anyio.sleep(LOCK_STEP)
        except TimeoutError:
            raise StateError("another process renews the sign-in, and takes long.", next_step="try again.") from None
        except OSError as error:
            raise _unusable(self._folder, error) from error
        try:
            yield
        finally:
            lock.release()

    def _read(self) -> SignIn | None:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _unusable(self._file, error) from error
        if found == _IN_KEYRING:
            found = self._from_keyring()
        try:
            return _sign_in(found)
        except (KeyError, TypeError) as error:
            raise _unusable(self._file, error) from error

    def _recovered(self) -> SignIn | None:
        found = self._read()
        for part in self._folder.glob(f".{self._file.stem}.*"):
            try:
                newer = _sign_in(json.loads(part.read_text(encoding="utf-8")))
                if found and newer.login == found.login:
                    part.replace(self._file)
                    return newer
            except (OSError, ValueError, KeyError, TypeError):  # half of it, which the next one to write removes
                continue
        return found

    def _from_keyring(self) -> dict[str, str]:
        ring, said = system_keyring(), None
        if ring is not None:
            with _keyring_errors():
                said = ring.get_password(SERVICE, self._username)
        if not said:
            what = "the sign-in is kept in the system's keyring, which cannot be read from here."
            step = "run `salesloft-mcp login --no-keyring`, which keeps it in a private file instead."
            raise StateError(what, next_step=step)
        found: dict[str, str] = json.loads(said)
        return found

    def _keep(self, sign_in: SignIn) -> SignIn:
        kept = sign_in if sign_in.kept == "keyring" and self._in_keyring(sign_in) else replace(sign_in, kept="file")
        in_file = json.dumps(_IN_KEYRING) if kept.kept == "keyring" else kept.dumped()
        try:
            _write_whole(private_directory(self._folder), self._file, in_file)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        return kept

    def _in_keyring(self, sign_in: SignIn) -> bool:
        ring = system_keyring()
        if ring is not None:
            with _keyring_errors():
                ring.set_password(SERVICE, self._username, sign_in.dumped())
                return True
        return False

    def _remove(self) -> None:
        ring = system_keyring()
        if ring is not None:
            with _keyring_errors():
                ring.delete_password(SERVICE, self._username)
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(self._file, error) from error


def _sign_in(found: dict[str, Any]) -> SignIn:
    return SignIn(**{**found, **{name: SecretStr(found[name]) for name in _SECRETS}})


def _taken(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True


def _keyring_errors() -> suppress:
    """A keyring that is locked, gone or full fails in the library's own way; some of its backends raise others."""
    from keyring.errors import KeyringError

    return suppress(KeyringError, OSError, RuntimeError)


def _write_whole(folder: Path, file: Path, text: str) -> None:
    """The new file takes the place of the old one at once. It is on disk, name and all, when this returns.

    Only one process writes at a time; what another one left half written when it was killed goes.
    """
    for left in folder.glob(f".{file.stem}.*"):
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


def _unusable(path: Path, error: Exception) -> StateError:
    words = getattr(error, "strerror", None) or type(error).__name__
    what = f"the sign-in that is kept in {path} cannot be used ({words})."
    return StateError(what, next_step="run `salesloft-mcp login` again, or give another directory with --state-dir.")
