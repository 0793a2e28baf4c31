"""`salesloft-mcp logout`: the sign-in is revoked where Salesloft says how, and is kept no longer."""

import anyio
import click

from salesloft_mcp.commands.options import Option
from salesloft_mcp.errors import StateError, UnreachableError
from salesloft_mcp.salesloft.oauth import Application
from salesloft_mcp.settings import load
from salesloft_mcp.sign_in import accounts_at
from salesloft_mcp.state.credentials import Credentials, SignIn
from salesloft_mcp.state.keyrings import SERVICE

BY_HAND = "To end the application's access at once, remove it in Salesloft, or have an administrator do so."


def logout(**options: Option) -> None:
    """Revoke the sign-in, and keep it no longer."""
    settings = load(options)
    credentials = Credentials(settings.state_dir, settings.base_url)
    click.echo(anyio.run(_signed_out, credentials, settings.base_url))


async def _signed_out(credentials: Credentials, base_url: str) -> str:
    """What became of it."""
    async with credentials.locked():
        if credentials.stamp() is None:
            return f"Nobody is signed in to {base_url}."
        try:
            found = await credentials.recovered()
        except StateError:
            found = None
        told = await _revoked(found) if found else "It could not be read, and so not be revoked."
        if await credentials.remove():
            return f"Signed out of {base_url}: nothing of it is kept here any more. {told}"
    in_ring = f"The keyring did not let go of its entry {SERVICE!r}: unlock it, and remove the entry by hand."
    return f"Signed out of {base_url}. {in_ring} {told}"


async def _revoked(found: SignIn) -> str:
    """Revoke what can be, and say how that ended."""
    if found.grant == "api_key":
        return "The API key is good until somebody deletes it in Salesloft."
    async with accounts_at(found.accounts_url) as accounts:
        try:
            address = (await accounts.metadata()).revocation
        except UnreachableError as error:
            return f"Its tokens may be good until they end: {error.what} {BY_HAND}"
        if not address:
            return f"Salesloft knows its tokens until they end, and documents no way to revoke them. {BY_HAND}"
        application = Application(found.client_id, found.client_secret)
        tokens = [token for token in (found.refresh_token, found.access_token) if token.get_secret_value()]
        if all([await accounts.revoke(address, application, token) for token in tokens]):
            return "Its tokens are revoked."
    return f"{found.accounts_url} did not say that it revoked its tokens: they may be good until they end. {BY_HAND}"
