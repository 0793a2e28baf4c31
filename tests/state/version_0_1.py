"""A state file as version 0.1.0 wrote it, with lines of every kind."""

import json
import sqlite3
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

HERE, LIVE = "SANDBOX", "https://api.salesloft.com"
LEAD = ("crm_lead", "people")
# As they stand in the sandbox, so that a change of them can be undone there.
FIRST, SECOND = "CONTACT1001", "CONTACT1002"
ANN, BEN = 207550001, 207550002
MAPPING = {
    "id": 5007,
    "tenant_id": 100013,
    "object_type": "people",
    "object_id": ANN,
    "external_type": "crm_lead",
    "external_id": FIRST,
    "inserted_at": "2024-03-01",
    "deleted": False,
}
CONFIGURATION = {
    "id": 226,
    "external_type": "crm_lead",
    "object_type": "people",
    "source_type": None,
    "source_id": None,
    "deleted": False,
}
PERSON = {"id": ANN, "title": "CFO", "email_address": "a@b.test", "owner": {"id": 4}, "custom_fields": {"A": "1"}}

Line = dict[str, Any]


def line(tool: str, external_id: str, object_id: int | None, outcome: str, **more: Any) -> Line:
    """A line of the old table."""
    return {
        "at": 1_750_000_000.0,
        "environment": HERE,
        "who": "local",
        "tool": tool,
        "external_type": LEAD[0],
        "object_type": LEAD[1],
        "external_id": external_id,
        "object_id": object_id,
        "confirmed": "",
        "outcome": outcome,
        "before": None,
        "after": None,
        "undoes": None,
        **more,
    }


# Their numbers go from 1 on.
LINES: Sequence[Line] = (
    line("create_external_id_mapping", FIRST, ANN, "created", after=MAPPING),
    line("delete_external_id_mapping", "B", ANN, "deleted", before={**MAPPING, "external_id": "B"}, confirmed="yes"),
    line("create_external_id_configuration", "", None, "created", after=CONFIGURATION),
    line("delete_external_id_configuration", "", None, "deleted", before=CONFIGURATION, confirmed="yes"),
    line("upsert_person_by_external_id", "C", ANN, "updated", before=PERSON, after={**PERSON, "title": "COO"}),
    line("upsert_person_by_external_id", SECOND, BEN, "created", after={**PERSON, "id": BEN}),
    line("create_external_id_mapping", "E", ANN, "unchanged", after=MAPPING),
    line("create_external_id_mapping", "F", ANN, "failed"),
    line("create_external_id_mapping", "G", ANN, "intended"),
    line("delete_external_id_mapping", "H", ANN, "unknown", before=MAPPING),
    line("run_backfill 1a2b3c4d", "I", 11, "created"),
    line("undo_change", FIRST, ANN, "deleted", before=MAPPING, undoes=1, confirmed="yes"),
    line("run_backfill 1a2b3c4d", "J", 12, "unchanged"),
    line("run_backfill 9f9f9f9f", "K", 13, "created"),
    line("run_backfill 1a2b3c4d", "I", 11, "created", environment=LIVE),
    line("undo_change", "I", 11, "deleted", before={**MAPPING, "external_id": "I", "object_id": 11}, undoes=11),
    line("upsert_person_by_external_id", "L", 9, "intended"),
    line("undo_change", "C", ANN, "updated", before={**PERSON, "title": "COO"}, after=PERSON, undoes=5),
    line("run_backfill 1a2b3c4d", "M", 14, "failed"),
)
SAVED = (("saved 1", 21, False), ("saved 2", 22, True))  # of the configuration that was deleted


def write_old_file(directory: Path, *, early: bool = False) -> None:
    """The file; an `early` one has no column that says what was undone."""
    directory.mkdir()
    script = files("salesloft_mcp.state").joinpath("first_tables.sql").read_text(encoding="utf-8")
    with sqlite3.connect(directory / "state.db") as db:
        db.executescript(script)
        for one in LINES:
            values = [json.dumps(value) if isinstance(value, dict) else value for value in one.values()]
            db.execute(f"INSERT INTO changes ({', '.join(one)}) VALUES ({', '.join('?' * len(one))})", values)
        db.executemany("INSERT INTO saved_mappings VALUES (4, ?, ?, ?)", SAVED)
        db.execute(
            "INSERT INTO approvals VALUES ('a1', 'SANDBOX', 't', 'Delete?', 'digest', NULL, 0, NULL, NULL, NULL)"
        )
        if early:
            db.execute("DROP INDEX changes_by_undone")
            db.execute("ALTER TABLE changes DROP COLUMN undoes")
    db.close()
