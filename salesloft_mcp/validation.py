"""What pydantic finds wrong with what came in, in words and without repeating a value."""

from datetime import date, time
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from salesloft_mcp.text import did_you_mean, quoted

SHOWN_PROBLEMS = 3
FEW_NAMES = 3
# What other systems call the kinds of record. A model that meant one of them is told which it is, and decides.
_KINDS = {
    **dict.fromkeys(("contact", "lead", "prospect"), "contacts and leads are people"),
    **dict.fromkeys(("company", "companie", "organization", "organisation"), "companies are accounts"),
    **dict.fromkeys(("rep", "owner", "member", "seller"), "owners and sellers are users"),
}
_WORDS = {
    "missing": "is required.",
    "bool_type": "must be true or false.",
    "int_type": "must be a whole number.",
    "list_type": 'must be a list, such as ["a", "b"].',
    "dict_type": "must be an object.",
    "model_type": "must be an object.",
    "too_short": "must have at least {min_length} of them.",
    "too_long": "may have at most {max_length} of them; send the rest in another call.",
    "string_too_long": "may have at most {max_length} characters.",
    "greater_than_equal": "must be at least {ge}.",
    "less_than_equal": "may be at most {le}.",
}


def problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """What is wrong, field by field, with what was read into `model`: the first three, each once."""
    found = error.errors(include_url=False, include_context=True)
    return list(dict.fromkeys(_problem(one, model) for one in found))[:SHOWN_PROBLEMS]


def _problem(problem: ErrorDetails, model: type[BaseModel]) -> str:
    kind, loc, message = problem["type"], problem["loc"], problem["msg"]
    if kind == "extra_forbidden":
        name = quoted(".".join(map(str, loc)))
        if within := _within(str(loc[-1]), model) if len(loc) == 1 else "":
            return f"{name} is not known here: did you mean {within}?"
        return f"{name} is not known here: {did_you_mean(str(loc[-1]), _names_at(loc, model))}"
    # A model may write anything as a key of an object, so the names that are not ours are quoted.
    known = {*model.model_fields, *_names_at((*loc[:1], ""), model)}
    name = ".".join(str(part) if isinstance(part, int) or part in known else quoted(part, 40) for part in loc)
    if kind == "literal_error":
        message = _one_of(problem, model)
    if kind in ("model_type", "dict_type") and 0 < len(names := _names_at((*loc, ""), model)) <= FEW_NAMES:
        return f"{name}: must be an object with {' and '.join(names)}."
    if kind == "string_type":
        message = _no_text(problem["input"])
    words = _WORDS.get(kind, "").format(**problem.get("ctx", {})) or message.removeprefix("Value error, ")
    return f"{name}: {words}"


def _one_of(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """What may stand there; of an argument, that it may be left out. A model that gave the right value in a list does
    not see it."""
    allowed = problem["msg"].removeprefix("Input should be ").replace("'", "")
    field = model.model_fields.get(str(problem["loc"][0])) if len(problem["loc"]) == 1 else None
    no_list = ", not a list" if isinstance(problem["input"], list) else ""
    left_out = "" if field is None or field.is_required() else ", or be left out"
    given = problem["input"].strip().lower() if isinstance(problem["input"], str) else ""
    kind = _KINDS.get(given.removesuffix("s"), "") if "people" in allowed else ""
    return f"must be {allowed}{no_list}{left_out}{kind and f'; {kind}'}."


def _within(name: str, model: type[BaseModel]) -> str:
    """Where a name belongs that is known inside one of the arguments, such as `person.title`; empty for no such one."""
    found = [one for one in model.model_fields if name in _names_at((one, ""), model)]
    return f"{found[0]}.{name}" if found else ""


def _no_text(value: object) -> str:
    match value:
        case None:
            return "must be text, not null."
        case bool():
            return "must be text, not true or false."
        case list():
            return "must be text, not a list."
        case dict():
            return "must be text, not an object."
        case date() | time():
            return "must be text, not a date or a time, which a program made of what stood there."
    return "must be text in quotes; a number may have lost leading zeros."


def _names_at(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The names that are known where `loc` points: those of the model, or of one inside it."""
    for part in loc[:-1]:
        field = model.model_fields.get(str(part))
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))  # "this or null" is a union
        inner = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)
