"""Pure: what has to be written so that a record is again as it was before an update."""

from pydantic import ValidationError

from salesloft_mcp.changes.upsert import value_of
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import Person, Record

Fields = PersonFields | AccountFields


def way_back(before: Record, after: Record, now: Record) -> tuple[Fields, list[str]]:
    """The fields an update changed, with their earlier values, and the names of those that cannot be written back.

    A field that was changed once more since is not touched: somebody meant it.
    """
    model = PersonFields if isinstance(before, Person) else AccountFields
    back: dict[str, object] = {}
    left: list[str] = []
    for name in model.model_fields:
        old, new = value_of(before, name), value_of(after, name)
        if old == new or value_of(now, name) == old:
            continue
        value = _merged(old, new) if name == "custom_fields" else old
        if value_of(now, name) == new and _can_be_written(model, name, value):
            back[name] = value
        else:
            left.append(name)
    return model.model_validate(back), left


def _merged(old: object, new: object) -> object:
    """Custom fields are merged one by one, so those that were added are cleared."""
    was, has = (one if isinstance(one, dict) else {} for one in (old, new))
    return {name: was.get(name) for name in {**was, **has} if was.get(name) != has.get(name)}


def _can_be_written(model: type[Fields], name: str, value: object) -> bool:
    try:
        model.model_validate({name: value})
    except ValidationError:
        return False
    return True
