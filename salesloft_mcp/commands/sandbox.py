"""`salesloft-mcp sandbox`: the sandbox over HTTP."""

import sys
from functools import partial
from pathlib import Path

import anyio
import click

from salesloft_mcp.commands.live import open_sandbox
from salesloft_mcp.errors import InputError
from salesloft_mcp.sandbox import Odd, Sandbox
from salesloft_mcp.sandbox.scopes import known
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.settings import Dialect
from salesloft_mcp.text import did_you_mean, quoted


def sandbox(
    port: int,
    dialect: Dialect,
    file: Path | None,
    rate_limit: int,
    scopes: tuple[str, ...],
    oauth: bool,
    odd: tuple[Odd, ...],
    token_seconds: int,
) -> None:
    """Serve the sandbox until it is stopped."""
    wanted = _scopes(scopes)
    with open_sandbox(file, dialect, rate_limit, odd, token_seconds) as box:
        click.echo("# SANDBOX, no real data. Ctrl-C stops it. To use it, export these two in another terminal:")
        click.echo(f"SALESLOFT_BASE_URL=http://127.0.0.1:{port}")
        click.echo(f"SALESLOFT_API_KEY={_token(box, wanted, oauth)}")
        if oauth:
            for line in _sign_in(box, port):
                click.echo(line)
        try:
            anyio.run(partial(serve, box, port=port))
        except SystemExit:  # how uvicorn ends after it has said that the port is taken
            sys.exit(1)


def _sign_in(box: Sandbox, port: int) -> list[str]:
    """How to sign in with its OAuth application, instead of using the token."""
    client = box.authority.client
    secret = f"SALESLOFT_CLIENT_ID={client.id} SALESLOFT_CLIENT_SECRET={client.secret}"
    return [
        f"# Or sign in. Client id {client.id}, secret {client.secret}, redirect {client.redirect_uri}:",
        f"{secret} salesloft-mcp login --base-url http://127.0.0.1:{port}",
    ]


def _token(box: Sandbox, scopes: list[str], oauth: bool) -> str:
    if scopes:
        return box.issue_token(*scopes, kind="oauth" if oauth else "api_key")
    return box.oauth_token if oauth else box.api_key


def _scopes(given: tuple[str, ...]) -> list[str]:
    """Those of a token: separated by commas, or each in an option of its own. None: all.

    Raises:
        InputError: one that opens nothing here.
    """
    names = [name.strip() for one in given for name in one.split(",") if name.strip()]
    for name in names:
        if name not in known():
            raise InputError("--scopes", f"there is no scope {quoted(name)}.", next_step=did_you_mean(name, known()))
    return names
