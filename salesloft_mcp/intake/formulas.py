"""Pure: text that a spreadsheet would run as a formula, made harmless on the way out and restored on the way in."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
REPORT_HEADS = frozenset({"line", "external_id", "plan", "outcome"})  # a file with these is a report of a plan


def formula_safe(cell: str) -> str:
    """Put a quote before a cell that a spreadsheet would run, or that would lose one of its own on the way back."""
    return f"'{cell}" if _runs(cell) else cell


def unformula(cell: str) -> str:
    """Take off the quote that a report puts before a cell a spreadsheet would run."""
    return cell[1:] if cell.startswith("'") and _runs(cell) else cell


def _runs(cell: str) -> bool:
    return cell.lstrip("'").startswith(FORMULA_STARTS)
