"""Records by what Salesloft itself knows of them.

"Unknown filter names are silently ignored, so a typo lists everything": every row is held against the question.
"""

from dataclasses import dataclass

from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, Page, Record


@dataclass(frozen=True, slots=True)
class Term:
    """One way to search: Salesloft's parameter, and the fields of a row that must then hold the value."""

    parameter: str
    fields: tuple[str, ...]
    whole: bool = True

    def fits(self, record: Record, value: str) -> bool:
        """Whether the row holds what was asked for. Salesloft compares these without regard to case."""
        held = [str(getattr(record, name, None) or "").casefold() for name in self.fields]
        return (
            value.casefold() in held if self.whole else all(word in " ".join(held) for word in value.casefold().split())
        )


_EMAILS = ("email_address", "secondary_email_address", "personal_email_address")
_CRM_ID = Term("crm_id[]", ("crm_id",))
_USER = Term("search", ("name", "first_name", "last_name", "email"), whole=False)
TERMS: dict[ObjectType, dict[str, Term]] = {
    "people": {"email": Term("email_addresses[]", _EMAILS), "crm_id": _CRM_ID},
    "accounts": {"name": Term("name[]", ("name",)), "domain": Term("domain", ("domain",)), "crm_id": _CRM_ID},
    "users": {"name": _USER, "email": _USER},
}


async def search(
    api: Salesloft, object_type: ObjectType, terms: dict[str, str], *, page: int = 1, per_page: int = 25
) -> Page[Record]:
    """One page of the records that hold every term; the names of terms are those of `TERMS[object_type]`.

    Raises:
        BrokenAnswerError: records that were not asked for, on a list that does not end with this page.
    """
    known = TERMS[object_type]
    filters = tuple((known[name].parameter, value) for name, value in terms.items())
    found = await api.list_objects(object_type, filters, page=page, per_page=per_page)
    rows = tuple(row for row in found.rows if all(known[name].fits(row, value) for name, value in terms.items()))
    if len(rows) < len(found.rows) and found.next_page is not None:
        what = f"Salesloft answered with {object_type} that were not asked for, so a filter does not work."
        raise BrokenAnswerError(what, request=f"GET /v2/{object_type}", next_step="tell Salesloft's support.")
    return Page(rows, found.next_page, found.total)
