"""Pure: one row of input becomes an external id and the fields of a person or an account, or a reason why it cannot."""

import json
import re
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from pydantic import JsonValue, ValidationError

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.rows import given as as_given
from salesloft_mcp.bulk.rows import id_of, identified, shown, unreadable
from salesloft_mcp.changes.given import CUSTOM, Given, GivenAccount, GivenPerson, fields_to_write, references
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.heads import EXTERNAL_ID, Wanted
from salesloft_mcp.intake.tables import Fields, Invalid
from salesloft_mcp.lookups.known_records import EMAILS, UNIQUE, UNIQUE_BY, compared
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.staging import NewRow
from salesloft_mcp.text import whole_number
from salesloft_mcp.validation import problems

GIVEN: dict[ObjectType, type[Given]] = {"people": GivenPerson, "accounts": GivenAccount}
KEYS = ("domain", *EMAILS)
_PARTS = {"account", "owner"}  # named by their external ids, in a column for each part
_FLAGS = {"do_not_contact", "eu_resident", "archived"}
_LISTS = {"tags", "contact_restrictions", "clear"}
_TRUE = ("true", "yes", "y", "t", "1", "wahr", "ja", "vrai", "oui")  # spreadsheets write these in their language
_FALSE = ("false", "no", "n", "f", "0", "falsch", "nein", "faux", "non")
_WORDS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}


def _wanted(model: type[Given], **aliases: str) -> Wanted:
    parts = {f"{one}.{part}" for one in _PARTS & set(model.model_fields) for part in ("external_type", "external_id")}
    return Wanted(frozenset({EXTERNAL_ID, *model.model_fields, *parts}), aliases, prefix=CUSTOM)


UPSERT: dict[ObjectType, Wanted] = {
    "people": _wanted(GivenPerson, email="email_address"),
    "accounts": _wanted(GivenAccount),
}


def row_of(line: int, fields: Fields | Invalid, aim: Aim) -> NewRow:
    """Check one row of a bulk upsert by itself."""
    external_id, problem = id_of(fields)
    if problem or isinstance(fields, Invalid):
        return unreadable(line, external_id, problem)
    row, model = identified(line, external_id), GIVEN[aim.object_type]
    try:
        given = model.model_validate(_nested(fields, aim))
        (fields_given, taken), named = fields_to_write(given), references(given)
    except ValidationError as error:
        return _invalid(row, fields, " ".join(problems(error, model)))
    except InputError as error:
        return _invalid(row, fields, error.what)
    body = fields_given.body()
    by, name = UNIQUE_BY[aim.object_type], UNIQUE[aim.object_type]
    ref = compared(aim.object_type, str(body.get(name) or ""))
    refs = {field: list(astuple(key)) for field, key in named.items()}
    parts = given.model_dump(include=_PARTS & given.model_fields_set)  # as they are given, until they are resolved
    others = [(by, other) for one in EMAILS[1:] if (other := compared(aim.object_type, str(body.get(one) or "")))]
    others += [("crm_id", str(body["crm_id"]))] if body.get("crm_id") else []
    row = row._replace(by=by if ref else "", ref=ref, taken="; ".join(taken), also=others)
    if taken:
        came = {one: fields[one] for one in KEYS if body.get(one, fields.get(one)) != fields.get(one)}
        row = row._replace(given=as_given(came))
    return row._replace(fields=dump({**body, **parts}), refs=dump(refs) if refs else "")


def _invalid(row: NewRow, fields: Fields, why: str) -> NewRow:
    """A row that contradicts others of its external id as any does, and whose fields the report shows as they came."""
    given = {name: shown(value) for name, value in fields.items() if name != EXTERNAL_ID and value not in (None, "")}
    return row._replace(verdict="invalid", note=why, fields=dump(given) if given else "")


def dump(body: Mapping[str, JsonValue]) -> str:
    """Fields as they are staged."""
    return json.dumps(dict(body), sort_keys=True, ensure_ascii=False)


def fields_in(text: str) -> dict[str, Any]:
    """Staged fields."""
    return json.loads(text) if text else {}


def _nested(fields: Fields, aim: Aim) -> dict[str, object]:
    """The fields of a table, where `custom_fields.Region` and `account.external_id` have columns of their own."""
    found: dict[str, object] = {}
    for name, value in fields.items():
        outer, dot, inner = name.partition(".")
        if name == EXTERNAL_ID or value in (None, ""):
            continue
        if dot and (name.startswith(CUSTOM) or outer in _PARTS):
            held = found.setdefault(outer, {})
            if not isinstance(held, dict) or inner in held:
                raise InputError(name, "is given twice.", next_step="leave one of them out.")
            held[inner] = value
        elif name not in found:
            found[name] = dict(value) if isinstance(value, Mapping) else _typed(name, value)
        else:
            raise InputError(name, "is given twice.", next_step="leave one of them out.")
    return {name: _part(name, value, aim) if name in _PARTS else value for name, value in found.items()}


def _part(name: str, value: object, aim: Aim) -> object:
    """An account or an owner. In a table its type is that of the row unless a column says so; without an id it is
    absent.
    """
    if not isinstance(value, dict):
        what = f"is named by {name}.external_id, and by {name}.external_type where its type is another."
        raise InputError(name, what, next_step="leave the column out.")
    return {"external_type": aim.external_type, **value} if value.get(EXTERNAL_ID) else None


def _typed(name: str, value: object) -> object:
    """A cell is text, whatever its column holds."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in _LISTS:
        return [part.strip() for part in re.split("[;,]", text) if part.strip()]
    if name in _FLAGS:
        return _WORDS.get(text.lower(), value)
    number = whole_number(text) if name.endswith("_id") and name != "crm_id" else None
    return value if number is None else number
