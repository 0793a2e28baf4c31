"""The nearest right name for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 12


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ "did you mean email_address?", or what there is when nothing is near."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    more = ", …" if len(names) > SHOWN else ""
    return f"there are {', '.join(names[:SHOWN])}{more}." if names else "there are none."
