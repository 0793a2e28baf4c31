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
from salesloft_mcp.intake.characters import is_blank
from salesloft_mcp.intake.heads import EXTERNAL_ID, Wanted
from salesloft_mcp.intake.json_rows import Number
from salesloft_mcp.intake.kinds import not_text
from salesloft_mcp.intake.tables import Fields, Invalid
from salesloft_mcp.lookups.known_records import EMAILS, UNIQUE, UNIQUE_BY, compared
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.staging import NewRow
from salesloft_mcp.text import quoted, whole_number
from salesloft_mcp.validation import problems

GIVEN: dict[ObjectType, type[Given]] = {"people": GivenPerson, "accounts": GivenAccount}
KEYS = ("domain", *EMAILS, "crm_id")
_PARTS = {"account", "owner"}  # named by their external ids, in a column for each part
_FLAGS = {"do_not_contact", "eu_resident", "archived"}
_LISTS = {"tags", "contact_restrictions", "clear"}
_TRUE = ("true", "yes", "y", "t", "1", "wahr", "ja", "vrai", "oui")  # spreadsheets write these in their language
_FALSE = ("false", "no", "n", "f", "0", "falsch", "nein", "faux", "non")
_AROUND = re.compile(r"\A\s+|\s+\Z")
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
    given = {
        shown(name): shown(value) for name, value in fields.items() if name != EXTERNAL_ID and value not in (None, "")
    }
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
        if isinstance(value, float | Number) and not str(value).strip("-")[:1].isdecimal():  # NaN, and what is infinite
            raise InputError(name, not_text(value, "a whole number" if name.endswith("_id") else "text"))
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
    """An account or an owner. In a table its type is that of the row unless a column says so; where it has nothing else
    it is absent, and what it has in place of an external id is not.
    """
    if not isinstance(value, dict):
        what = f"is named by {name}.external_id, and by {name}.external_type where its type is another."
        raise InputError(name, what, next_step="leave the column out.")
    given = {one: inner for one, inner in value.items() if inner is not None and not is_blank(str(inner))}
    return {"external_type": aim.external_type, **given} if given.keys() - {"external_type"} else None


def _typed(name: str, value: object) -> object:
    """A cell is text, whatever its column holds."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in KEYS:
        return _AROUND.sub(" ", value)  # line ends and tabs around a key are spaces as others are
    if name in _LISTS:
        return _listed(name, text)
    if name in _FLAGS:
        return _WORDS.get(text.lower(), value)
    number = whole_number(text) if name.endswith("_id") and name != "crm_id" else None
    return value if number is None else number


def _listed(name: str, text: str) -> list[str]:
    """What a cell lists, between commas or semicolons, or as a list of texts in JSON."""
    if not text.startswith(("[", "{")):
        return [part.strip() for part in re.split("[;,]", text) if part.strip()]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return found
    what = f"{quoted(text, 40)} looks like a list or an object as a program prints it."
    raise InputError(name, what, next_step="separate the values by commas or semicolons.")
