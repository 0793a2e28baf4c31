"""The script: what a person wants, and what an assistant does about it."""

import sys
import tempfile

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ElicitResult

from salesloft_mcp.demo.session import Session, Show

LEADS = {"external_type": "crm_lead", "object_type": "people"}
CUSTOMERS = {"external_type": "customer_number", "object_type": "accounts"}
UPSERT = "upsert_person_by_external_id"
NEW = {
    "email_address": "christoper.doe@externalid.com",
    "first_name": "Christopher",
    "last_name": "Doe",
    "account_id": 9872,
    "city": "Atlanta",
}


async def hold_demo(show: Show | None) -> Session:
    """Start the server as a subprocess on a fresh sandbox and hold the session with it."""
    session = Session(show)
    with tempfile.TemporaryDirectory(prefix="salesloft-mcp-demo-") as state:
        command = ["-m", "salesloft_mcp", "serve", "--sandbox", "--state-dir", state]
        server = stdio_client(StdioServerParameters(command=sys.executable, args=command))
        async with Client(server, elicitation_callback=session.asked) as session.client:
            await _talk(session)
    return session


async def _talk(session: Session) -> None:
    session.person("Who am I connected to?")
    connection = await session.call("get_connection", {"environment": "SANDBOX", "team_id": 100013})
    await _set_up(session)
    session.person("Who is CONTACT3456?")
    found = [{**LEADS, "ids": {"CONTACT3456": 578495206}}]
    await session.call("resolve_external_ids", {"found": found}, external_ids=["CONTACT3456"], external_type="crm_lead")
    await _upsert(session)
    session.person("Map CONTACT3456 to person 207550815.")
    taken = {**LEADS, "external_id": "CONTACT3456", "object_id": 207550815}
    await session.call("create_external_id_mapping", "already mapped", **taken)
    await _delete(session)
    session.person("What did all this cost?")
    later = await session.call("get_connection", {})
    first, last = connection.structured_content or {}, later.structured_content or {}
    spent = first.get("points_left", 0) - last.get("points_left", 0) + first.get("points_spent", 0)
    session.person(f"So {spent} API points of the team's 600 a minute. Thank you.")


async def _set_up(session: Session) -> None:
    session.person("Which systems does our Salesloft know? Add our billing database's customer numbers for accounts.")
    await session.read("salesloft://external/configurations", "crm_lead")
    await session.call("create_external_id_configuration", {"status": "created"}, **CUSTOMERS)
    session.person("Acme's number 0042 belongs to account 9872.")
    acme = {**CUSTOMERS, "external_id": "0042", "object_id": 9872}
    await session.call("create_external_id_mapping", {"status": "created"}, **acme)


async def _upsert(session: Session) -> None:
    session.person("Our CRM has a new contact, CONTACT9001: Christopher Doe in Atlanta.")
    contact = {"external_type": "crm_lead", "external_id": "CONTACT9001"}
    await session.call(UPSERT, {"status": "created"}, **contact, person=NEW)
    session.person("He is Account Executive now.")
    promoted = {"title": "Account Executive"}
    await session.call(UPSERT, {"status": "updated"}, **contact, person=promoted)
    session.person("Did that go through? Do it again to be sure.")
    await session.call(UPSERT, {"status": "unchanged"}, **contact, person=promoted)


async def _delete(session: Session) -> None:
    target = {**LEADS, "external_id": "CONTACT9001"}
    session.person("Take CONTACT9001 off again. (And then thinks better of it.)")
    await session.call("delete_external_id_mapping", "Nothing was changed", **target)
    session.person("No, do take it off.")
    session.decision = ElicitResult(action="accept", content={"confirm": True})
    await session.call("delete_external_id_mapping", {}, **target)
    await session.call("resolve_external_ids", {"missing": ["CONTACT9001"]}, external_ids=["CONTACT9001"])
