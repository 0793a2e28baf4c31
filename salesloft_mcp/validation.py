"""What pydantic finds wrong with what came in, in words and without repeating a value."""

from datetime import date, time
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from salesloft_mcp.text import did_you_mean, quoted

SHOWN_PROBLEMS = 3
_WORDS = {
    "missing": "is required.",
    "bool_type": "must be true or false.",
    "int_type": "must be a whole number.",
    "list_type": "must be a list.",
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
        return f"{name} is not known here: {did_you_mean(str(loc[-1]), _names_at(loc, model))}"
    # A model may write anything as a key of an object, so the names that are not ours are quoted.
    known = {*model.model_fields, *_names_at((*loc[:1], ""), model)}
    name = ".".join(str(part) if isinstance(part, int) or part in known else quoted(part, 40) for part in loc)
    if kind == "literal_error":
        message = f"must be {message.removeprefix('Input should be ')}.".replace("'", "")
    if kind == "string_type":
        message = _no_text(problem["input"])
    words = _WORDS.get(kind, "").format(**problem.get("ctx", {})) or message.removeprefix("Value error, ")
    return f"{name}: {words}"


def _no_text(value: object) -> str:
    match value:
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
