"""Pure: one row of input becomes an external id and a way to find its record, or a reason why it cannot."""

import json
from collections.abc import Mapping

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import values
from salesloft_mcp.intake.heads import EXTERNAL_ID, Wanted
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.intake.tables import Fields, Invalid
from salesloft_mcp.intake.values import Key
from salesloft_mcp.lookups.objects import BY, By
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.staging import NewRow

SHOWN_ID = 1_024  # characters of an id or a key that is refused


# The columns of a backfill. `id` alone is none of them: it may be anybody's.
_OWN_IDS: dict[ObjectType, str] = {"people": "person_id", "accounts": "account_id", "users": "user_id"}
BACKFILL: dict[ObjectType, Wanted] = {
    object_type: Wanted(
        names=frozenset({EXTERNAL_ID, *keys}),
        aliases={
            "salesloft_id": "object_id",
            _OWN_IDS[object_type]: "object_id",
            **({"email_address": "email"} if "email" in keys else {}),
        },
        keys=keys,
    )
    for object_type, keys in BY.items()
}


def id_of(fields: Fields | Invalid) -> tuple[str, str]:
    """The external id of a row, and the problem that rules the row out. Nothing is trimmed: ids are byte-exact."""
    if isinstance(fields, Invalid):
        return fields.external_id, fields.problem
    given = fields.get(EXTERNAL_ID)
    if given is None:
        return "", f"{EXTERNAL_ID}: is missing."
    try:
        return values.external_id(given), ""
    except InputError as error:
        return shown(given), error.what


def shown(given: object) -> str:
    """What was given, as a report holds it. Half a surrogate pair, which JSON can spell, is no text for a database."""
    text = json.dumps(given, ensure_ascii=False, default=str) if isinstance(given, dict | list) else str(given)
    return text[:SHOWN_ID].encode("utf-8", "backslashreplace").decode()


def given(cells: Mapping[str, object]) -> str:
    """Cells as they came, as JSON; nothing where there are none."""
    return json.dumps({name: shown(value) for name, value in cells.items()}, ensure_ascii=False) if cells else ""


def unreadable(line: int, external_id: str, problem: str) -> NewRow:
    """A row of which nothing is known but its external id: it may say anything else of it than another row."""
    return NewRow(line, external_id, fields="{}", verdict="invalid", note=problem)


def row_of(line: int, fields: Fields | Invalid, aim: Aim) -> NewRow:
    """Check one row of a backfill by itself."""
    external_id, problem = id_of(fields)
    if problem or isinstance(fields, Invalid):
        return unreadable(line, external_id, problem)
    try:
        keys = _keys(fields, aim.object_type)
    except InputError as error:
        name, ref = next(((one, value) for one in BY[aim.object_type] if (value := fields.get(one))), ("", ""))
        return identified(line, external_id, name, shown(ref))._replace(verdict="invalid", note=error.what)
    (by, key), *others = keys
    row = identified(line, external_id, by, key.text)
    if not others and not key.taken:
        return row
    taken = "; ".join(told for name, one in keys if (told := one.told(name)))
    came = given({name: fields.get(name) for name, one in keys if one.taken})
    return row._replace(taken=taken, given=came, also=[(name, one.text) for name, one in others])


def identified(line: int, external_id: str, by: str = "", ref: str = "") -> NewRow:
    """A row with what its external id tells by itself, and how it names its record."""
    family, spelling = values.form(external_id)
    near, doubt = near_key(external_id), values.suspicious(external_id)
    return NewRow(line, external_id, by, ref, near=near, family=family, spelling=spelling, doubt=doubt)


def _keys(fields: Fields, object_type: ObjectType) -> list[tuple[By, Key]]:
    """By what a row names its record, and the values: one is enough, and several have to name the same record."""
    given = [(by, value) for by in BY[object_type] if (value := fields.get(by)) not in (None, "")]
    if not given:
        raise InputError("row", f"needs one of {', '.join(BY[object_type])}.")
    return [(by, _key(by, value, object_type)) for by, value in given]


def _key(by: By, value: object, object_type: ObjectType) -> Key:
    match by:
        case "email":
            return values.email(value)
        case "domain":
            return values.domain(value)
        case "crm_id":
            return values.crm_id(value, object_type)
        case "object_id":
            return values.object_id(value)
