"""The environment, read once. An unknown SALESLOFT_ name stops the start with the nearest right one."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.text import did_you_mean

PREFIX = "SALESLOFT_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Mode = Literal["full", "no-delete", "read-only"]
ConfirmMode = Literal["auto", "elicit"]
Dialect = Literal["guide", "reference"]


def _plain_token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not all(33 <= ord(char) <= 126 for char in text):
        raise ValueError("is empty, or has a space or a character that no token has; copy it again")
    return value


def _safe_origin(value: str) -> str:
    if not value.isascii() or not value.isprintable() or set(value) & set(" \\@?#"):
        raise ValueError("must not hold a space, a user name, a query, a fragment or a letter beyond ASCII")
    parts = urlsplit(value)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("uses http: only https is safe for a token (http is allowed for loopback addresses)")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an https address such as https://api.salesloft.com")
    if parts.port == 0:
        raise ValueError("has no usable port")
    # Rebuilt, so that the scheme is written in one way wherever it is looked at.
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


class Settings(BaseSettings):
    """Every setting, each also an option of `salesloft-mcp serve`; the option wins."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, hide_input_in_errors=True, frozen=True, extra="forbid")

    api_key: Annotated[SecretStr, AfterValidator(_plain_token)] | None = Field(
        None, description="API key or OAuth access token of Salesloft"
    )
    base_url: Annotated[str, AfterValidator(_safe_origin)] = Field(
        "https://api.salesloft.com", description="where the API lives; /v2 is added"
    )
    mode: Mode = Field("full", description="what the tools may do")
    confirm: ConfirmMode = Field("auto", description="how a person agrees to what cannot be undone")
    state_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=lambda: platformdirs.user_state_path("salesloft_mcp"),
        description="where approvals and the change log are kept",
    )
    files_dir: Annotated[Path, AfterValidator(Path.expanduser)] | None = Field(
        None, description="the folder whose files plan_backfill may read; never over HTTP"
    )
    rate_limit: int = Field(570, ge=1, le=600, description="points a minute this process may spend")


def load(options: Mapping[str, object] | None = None) -> Settings:
    """The settings of the environment, with `options` from the command line winning over them.

    Raises:
        SettingsError: a name that is not a setting, or a value that is not allowed. The value is never shown.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in os.environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(name, "is not a setting.", next_step=did_you_mean(name.upper(), known))
    try:
        return Settings(**{name: value for name, value in (options or {}).items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    message = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{PREFIX}{name.upper()}", message, next_step="correct it and start again.")
