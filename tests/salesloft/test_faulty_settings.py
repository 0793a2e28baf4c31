"""A wrong address and what was never a token are told as faults of the settings, and no character of the token is."""

import httpx
import pytest

from salesloft_mcp import errors
from salesloft_mcp.salesloft.token_shape import doubt_of
from salesloft_mcp.sandbox import Sandbox
from tests.salesloft.opened import always, answering, opened

DOUBTED = [
    ("your-api-key", "place-holder"),
    ("YOUR_SALESLOFT_TOKEN_GOES_IN_THIS_PLACE", "place-holder"),
    ("changeme", "place-holder"),
    ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "place-holder"),
    ("ak" + "0a" * 31, "64 characters, and keys of Salesloft 66"),
    ("ak" + "0a" * 32 + ",", "and more before or after it"),
    ("sk-ant-0123456789abcdefghijklmnop", "an OpenAI or Anthropic key"),
    ("00D5g000001abcd!AQEAQ0123456789abcdef", "a Salesforce session"),
    ("q7w2", "too short"),
]


@pytest.mark.parametrize(("token", "doubt"), DOUBTED)
def test_what_can_hardly_be_a_token_is_doubted_without_being_shown(token: str, doubt: str) -> None:
    told = doubt_of(token)
    assert doubt in told
    assert token not in told


@pytest.mark.parametrize("token", ["ak" + "0f" * 32, "ak_" + "9c" * 32, "Zm9vYmFyYmF6cXV4Zm9vYmFy", "8f" * 32])
def test_what_may_be_a_token_is_not(token: str) -> None:
    assert doubt_of(token) == ""


@pytest.mark.anyio
async def test_a_refused_token_is_told_with_that_doubt(sandbox: Sandbox) -> None:
    async with opened(sandbox, token="your-api-key") as api:
        with pytest.raises(errors.UnauthorizedError) as refused:
            await api.me()
    assert "(401). What is set looks like a place-holder that nobody has replaced." in refused.value.what
    assert refused.value.next_step == "correct SALESLOFT_API_KEY."
    assert "your-api-key" not in str(refused.value)


@pytest.mark.anyio
async def test_what_is_always_there_and_is_not_found_means_a_wrong_address() -> None:
    async with answering(always(404, b'{"error": "Not Found", "status": 404}')) as api:
        for call in (api.me, api.team, api.list_configurations, api.list_mappings):
            with pytest.raises(errors.NotFoundError, match=r"^SALESLOFT_BASE_URL: Salesloft's API is not at") as wrong:
                await call()
            assert "https://api.salesloft.com" in wrong.value.next_step
        with pytest.raises(errors.NotFoundError, match="knows nothing at"):
            await api.delete_mapping(5)


@pytest.mark.anyio
async def test_a_page_at_that_address_is_told_as_a_page() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, text="<!doctype html><html><title>Sign in</title></html>")

    async with answering(page) as api:
        with pytest.raises(errors.UpstreamError) as wrong:
            await api.list_mappings()
    assert "SALESLOFT_BASE_URL" in wrong.value.next_step
