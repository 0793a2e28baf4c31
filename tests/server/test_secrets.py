"""The token, and what stands in records, shows up nowhere it does not belong, whatever goes wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from mcp.client import Client

from salesloft_mcp.app import open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import NAMES, chosen
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.credentials import Credentials
from tests.server.human import YES, Human, text
from tests.signing_in import URL, everything_in_process, sign_in

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

PRIVATE = "canary@private.test"
KEY: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
CALLS: dict[str, dict[str, Any]] = {
    "get_connection": {},
    "resolve_external_ids": {"external_ids": ["CONTACT3456"]},
    "get_records_by_external_id": {**KEY, "external_ids": ["CONTACT3456"]},
    "search_records": {"object_type": "people", "email": PRIVATE},
    "list_external_id_configurations": {},
    "list_external_id_mappings": {},
    "audit_external_ids": {},
    "plan_backfill": {
        "external_type": "crm_lead",
        "object_type": "people",
        "rows": [{"external_id": "new", "email": PRIVATE}],
    },
    "plan_bulk_upsert": {
        "external_type": "crm_lead",
        "object_type": "people",
        "rows": [{"external_id": "new", "email_address": PRIVATE}],
    },
    "plan_type_rename": {"external_type": "crm_lead", "object_type": "people", "new_external_type": "erp"},
    "run_plan": {"plan": "1"},
    "get_plan": {"plan": "1"},
    "cancel_plan": {"plan": "1"},
    "create_external_id_configuration": {"external_type": "new", "object_type": "users"},
    "create_external_id_mapping": {**KEY, "external_id": "new", "object_id": 578495206},
    "upsert_person_by_external_id": {
        "external_type": "crm_lead",
        "external_id": "new",
        "person": {"email_address": PRIVATE},
    },
    "upsert_account_by_external_id": {
        "external_type": "sdfc_account",
        "external_id": "new",
        "account": {"name": PRIVATE, "domain": "private.test"},
    },
    "delete_external_id_mapping": KEY,
    "delete_external_id_configuration": {"external_type": "crm_lead", "object_type": "people"},
    "list_changes": {},
    "undo_change": {"change": 1},
}
CALLS["get_records_by_external_id"].pop("external_id")
TROUBLES = {
    "401": Fault("status", status=401, times=None),
    "403": Fault("status", status=403, times=None),
    "500": Fault("status", status=500, times=None),
    "reset": Fault("reset", times=None),
    "garbage": Fault("raw", status=200, body=b"\x00\xff{not json", times=None),
}


@pytest.fixture(autouse=True)
def _two_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


def test_every_tool_is_tried() -> None:
    assert set(CALLS) == set(NAMES)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_no_failure_shows_the_token_a_traceback_or_personal_data(
    settings: Settings, sandbox: Sandbox, trouble: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="salesloft_mcp")
    sandbox.faults.add(TROUBLES[trouble])
    said = []
    async with open_app(settings, sandbox) as app:
        app.changes.quiet = 0.0
        async with Client(build_server(app, chosen("full")), elicitation_callback=Human(YES)) as client:
            for tool, arguments in CALLS.items():
                result = await client.call_tool(tool, arguments)
                assert result.is_error is (tool != "list_changes"), tool  # our own log can be read all the same
                said.append(text(result))
    told = "\n".join([*said, caplog.text])
    assert sandbox.api_key not in told
    assert "Traceback" not in told
    assert PRIVATE not in told
    assert all(len(words.splitlines()) <= 3 for words in said)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert all(sandbox.api_key.encode() not in file.read_bytes() for file in files)


@pytest.mark.parametrize("trouble", [*TROUBLES, "an echo"])
async def test_no_failure_shows_a_secret_of_a_sign_in(
    settings: Settings,
    sandbox: Sandbox,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    everything_in_process(monkeypatch, sandbox)
    live = settings.model_copy(update={"base_url": URL})
    kept = Credentials(live.state_dir, URL)
    found = await sign_in(sandbox, kept)
    secrets = [getattr(found, name).get_secret_value() for name in ("access_token", "refresh_token", "client_secret")]
    body = json.dumps({"error": "invalid_grant", "error_description": " ".join(secrets)}).encode()
    sandbox.faults.add(TROUBLES.get(trouble, Fault("raw", status=401, body=body, times=None)))
    said = []
    async with open_app(live) as app:
        app.changes.quiet = 0.0
        async with Client(build_server(app, chosen("full")), elicitation_callback=Human(YES)) as client:
            for tool, arguments in CALLS.items():
                said.append(text(await client.call_tool(tool, arguments)))
    told = "\n".join([*said, caplog.text])
    after = await kept.read()
    assert after is not None
    assert (trouble not in ("401", "an echo")) or after.ended
    for secret in [*secrets, after.access_token.get_secret_value()]:
        assert secret not in told
        holding = [one for one in live.state_dir.rglob("*") if one.is_file() and secret.encode() in one.read_bytes()]
        assert {one.parent.name for one in holding} == {"sign-ins"}


async def test_a_crash_of_ours_tells_its_kind_and_its_place_and_no_value(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_app(settings, sandbox) as app:

        async def crash() -> None:
            raise KeyError(PRIVATE)

        monkeypatch.setattr(app.salesloft, "me", crash)
        async with Client(build_server(app, chosen("full"))) as client:
            result = await client.call_tool("get_connection", {})
    assert result.is_error
    assert text(result) == "get_connection failed inside the server (KeyError); its log says where."
    assert "test_secrets.py" in caplog.text
    assert PRIVATE not in caplog.text
    assert "Traceback" not in caplog.text
