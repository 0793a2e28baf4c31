"""Pure: what is told of a value that is no text where text is needed: files and programs give values of many types."""

from collections.abc import Mapping
from datetime import date, time, timedelta

from salesloft_mcp.intake.json_rows import Number

_ZEROS = "a number may have lost leading zeros."
_MADE = "a program made it of what stood there. Make the column text in the source, and fill it in anew."


def not_text(value: object, wanted: str = "text") -> str:
    """Of what kind a value is that is not what is `wanted`, and how that is mended, in words that follow a field."""
    match value:
        case None:
            return "is missing."
        case bool():
            return f"is true or false, not {wanted}."
        case int():
            return f"must be text; {_ZEROS}" if wanted == "text" else f"is a number, not {wanted}."
        case float() | Number():
            return _number(str(value), wanted)
        case date():
            return f"is a date, not {wanted}: {_MADE}"
        case time():
            return f"is a time, not {wanted}: {_MADE}"
        case timedelta():
            return f"is a duration, not {wanted}: {_MADE}"
        case bytes():
            return f"is bytes, not {wanted}: decode it in the source."
        case Mapping():
            return f"is an object, not {wanted}: give one of its values."
        case list() | tuple() | set():
            return f"is a list, not {wanted}: give each of its values in a row of its own."
    return f"is a value of the type {type(value).__name__}, not {wanted}."


def _number(written: str, wanted: str) -> str:
    if written.lower() == "nan":
        return f"is NaN, which stands for no value, not {wanted}: leave it out in the source."
    if "inf" in written.lower():
        return f"is an infinite number, not {wanted}."
    if written.lstrip("-").isdigit():
        return not_text(0, wanted)
    if wanted == "text":
        return f"is a number with a fraction or an exponent, not text; {_ZEROS}"
    return f"is a number with a fraction or an exponent, not {wanted}: make it text or a whole number in the source."
