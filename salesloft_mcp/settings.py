"""The environment, read once: what is blank is unset, and what cannot be right stops the start by its name."""

import ipaddress
import logging
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.text import quoted

PREFIX = "SALESLOFT_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NEAR = 0.7  # how alike a name has to be to one of ours so that it is taken for a misspelt one

Mode = Literal["full", "no-delete", "read-only"]
ConfirmMode = Literal["auto", "elicit"]
Dialect = Literal["guide", "reference"]

_REFERENCE = re.compile(r"\$[{(A-Za-z_]|\{\{|^%\w+%|<[^<>]*>")
_NO_VALUES = frozenset({"undefined", "null", "none"})
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_HOST = re.compile(r"(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII)

log = logging.getLogger("salesloft_mcp")


def is_blank(value: object) -> bool:
    """Whether a form or a template that nobody filled in gave this: it is as if it was not given."""
    return value is None or (isinstance(value, str) and not value.strip())


def _plain_token(value: SecretStr) -> SecretStr:
    if not all(33 <= ord(char) <= 126 for char in value.get_secret_value()):
        raise ValueError("has a space or a character that no token has; copy it again")
    return value


def _safe_origin(value: str) -> str:
    if not value.isascii() or not value.isprintable() or set(value) & set(" \\@?#"):
        raise ValueError("must not hold a space, a user name, a query, a fragment or a letter beyond ASCII")
    try:
        parts = urlsplit(value)
    except ValueError:  # its words repeat the value
        raise ValueError("is not an address") from None
    found = _HOST.fullmatch(parts.netloc)
    if parts.scheme not in ("http", "https") or not found or not _is_host(found["host"]):
        raise ValueError("is not an https address such as https://api.salesloft.com")
    if found["port"] and not 0 < int(found["port"]) < 65_536:
        raise ValueError("has no usable port")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("uses http: only https is safe for a token (http is allowed for loopback addresses)")
    # Rebuilt, so that the scheme is written in one way wherever it is looked at. The guide prints the address with
    # /v2/external at its end, which every request adds by itself.
    path = parts.path.rstrip("/").removesuffix("/v2/external").removesuffix("/v2")
    return f"{parts.scheme}://{parts.netloc}{path}".rstrip("/")


def _is_host(host: str) -> bool:
    """Whether this is an IP address, or a name that could be one: no empty and no endless part."""
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
        elif not host.strip("0123456789."):
            ipaddress.IPv4Address(host)
        else:
            host.encode("ascii").decode("idna").encode("idna")
    except ValueError:
        return False
    return True


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

    api_key: Annotated[SecretStr, AfterValidator(_plain_token)] | None = Field(
        None, description="API key or OAuth access token of Salesloft"
    )
    base_url: Annotated[str, AfterValidator(_safe_origin)] = Field(
        "https://api.salesloft.com", description="where the API lives; /v2 is added"
    )
    mode: Mode = Field("full", description="what the tools may do")
    confirm: ConfirmMode = Field("auto", description="how a person agrees to what cannot be undone")
    state_dir: Annotated[Path, AfterValidator(_path)] = Field(
        default_factory=lambda: platformdirs.user_state_path("salesloft_mcp"),
        description="where approvals and the change log are kept",
    )
    files_dir: Annotated[Path, AfterValidator(_path), AfterValidator(_folder)] | None = Field(
        None, description="the folder whose files a backfill may be planned from; never over HTTP"
    )
    rate_limit: int = Field(570, ge=1, le=600, description="points a minute this process may spend")

    @field_validator("*", mode="before")
    @classmethod
    def _filled_in(cls, value: object, info: ValidationInfo) -> object:
        """A blank value is unset; a reference that a host or a template left as it was is refused."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if is_blank(text):
            assert info.field_name is not None
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        if isinstance(text, str | Path):
            _require_filled(str(text))
        return value


def _require_filled(text: str) -> None:
    if _REFERENCE.search(text) or text.strip().lower() in _NO_VALUES:
        raise ValueError("is a place-holder that nothing was filled into; give the value itself, or leave it out")
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        raise ValueError("has quotation marks around it; leave them out")


def load(options: Mapping[str, object] | None = None) -> Settings:
    """The settings of the environment, with `options` from the command line winning over them.

    Raises:
        SettingsError: a name that is nearly a setting, or a value that is not allowed. The value is never shown.
    """
    _check_names()
    try:
        return Settings(**{name: value for name, value in (options or {}).items() if not is_blank(value)})  # type: ignore[arg-type]
    except ValidationError as error:
        raise _refusal(error) from None


def _check_names() -> None:
    """Refuse names that are nearly ours, and warn of others: another program may share our prefix."""
    meant = {name.upper(): name for name in Settings.model_fields}
    meant |= {mode.upper().replace("-", "_"): "mode" for mode in get_args(Mode)}
    for name, value in os.environ.items():
        own = name.upper().removeprefix(PREFIX)
        if own == name.upper() or own.lower() in Settings.model_fields or is_blank(value):
            continue
        if near := get_close_matches(own, meant, n=1, cutoff=NEAR):
            step = f"did you mean {PREFIX}{meant[near[0]].upper()}?"
            raise SettingsError(name, "is not a setting.", next_step=step)
        log.warning("%s is not a setting of this server and is ignored.", quoted(name))


def _refusal(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    message = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{PREFIX}{name.upper()}", message, next_step="correct it and start again.")
