"""How one Salesloft speaks where its documents disagree, as far as somebody has looked. Pure.

A look may be old, so what it saw decides only what is asked first. No answer is believed for it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from salesloft_mcp.salesloft.models import SINGULAR, ObjectType
from salesloft_mcp.salesloft.requests import MAX_IDS_A_CALL

# What a look may have seen of each, by the name of the check.
OBJECT_TYPE_FILTER, MAPPING_ID, SAME_MAPPING = "object-type-filter", "mapping-id", "same-mapping-again"
IDS_A_CALL = "hundred-ids"
BOTH_WORDS, ONLY_PLURAL, ONLY_SINGULAR, NEITHER_WORD, IGNORED = (
    "both words",
    "only the plural",
    "only the singular",
    "neither word",
    "it is ignored",
)
IN_EVERY_ROW, IN_NO_ROW = "in every row", "in no row"

_FILTERS: dict[str, Literal["singular", "none"]] = {ONLY_SINGULAR: "singular", NEITHER_WORD: "none", IGNORED: "none"}
# "at least 50, and not 100": so many external ids one call takes, of as many as were tried.
FEWER_IDS = {f"at least {number}, and not {MAX_IDS_A_CALL}": number for number in (50, 25, 10, 1)}
_USUAL_REFUSALS = frozenset({400, 401, 403, 404, 422, 429})


@dataclass(frozen=True, slots=True)
class Spellings:
    """`object_type` is the word that mappings are filtered by, `none` where the filter is of no use.

    `duplicate` is the status of a refusal that is none anywhere else, by which a mapping is told to be there already; 0
    where it is one of the usual. `ids_a_call` is how many external ids one look-up of records takes.
    """

    object_type: Literal["plural", "singular", "none"] = "plural"
    shows_mapping_ids: bool = True
    duplicate: int = 0
    ids_a_call: int = MAX_IDS_A_CALL

    @classmethod
    def of(cls, seen: Mapping[str, str]) -> "Spellings":
        """From what was seen, by the name of the check; what is not known is as the guide has it."""
        status = seen.get(SAME_MAPPING, "").split(" ")[0]
        refused = int(status) if status.isdecimal() and len(status) == len("409") else 0
        return cls(
            _FILTERS.get(seen.get(OBJECT_TYPE_FILTER, ""), "plural"),
            seen.get(MAPPING_ID) != IN_NO_ROW,
            refused if 300 <= refused < 500 and refused not in _USUAL_REFUSALS else 0,
            FEWER_IDS.get(seen.get(IDS_A_CALL, ""), MAX_IDS_A_CALL),
        )

    def words(self, object_type: ObjectType | None) -> tuple[str, ...]:
        """The words to filter by, each of which is asked for only where the one before finds nothing."""
        if object_type is None or self.object_type == "none":
            return ("",)
        return (SINGULAR[object_type], object_type) if self.object_type == "singular" else (object_type,)


AS_THE_GUIDE = Spellings()
