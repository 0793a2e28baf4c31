"""A column of two hundred clean ids gives no suspicion: each false alarm costs the trust in all others."""

import base64
import random
import string
import uuid
from collections.abc import Callable

import pytest

from salesloft_mcp.intake.near import near_key, salesforce_18
from salesloft_mcp.intake.values import form, suspicious

COUNT = 200
LETTERS_AND_DIGITS = string.ascii_letters + string.digits
PLAIN: dict[str, Callable[[random.Random], str]] = {
    "GUIDs": lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "GUIDs in braces": lambda chance: f"{{{uuid.UUID(int=chance.getrandbits(128), version=4)}}}".upper(),
    "Salesforce, 15": lambda chance: "0035g00000" + "".join(chance.choices(LETTERS_AND_DIGITS, k=5)),
    "Salesforce, 18": lambda chance: salesforce_18("0035g00000" + "".join(chance.choices(LETTERS_AND_DIGITS, k=5))),
    "MongoDB": lambda chance: f"{chance.getrandbits(96):024x}",
    "PayPal": lambda chance: f"{chance.randrange(100)}{chance.choice('AEX')}{chance.randrange(10**14):014d}",
    "Stripe": lambda chance: "cus_" + "".join(chance.choices(LETTERS_AND_DIGITS, k=14)),
    "nanoid": lambda chance: "".join(chance.choices(LETTERS_AND_DIGITS + "-_", k=21)),
    "base64": lambda chance: base64.b64encode(chance.randbytes(10)).decode(),
    "snowflake": lambda chance: str(chance.randrange(10**14) << 12 | chance.randrange(4_096)),
    "Zoho": lambda chance: f"48768760000{chance.randrange(10**8):08d}",
    "SAP": lambda chance: f"0000{chance.randrange(100_000, 1_000_000)}",
    "HubSpot": lambda chance: str(chance.randrange(10**8, 10**10)),
    "years and numbers": lambda chance: f"2024-{chance.randrange(1, 10_000):04d}",
    "VAT": lambda chance: f"DE{chance.randrange(10**8, 10**9)}",
    "phones": lambda chance: f"+1 (404) 555-{chance.randrange(10_000):04d}",
    "names in a directory": lambda chance: f"CN=Kat {chance.randrange(10**6)},OU=Sales,DC=x,DC=test",
    "addresses": lambda chance: f"Kat.{chance.randrange(10**6)}@x.test",
    "URLs": lambda chance: f"https://x.test/contacts/{chance.randrange(10**6)}?a=b&c=d",
    "two parts": lambda chance: f"ACME|{chance.randrange(10**6)}",
    "Cyrillic": lambda chance: f"ДОГ-{chance.randrange(10**6)}",
    "words": lambda chance: "".join(chance.choices(string.ascii_lowercase, k=8)),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_clean_column_has_no_suspicious_id(kind: str) -> None:
    chance = random.Random(kind)  # the same in each run
    column = {PLAIN[kind](chance) for _ in range(COUNT)}
    assert [one for one in column if suspicious(one)] == []
    spelled = {form(one) for one in column}
    assert len({family for family, _ in spelled}) == len(spelled)  # each family in one spelling
    assert len({near_key(one) for one in column}) == len(column)
