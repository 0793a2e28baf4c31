"""The script: what a person wants, and what an assistant does about it."""

import sys
import tempfile

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ElicitResult

from salesloft_mcp.demo.session import Session, Show

AGREE = ElicitResult(action="accept", content={"confirm": True})
DECLINE = ElicitResult(action="decline")


async def hold_demo(show: Show | None) -> Session:
    """Start the server as a subprocess on a fresh sandbox and hold the session with it."""
    session = Session(show)
    with tempfile.TemporaryDirectory(prefix="salesloft-mcp-demo-") as state:
        command = ["-m", "salesloft_mcp", "serve", "--sandbox", "--state-dir", state]
        server = stdio_client(StdioServerParameters(command=sys.executable, args=command))
        async with Client(server, elicitation_callback=session.asked) as client:
            session.attach(client)
            await _talk(session)
    return session


async def _talk(session: Session) -> None:
    session.person("Who am I connected to?")
    connection = await session.call("get_connection", {"environment": "SANDBOX", "team_id": 100013})
    await _set_up(session)
    await _resolve(session)
    await _upsert(session)
    await _conflict(session)
    await _delete(session)
    session.person("What did all this cost?")
    later = await session.call("get_connection", {})
    _tell_cost(session, connection.structured_content or {}, later.structured_content or {})


async def _set_up(session: Session) -> None:
    session.person("Which systems does our Salesloft know? Add our billing database's customer numbers for accounts.")
    await session.read("salesloft://external/configurations", "crm_lead")
    await session.call(
        "create_external_id_configuration",
        {"status": "created"},
        external_type="customer_number",
        object_type="accounts",
    )
    session.person("Acme's number 0042 belongs to account 9872.")
    await session.call(
        "create_external_id_mapping",
        {"status": "created"},
        external_type="customer_number",
        object_type="accounts",
        external_id="0042",
        object_id=9872,
    )


async def _resolve(session: Session) -> None:
    session.person("Who is CONTACT3456?")
    found = [{"external_type": "crm_lead", "object_type": "people", "ids": {"CONTACT3456": 578495206}}]
    await session.call("resolve_external_ids", {"found": found}, external_ids=["CONTACT3456"], external_type="crm_lead")


async def _upsert(session: Session) -> None:
    session.person("Our CRM has a new contact, CONTACT9001: Christopher Doe in Atlanta.")
    new = {
        "email_address": "christoper.doe@externalid.com",
        "first_name": "Christopher",
        "last_name": "Doe",
        "account_id": 9872,
        "city": "Atlanta",
    }
    of_contact = {"external_type": "crm_lead", "external_id": "CONTACT9001"}
    await session.call("upsert_person_by_external_id", {"status": "created"}, **of_contact, person=new)
    session.person("He is Account Executive now.")
    promoted = {"title": "Account Executive"}
    await session.call("upsert_person_by_external_id", {"status": "updated"}, **of_contact, person=promoted)
    session.person("Did that go through? Do it again to be sure.")
    await session.call("upsert_person_by_external_id", {"status": "unchanged"}, **of_contact, person=promoted)


async def _conflict(session: Session) -> None:
    session.person("Map CONTACT3456 to person 207550815.")
    await session.call(
        "create_external_id_mapping",
        "already mapped",
        external_type="crm_lead",
        object_type="people",
        external_id="CONTACT3456",
        object_id=207550815,
    )


async def _delete(session: Session) -> None:
    target = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT9001"}
    session.person("Take CONTACT9001 off again. (And then thinks better of it.)")
    session.person_will(lambda _: DECLINE)
    await session.call("delete_external_id_mapping", "Nothing was changed", **target)
    session.person("No, do take it off.")
    session.person_will(lambda _: AGREE)
    await session.call("delete_external_id_mapping", {}, **target)
    await session.call("resolve_external_ids", {"missing": ["CONTACT9001"]}, external_ids=["CONTACT9001"])


def _tell_cost(session: Session, first: dict[str, int], last: dict[str, int]) -> None:
    spent = first.get("points_left", 0) - last.get("points_left", 0) + first.get("points_spent", 0)
    session.person(f"So {spent} API points of the team's 600 a minute. Thank you.")
