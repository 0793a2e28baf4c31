"""What real teams hold and few expect, switched on by name. The ordinary team is plain.

The first of these names are about what stands in records. Each other one is an assumption that Salesloft documents
nowhere, or where its documents disagree, and a sandbox in which that alone is otherwise (see `odd_answers`).
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

from salesloft_mcp.sandbox.store import Condition, Table

Odd = Literal[
    "odd-values",
    "null-rows",
    "hidden-records",
    "ids-in-plain-lists",
    "singular-filter",
    "configuration-status",
    "configuration-source",
    "second-configuration",
    "configuration-filter",
    "mapping-status",
    "object-type-word",
    "inserted-at",
    "tenant-id",
    "same-mapping-again",
    "several-ids",
    "characters",
    "exact-ids",
    "unconfigured-type",
    "missing-object",
    "one-row",
    "no-rows",
    "mapping-id",
    "object-type-filter",
    "unknown-filter",
    "sorting",
    "past-the-end",
    "counts",
    "unmapped-ids",
    "records-without-external-id",
    "array-spelling",
    "records-page-size",
    "hundred-ids",
    "unconfigured-records",
    "slash-in-path",
    "null-words",
    "parts-of-fields",
    "configuration-soft-delete",
    "second-delete",
    "delete-status",
    "soft-delete",
    "list-without-deleted",
    "deleted-filter",
    "deleted-finds-nothing",
    "map-again",
    "mappings-outlive-configuration",
    "metered",
]
ODD: tuple[Odd, ...] = get_args(Odd)

# Numbers in place of text, references without an id, as a GUID and as a number, lists in place of objects.
ODD_VALUES: dict[tuple[str, int], dict[str, Any]] = {
    ("people", 207550002): {
        "title": 7,
        "crm_id": 12345,
        "account": {"id": None},
        "owner": "5a1e510f-0000-4000-8000-000000000005",
        "person_stage": 3,
        "custom_fields": [],
        "tags": None,
    },
    ("accounts", 9002): {"name": 360, "owner": {"id": None, "_href": None}, "custom_fields": [], "counts": []},
    ("users", 14): {"role": {"id": 7}, "name": None, "group": None},
}
# A team may let a token see only what belongs to its own group: here, nothing that user 5 owns.
_NOT_OF_USER_5 = Condition("ifnull(json_extract(fields, '$.owner_id'), 0) <> 5", ())
HIDDEN: dict[Table, Condition] = {"people": _NOT_OF_USER_5, "accounts": _NOT_OF_USER_5}


def shown(table: Table, row: Mapping[str, Any], odd: Collection[Odd]) -> Mapping[str, Any]:
    """A row as it is listed or shown."""
    if "odd-values" in odd and (values := ODD_VALUES.get((table, row.get("id", 0)))):
        return {**row, **values}
    return row
