"""The environment, read once: what is blank is unset, and what cannot be right stops the start by its name."""

import logging
import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, Field, HttpUrl, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticUseDefault
from pydantic_settings import BaseSettings, SettingsConfigDict

from salesloft_mcp.errors import InputError, MisspeltError, PolicyError, SettingsError
from salesloft_mcp.placeholders import is_blank, left_behind
from salesloft_mcp.policy import MEND, MODES, AskMode, ConfirmMode, Mode, Policy
from salesloft_mcp.policy_file import installed
from salesloft_mcp.text import quoted

PREFIX = "SALESLOFT_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NETWORK_VARIABLES = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"})
_PATHS = ("state_dir", "files_dir")
NEAR = 0.7  # how alike a name has to be to one of ours so that it is taken for a misspelt one

Dialect = Literal["guide", "reference"]

_NO_ADDRESS = "is not an https address such as https://api.salesloft.com"

# Settings, and misspelt ones, that are known to be wrong.
_passed_over: ContextVar[frozenset[str]] = ContextVar("passed over", default=frozenset())

log = logging.getLogger("salesloft_mcp")


def _plain(value: str) -> str:
    if value.lower().startswith("bearer "):  # as it stands in a header, and in examples of one
        raise ValueError('begins with the word "Bearer"; leave it out')
    if not all(33 <= ord(char) <= 126 for char in value):
        raise ValueError("has a space or a character that no token has; copy it again")
    return value


def _plain_token(value: SecretStr) -> SecretStr:
    _plain(value.get_secret_value())
    return value


def _safe_origin(value: str) -> str:
    if not value.isascii() or not value.isprintable() or set(value) & set(" \\@?#"):
        raise ValueError("must not hold a space, a user name, a query, a fragment or a letter beyond ASCII")
    try:
        url = HttpUrl(value)
        host = (url.host or "").encode("idna").decode()  # as a look-up of the name does it
    except ValueError:  # its words repeat the value
        raise ValueError(_NO_ADDRESS) from None
    # What pydantic would correct silently, 1.2.3 for one, is not what was meant.
    if not url.port or not value.lower().startswith(f"{url.scheme}://{host}"):
        raise ValueError(_NO_ADDRESS)
    if url.scheme == "http" and host.strip("[]") not in LOOPBACK:
        raise ValueError("uses http: only https is safe for a token (http is allowed for loopback addresses)")
    # One address is written in one way, because sign-ins, plans and the log are kept by it. The guide prints it with
    # /v2/external at its end, which every request adds by itself.
    authority, _, path = value[len(url.scheme) + 3 :].partition("/")
    usual = ":443" if url.scheme == "https" else ":80"
    written = f"{url.scheme}://{authority.lower().removesuffix(usual).rstrip(':')}/{path}"
    return written.rstrip("/").removesuffix("/v2/external").removesuffix("/v2").rstrip("/")


def _path(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError("names the home directory of a user that is not here") from None


def _folder(value: Path) -> Path:
    if not os.path.isdir(value):  # Path.is_dir raises where a parent may not be read
        raise ValueError("is not a folder")
    return value


class Settings(BaseSettings):
    """Every setting, each also an option of `salesloft-mcp serve`; the option wins."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, hide_input_in_errors=True, frozen=True, extra="forbid", validate_default=False
    )

    api_key: Annotated[SecretStr, AfterValidator(_plain_token)] | None = None
    client_id: Annotated[str, AfterValidator(_plain)] | None = None  # of the OAuth application that people sign in with
    client_secret: Annotated[SecretStr, AfterValidator(_plain_token)] | None = None
    base_url: Annotated[str, AfterValidator(_safe_origin)] = "https://api.salesloft.com"
    mode: Mode = "full"
    ask: AskMode = "deletes"  # what a person is asked about
    confirm: ConfirmMode = "auto"  # how a person agrees to what cannot be undone
    state_dir: Annotated[Path, AfterValidator(_path)] = Field(
        default_factory=lambda: platformdirs.user_state_path("salesloft_mcp")
    )
    files_dir: Annotated[Path, AfterValidator(_path), AfterValidator(_folder)] | None = None  # a tool may read them
    rate_limit: int = Field(570, ge=1, le=100_000)  # points a minute this process may spend; a team has mostly 600

    @field_validator("*", mode="before")
    @classmethod
    def _filled_in(cls, value: object, field: ValidationInfo) -> object:
        """A blank value is unset; a reference that a host or a template left as it was is refused."""
        if is_blank(value) or field.field_name in _passed_over.get():
            raise PydanticUseDefault
        if not isinstance(value, str | Path):
            return value
        if wrong := left_behind(str(value)):
            raise ValueError(wrong)
        return value


def load(options: Mapping[str, object] | None = None, policy: Policy | None = None) -> Settings:
    """The settings of the environment, with `options` from the command line winning over them, within `policy`: by
    itself that of this computer.

    Raises:
        SettingsError: a name that is nearly a setting, or a value that is not allowed. The value is never shown.
        PolicyError: a setting is beyond the policy, or the policy cannot be used.
    """
    chosen = chosen_by(options)
    given = {name: value for name, value in (options or {}).items() if not is_blank(value)}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        message = f"{first['msg'].removeprefix('Value error, ').rstrip('.')}."
        step = "correct it and start again."
        raise SettingsError(chosen.get(name, _variable(name)), message, next_step=step) from None
    return within(policy or installed(), _placed(settings, chosen), chosen)


def with_faults(
    options: Mapping[str, object] | None = None, policy: Policy | None = None
) -> tuple[Settings | None, dict[str, str], dict[str, InputError]]:
    """What `load` and `chosen_by` give, each setting that cannot be right having its default; and all of those with
    what is wrong, in place of the first alone. For whoever tells a person about them: nothing may be sent with them.

    No settings where what is wrong is none of them, as with a policy that cannot be used.
    """
    faults: dict[str, InputError] = {}
    while True:
        before = _passed_over.set(frozenset(faults))
        try:
            return load(options, policy), chosen_by(options), faults
        except InputError as error:
            name = error.field.removeprefix("--").removeprefix(PREFIX).replace("-", "_").lower()
            if name in faults or not error.field.upper().startswith(("--", PREFIX)):
                return None, {}, {**faults, error.field: error}
            faults[name] = error
        finally:
            _passed_over.reset(before)


def _placed(settings: Settings, chosen: Mapping[str, str]) -> Settings:
    """The settings with whole paths. A path of the environment has to be one: where a host starts its servers, nobody
    knows.

    Raises:
        SettingsError: it is relative.
    """
    relative = {name: path for name in _PATHS if (path := getattr(settings, name)) and not path.is_absolute()}
    for name in relative:
        by = chosen.get(name, _variable(name))  # the default is relative where the environment has no home
        if not by.startswith("--"):
            what = "is relative, and would be another folder wherever a host starts the server."
            raise SettingsError(by, what, next_step="give the whole path.")
    return settings.model_copy(update={name: path.absolute() for name, path in relative.items()})


def chosen_by(options: Mapping[str, object] | None = None) -> dict[str, str]:
    """Where each setting was chosen that somebody has chosen: an option, which wins, or a name in the environment.

    Raises:
        MisspeltError: a name in the environment is nearly a setting, or one is set in two spellings.
    """
    given = (name for name, value in (options or {}).items() if not is_blank(value))
    found = {**_check_names(), **{name: f"--{name.replace('_', '-')}" for name in given}}
    return {name: by for name, by in found.items() if name not in _passed_over.get()}


def within(policy: Policy, settings: Settings, chosen: Mapping[str, str] | None = None) -> Settings:
    """The settings, with each default that is beyond the policy lowered to it. `chosen` are those that somebody has
    chosen, and where; by itself, those that were given when the settings were made.

    Raises:
        PolicyError: a setting that somebody has chosen is beyond it.
    """
    chosen = {name: _variable(name) for name in settings.model_fields_set} if chosen is None else chosen
    lowered: dict[str, str] = {}
    for name, allowed in (("mode", policy.modes), ("ask", policy.asks), ("confirm", policy.confirms)):
        if getattr(settings, name) in allowed:
            continue
        if name in chosen:
            what = f"{getattr(settings, name)} is beyond the policy of this computer{policy.by(name)}."
            raise PolicyError(chosen[name], what, next_step=f"use {' or '.join(allowed)}, or leave it out; {MEND}.")
        lowered[name] = allowed[0]
    return settings.model_copy(update=lowered) if lowered else settings


def surroundings() -> dict[str, str]:
    """The environment of this process without our own settings, for the programs it starts."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}


def network_variables() -> dict[str, str]:
    """What the environment says of proxies and certificates, by names in capitals. Those in small letters win, as in
    other programs; a blank one is unset.
    """
    found: dict[str, str] = {}
    for name, value in sorted(os.environ.items()):  # capitals come first
        if name.upper() in NETWORK_VARIABLES and not is_blank(value):
            found[name.upper()] = value.strip()
    return found


def variables_set(names: Iterable[str]) -> list[str]:
    """The variables of the environment by which these settings are set."""
    here = {name.upper() for name, value in os.environ.items() if not is_blank(value)}
    return [variable for name in names if (variable := _variable(name)) in here]


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _check_names() -> dict[str, str]:
    """The settings that stand in the environment, with their names there.

    Names that are nearly ours are refused, and one in two spellings; others are warned of: they may be of another
    program.
    """
    meant = {name.upper(): _variable(name) for name in Settings.model_fields}
    meant |= {mode.upper().replace("-", "_"): f"{PREFIX}MODE" for mode in MODES}
    meant["SANDBOX"] = "the option --sandbox"
    seen: set[str] = set()
    for name, value in os.environ.items():
        own = name.upper().removeprefix(PREFIX)
        if own == name.upper() or is_blank(value):
            continue
        if own.lower() in _passed_over.get():
            continue
        if own in seen:
            raise MisspeltError(name, "is set twice, in two spellings.", next_step="keep one of them.")
        seen.add(own)
        if own.lower() in Settings.model_fields:
            continue
        if near := get_close_matches(own.removeprefix("MCP_"), meant, n=1, cutoff=NEAR):
            raise MisspeltError(name, "is not a setting.", next_step=f"did you mean {meant[near[0]]}?")
        log.warning("%s is not a setting of this server and is ignored.", quoted(name))
    return {name.lower(): _variable(name) for name in seen}
