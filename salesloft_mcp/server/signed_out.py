"""Without a key and a sign-in every call is answered with the one thing to do, and nothing is sent."""

from salesloft_mcp.app import App
from salesloft_mcp.errors import SignedOutError


async def require_sign_in(app: App | None) -> None:
    """Let a call begin only where there is a credential, be it one that has ended: what is kept here can be read then.

    Raises:
        SignedOutError: there is none.
    """
    if app and app.signed_in:
        await app.signed_in.require()


async def offered(app: App | None, error: SignedOutError) -> SignedOutError:
    """The error, and with it the page to sign in on where one can be opened."""
    return await app.sign_in_page.told(error) if app and app.sign_in_page else error
