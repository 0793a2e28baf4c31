"""A fixed token: an API key, or an OAuth access token somebody else keeps fresh."""

from collections.abc import Generator

import httpx
from pydantic import SecretStr


class Bearer(httpx.Auth):
    """`Authorization: Bearer {{token}}`, on requests to one origin and no other."""

    def __init__(self, token: SecretStr, base_url: str) -> None:
        self._token = token
        self._origin = _origin(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
