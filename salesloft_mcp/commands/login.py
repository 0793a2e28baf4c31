"""`salesloft-mcp login`: a person signs in with an OAuth application, in a browser or without."""

import json
import sys
from typing import Any

import anyio
import click
from pydantic import SecretStr

from salesloft_mcp.browser.browser import open_browser
from salesloft_mcp.browser.redirect import Redirect, awaited_redirect, checked_redirect
from salesloft_mcp.commands.options import Option
from salesloft_mcp.errors import InputError, SalesloftMcpError, SettingsError
from salesloft_mcp.salesloft.oauth import NO_TOKEN, Application, Asking, Tokens, accounts_of, query_of
from salesloft_mcp.settings import Settings, load
from salesloft_mcp.sign_in import WAIT_SECONDS, Done, Way, asking_for, keep, tokens_for
from salesloft_mcp.state.credentials import Credentials, Grant
from salesloft_mcp.text import escaped


def login(
    api_key: bool,
    client_credentials: bool,
    no_browser: bool,
    no_keyring: bool,
    redirect_uri: str,
    accounts_url: str | None,
    scope: str,
    as_json: bool,
    **options: Option,
) -> None:
    """Sign in, keep what came of it, and say who and which team it is."""
    settings = load(options)
    Credentials(settings.state_dir, settings.base_url).prepare()
    if api_key:
        key = _key(settings)
        way = Way("", Application("", NO_TOKEN), "", in_keyring=not no_keyring)
        _tell(_told(settings, anyio.run(keep, settings, way, "api_key", Tokens(key))), as_json=as_json)
        return
    url = _accounts(accounts_url) if accounts_url else accounts_of(settings.base_url)
    redirect = checked_redirect(redirect_uri, here=not no_browser)
    way = Way(url, _application(settings), redirect.address, in_keyring=not no_keyring, scope=scope)
    grant: Grant = "client_credentials" if client_credentials else "authorization_code"
    if client_credentials:
        tokens = anyio.run(tokens_for, way, {"grant_type": grant, **({"scope": scope} if scope else {})})
    else:
        asking = anyio.run(asking_for, way)
        if no_browser:  # a person types outside of the loop, where Ctrl-C would wait for Enter
            tokens = anyio.run(tokens_for, way, asking.came_back(_pasted(asking)))
        else:
            tokens = anyio.run(_in_browser, settings, way, asking, redirect)
    _tell(_told(settings, anyio.run(keep, settings, way, grant, tokens)), as_json=as_json)


def _key(settings: Settings) -> SecretStr:
    """The API key of the settings, or the one that a person types without an echo.

    Raises:
        InputError: there is none, and this is no terminal; or it cannot be a key.
    """
    if settings.api_key:
        return settings.api_key
    if not sys.stdin.isatty():
        step = "set it, or run this in a terminal, which asks for it."
        raise InputError("SALESLOFT_API_KEY", "is needed to keep it.", next_step=step)
    typed = click.prompt("API key (it is not shown)", hide_input=True, err=True).strip()
    key = load({"api_key": typed}).api_key
    if key is None:
        raise InputError("the API key", "is empty.", next_step="copy it from Salesloft, under Settings, API Keys.")
    return key


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    click.echo(json.dumps(told, indent=2) if as_json else _sentence(told))


def _accounts(url: str) -> str:
    """An address to sign in at, which is as safe as one of the API.

    Raises:
        InputError: it is not.
    """
    try:
        return load({"base_url": url}).base_url
    except SettingsError as error:
        what = error.what.removeprefix("SALESLOFT_BASE_URL: ")
        raise InputError("--accounts-url", what, next_step="correct it and start again.") from None


def _application(settings: Settings) -> Application:
    """The application of the settings. What is missing is asked for at the terminal, the secret without an echo.

    Raises:
        InputError: something is missing, and this is no terminal.
    """
    if sys.stdin.isatty():
        client_id = settings.client_id or click.prompt("Client id of the OAuth application", err=True).strip()
        secret = settings.client_secret or SecretStr(
            click.prompt("Client secret (it is not shown)", hide_input=True, err=True).strip()
        )
        return Application(client_id, secret)
    for name, value in (
        ("SALESLOFT_CLIENT_ID", settings.client_id),
        ("SALESLOFT_CLIENT_SECRET", settings.client_secret),
    ):
        if not value:
            step = "set it, or run this in a terminal, which asks for it. docs/sign-in.md says where it comes from."
            raise InputError(name, "is needed to sign in.", next_step=step)
    return Application(settings.client_id or "", settings.client_secret or NO_TOKEN)


def _pasted(asking: Asking) -> dict[str, str]:
    """The query of the redirect, which a person copies from a browser that may be on another machine.

    Raises:
        InputError: nothing was pasted.
    """
    click.echo(f"Open this address in any browser, and agree:\n\n{asking.address}\n", err=True)
    click.echo("The browser then goes to an address that it may not be able to show. Copy that address.", err=True)
    try:
        return query_of(click.prompt("Paste it here", err=True))
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise
        step = "run it again, and paste the address that the browser ends at."
        raise InputError("redirect", "nothing was pasted.", next_step=step) from None


async def _in_browser(settings: Settings, way: Way, asking: Asking, redirect: Redirect) -> Tokens:
    """What the redirect to this machine brings. The browser is opened where there is one.

    Raises:
        SalesloftMcpError: nobody has agreed for a long time.
    """

    async def take(query: dict[str, str]) -> Tokens:
        return await tokens_for(way, asking.came_back(query))

    async with awaited_redirect(redirect, take) as coming, open_browser(settings.state_dir) as browser:
        click.echo(f"Agree in your browser. If it does not open, open this address:\n\n{asking.address}\n", err=True)
        await browser.lead("sign-in", asking.address)
        with anyio.move_on_after(WAIT_SECONDS):
            return await coming.result()
    what = f"nobody has agreed in the browser within {WAIT_SECONDS / 60:.0f} minutes. Nothing was kept."
    raise SalesloftMcpError(what, next_step="run it again, with --no-browser where the browser is on another machine.")


def _told(settings: Settings, done: Done) -> dict[str, Any]:
    """Who it is, and how long that holds."""
    found = done.sign_in
    return {
        "base_url": settings.base_url,
        "grant": found.grant,
        "team_id": done.team.id if done.team else None,
        "team": escaped(done.team.name or "") if done.team else "",
        "user_id": done.me.id if done.me else None,
        "user": escaped(done.me.name or "") if done.me else "",
        "scopes": escaped(found.scope).split(),
        "scopes_not_given": [one for one in found.asked.split() if found.scope and one not in found.scope.split()],
        "expires_in_seconds": round(found.lifetime),
        "renewed": found.grant == "client_credentials" or bool(found.refresh_token.get_secret_value()),
        "kept": found.kept,
        "key_wins": bool(settings.api_key) and found.grant != "api_key",
        "problem": done.problem,
    }


def _sentence(told: dict[str, Any]) -> str:
    """For a person."""
    key = told["grant"] == "api_key"
    who = f"{told['user'] or 'user'} ({told['user_id']}), team {told['team'] or ''} ({told['team_id']})"
    lines = [f"Signed in to {told['base_url']}" + (f" as {who}." if told["user_id"] else ".")]
    lines += ["The API key is good until somebody deletes it in Salesloft."] if key else _ends(told)
    place = "the system's keyring" if told["kept"] == "keyring" else "a file that only you can read"
    lines.append(f"It is kept in {place}. A server that runs already uses it from its next call on.")
    if told["key_wins"]:
        lines.append(
            "SALESLOFT_API_KEY is set here, and wins over it wherever it is set: take it away to use the sign-in."
        )
    if told["problem"]:
        lines.append(f"Who it is could not be read: {told['problem']}")
    return "\n".join(lines)


def _ends(told: dict[str, Any]) -> list[str]:
    """What tokens may do, and for how long."""
    scopes = f"Scopes: {' '.join(told['scopes']) or 'those of the application'}."
    if missing := told["scopes_not_given"]:
        scopes = f"{scopes} Asked for, and not given: {' '.join(missing)}."
    seconds = told["expires_in_seconds"]
    ends = f"in {seconds} seconds" if seconds < 120 else f"in {seconds / 60:.0f} minutes"
    renewed = "is renewed by itself" if told["renewed"] else "cannot be renewed: then sign in again"
    if not seconds:
        return [scopes, f"When the token ends is not told; it {renewed}."]
    return [scopes, f"The token ends {ends}, and {renewed}."]
