"""More people than the seed of the sandbox has, so that each row of a large plan can have a person of its own."""

from datetime import UTC, datetime, timedelta

from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.query import stamp

FIRST_OF_CROWD = 300_000_001  # no id of the seed is as high
_BORN = datetime(2022, 1, 1, tzinfo=UTC)


def crowd(sandbox: Sandbox, count: int) -> range:
    """Add so many people, who have nothing but a name and an e-mail; their Salesloft ids."""
    ids = range(FIRST_OF_CROWD, FIRST_OF_CROWD + count)
    rows = [
        {
            "id": one,
            "created_at": stamp(_BORN),
            "updated_at": stamp(_BORN + timedelta(minutes=number)),
            "fields": {"first_name": "Crowd", "last_name": f"{number}", "email_address": email_of(one)},
        }
        for number, one in enumerate(ids)
    ]
    with sandbox.store.transaction():
        sandbox.store.insert_all("people", rows)
    return ids


def email_of(one: int) -> str:
    """The e-mail of a person of the crowd."""
    return f"crowd{one}@crowd.test"
