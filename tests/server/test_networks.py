"""What a model is told when no connection comes about, in both versions of the protocol."""

from pathlib import Path

import pytest
from mcp.client import Client
from pydantic import SecretStr

from salesloft_mcp.app import open_app
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Era
from tests.salesloft.proxied import ESCAPED, FOREIGN, company

pytestmark = pytest.mark.anyio


async def test_a_tool_tells_why_there_is_no_connection_and_what_to_do(
    era: Era, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = settings.model_copy(update={"api_key": SecretStr("ak-test"), "base_url": f"https://{FOREIGN}"})
    async with company(tmp_path) as here:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{ESCAPED}@{here.proxy}")
        async with open_app(live) as app, Client(build_server(app, chosen("full")), mode=era) as client:
            asked = {"external_type": "crm", "object_type": "people", "external_id": "A", "object_id": 7}
            result = await client.call_tool("create_external_id_mapping", asked)
    assert result.is_error
    (told,) = (block.text for block in result.content if block.type == "text")
    assert f"the certificate of {FOREIGN} is not trusted: it was issued by" in told
    assert "nothing was sent" in told
    assert "SSL_CERT_FILE" in told
    assert "s3cret" not in told
