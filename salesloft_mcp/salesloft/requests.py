"""Pure, on the way down: what to ask becomes a path, a query and a body. Nothing here awaits.

Guide: "Mapping External Identifiers", https://developers.salesloft.com/docs/platform/guides/mapping-external-identifiers/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

from salesloft_mcp import errors
from salesloft_mcp.salesloft.fields import NO_TEXT
from salesloft_mcp.salesloft.models import OBJECT_TYPES, ObjectType, Scope
from salesloft_mcp.salesloft.models import Mapping as MappingRow
from salesloft_mcp.salesloft.rights import READ_MAPPINGS, Right, reads
from salesloft_mcp.text import quoted

MAX_EXTERNAL_ID = 1_024
MAX_EXTERNAL_TYPE = 255
MAX_IDS_A_CALL = 100
MAX_QUERY_BYTES = 6_000
PAGE_SIZE = 100

# "3, 8, 10, from 501 on 30" points: past each of these pages, so many more than before.
DEEPER = ((100, 2), (150, 5), (250, 2), (500, 20))

Method = Literal["GET", "POST", "DELETE"]
Query = tuple[tuple[str, str], ...]
COUNTS: Query = (("include_paging_counts", "true"), ("limit_paging_counts", "false"))  # else they stop at 10,000
EVERYBODY: Query = (("visible_only", "false"),)  # users who are deactivated are hidden otherwise
# These select by whether there is a value at all: a search for such a text would find everybody who has none.
NULL, NOT_NULL = "_is_null", "_is_not_null"
MAGIC = frozenset({NULL, NOT_NULL, "null", "_unmapped"})
# What is meant as a command. Nobody can be looked for by such a CRM id: whoever takes one in refuses it.
_COMMANDS: Query = (("crm_id[]", NULL), ("crm_id[]", NOT_NULL))
OLDEST_FIRST: Query = (("sort_by", "id"), ("sort_direction", "ASC"))
NEWEST_FIRST: Query = (("sort_by", "id"), ("sort_direction", "DESC"))  # the usual order; the guide prints another


_ALWAYS_THERE = frozenset(
    f"/v2/{name}" for name in ("me", "team", *OBJECT_TYPES, "external/configurations", "external/mappings")
)


@dataclass(frozen=True, slots=True)
class Request:
    """One call to Salesloft: `path` is percent-encoded already and begins with /v2; `scopes` are what it needs."""

    method: Method
    path: str
    query: Query = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    scopes: tuple[Right, ...] = ()

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def name(self) -> str:
        """Method and path for people: no query and no body, which may hold personal data."""
        return f"{self.method} {self.path}"

    @property
    def always_there(self) -> bool:
        """Whether Salesloft has this whatever the data: a list, or whose the token is."""
        return self.method == "GET" and self.path in _ALWAYS_THERE

    @property
    def page(self) -> int:
        """Which page of a list is asked for."""
        return int(dict(self.query).get("page", "1"))

    @property
    def target(self) -> str:
        """The path with its query, as it goes over the wire."""
        query = urlencode(self.query, quote_via=quote, errors="surrogatepass")
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class MappingFilter(Scope):
    """Which mappings are asked for. What is empty or None does not narrow."""

    external_id: str = ""
    object_id: int | None = None
    deleted: bool | None = None

    @property
    def sent(self) -> "MappingFilter":
        """What Salesloft is asked to filter by. The guide says `people` and the reference shows `person`, so with an
        external id, which leaves few rows, the object type is only compared here."""
        return replace(self, object_type=None) if self.external_id else self

    def query(self, object_type: str = "") -> Query:
        """The filters that narrow, spelled as Salesloft wants them; `object_type` is another word for that.

        An external id is not checked here: a look-up may ask for thousands, and whoever takes them in has checked them.
        """
        words = (
            ("external_type", self.external_type and checked("external_type", self.external_type, MAX_EXTERNAL_TYPE)),
            ("external_id", self.external_id),
            ("object_type", object_type or self.object_type or ""),
            ("object_id", "" if self.object_id is None else str(self.object_id)),
            ("deleted", "" if self.deleted is None else str(self.deleted).lower()),
        )
        return tuple((name, word) for name, word in words if word)

    def fits(self, row: MappingRow) -> bool:
        """Whether `row` is one that was asked for; ids are compared byte by byte."""
        return row in self and self.external_id in ("", row.external_id) and self.object_id in (None, row.object_id)


def page_points(page: int) -> int:
    """What a list page costs: 1 point, and more past page 100."""
    return 1 + sum(more for above, more in DEEPER if page > above)


def checked(name: str, value: str, limit: int = MAX_EXTERNAL_ID) -> str:
    """`value` as it is, or a refusal: ids are byte-exact, so nothing is trimmed, folded or normalised.

    Raises:
        InputError: empty, a dot segment, a control character, half a surrogate pair, or over `limit` characters.
    """
    if not value:
        raise errors.InputError(name, "is empty.", next_step="give it exactly as your own system holds it.")
    if value in (".", ".."):
        raise errors.InputError(name, "cannot be a path step such as '.' or '..'.", next_step="check the id.")
    if len(value) > limit:
        raise errors.InputError(name, f"has {len(value)} characters; at most {limit} are allowed.")
    if found := NO_TEXT.search(value):
        what = f"has a character that cannot be sent (code {ord(found[0])}, at position {found.start()})."
        if "\n" in value.strip():  # ids that were copied from a column
            what = "has a character that cannot be sent, a line break: one id is one text, and several are a list."
        raise errors.InputError(name, what, next_step="remove it; spaces and other characters are kept as they are.")
    return value


def segment(name: str, value: str, limit: int = MAX_EXTERNAL_ID) -> str:
    """One path segment. Dots pass `quote` untouched and would be folded by the client, so `checked` comes first."""
    return quote(checked(name, value, limit), safe="")


def objects(object_type: ObjectType, filters: Query, page: int, per_page: int, counts: bool = False) -> Request:
    """People, accounts or users by their own fields, `filters` being Salesloft's parameters and their values.

    Raises:
        InputError: a value that cannot be sent, is a command to Salesloft, or is no time where one is due.
    """
    for name, value in filters:
        if (name, value) not in _COMMANDS:
            _check_filter(name, value)
    query = paged((*filters, *_visible(object_type)), page, per_page) + (COUNTS if counts else ())
    return Request("GET", f"/v2/{object_type}", query, scopes=(reads(object_type),))


def records(
    external_type: str, object_type: ObjectType, external_ids: Sequence[str], page: int, most: int = MAX_IDS_A_CALL
) -> Request:
    """The objects behind external ids: a list of 25 a page, unless more are asked for.

    Raises:
        InputError: more ids than one call takes, which are `most`.
    """
    ids = enumerate(external_ids, 1)
    query = tuple((f"external_ids[{number}]", checked("external_ids", value)) for number, value in ids)
    query = paged(query + _visible(object_type), page, PAGE_SIZE)
    scopes = (READ_MAPPINGS, reads(object_type))
    ask = Request("GET", ids_path(external_type, object_type), query, scopes=scopes)
    if len(external_ids) > most or len(ask.target) > MAX_QUERY_BYTES:
        raise errors.InputError("external_ids", f"at most {most} ids (6 kB) fit one call.")
    return ask


def is_magic(value: str) -> bool:
    """Whether Salesloft would take this for a command instead of a value to search for."""
    return value.strip().casefold() in MAGIC


def is_moment(text: str) -> bool:
    """Whether this is a time. Salesloft can answer 500 to a filter by something else."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def ids_path(external_type: str, object_type: ObjectType) -> str:
    """Where the objects behind external ids are."""
    return f"/v2/external/ids/{segment('external_type', external_type, MAX_EXTERNAL_TYPE)}/{object_type}"


def paged(filters: Query, page: int, per_page: int) -> Query:
    """`filters`, and which page is asked for: a list of users is not paged at all otherwise."""
    return (*filters, ("per_page", str(per_page)), ("page", str(page)))


def _visible(object_type: ObjectType) -> Query:
    return EVERYBODY if object_type == "users" else ()


def _check_filter(name: str, value: str) -> None:
    bare = name.removesuffix("[]")
    bare = bare if bare.isidentifier() else quoted(bare, 40)  # a custom field has a name of others
    checked(bare, value)
    if is_magic(value):
        what = f"{quoted(value)} is a command to Salesloft, so nobody can be found by it."
        raise errors.InputError(bare, what, next_step="search by another field.")
    if name.startswith(("updated_at[", "created_at[")) and not is_moment(value):
        what = f"{quoted(value)} is no time such as 2026-01-31T09:30:00+00:00."
        raise errors.InputError(bare, what, next_step="correct it.")
