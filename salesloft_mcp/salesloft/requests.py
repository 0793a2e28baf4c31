"""Pure, on the way down: what to ask becomes a path, a query and a body. Nothing here awaits.

Guide: "Mapping External Identifiers", https://developers.salesloft.com/docs/platform/guides/mapping-external-identifiers/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, urlencode

from salesloft_mcp import errors
from salesloft_mcp.salesloft.fields import NO_TEXT
from salesloft_mcp.salesloft.models import Mapping as MappingRow
from salesloft_mcp.salesloft.models import ObjectType

MAX_EXTERNAL_ID = 1_024
MAX_EXTERNAL_TYPE = 255
MAX_IDS_A_CALL = 100
MAX_IDS_QUERY_BYTES = 6_000
PAGE_SIZE = 100

_DEEP_PAGES = ((500, 30), (250, 10), (150, 8), (100, 3))

Method = Literal["GET", "POST", "DELETE"]
Query = tuple[tuple[str, str], ...]
Scope = tuple[str, ...]  # any of these names will do: the guide's first, then that of the current catalogue
COUNTS: Query = (("include_paging_counts", "true"),)
OLDEST_FIRST: Query = (("sort_by", "id"), ("sort_direction", "ASC"))

_READ_CONFIGURATIONS: Scope = ("external_id_configuration:read",)
_CREATE_CONFIGURATIONS: Scope = ("external_id_configuration:manage", "external_id_configuration:write")
_DELETE_CONFIGURATIONS: Scope = ("external_id_configuration:manage", "external_id_configuration:delete")
_READ_MAPPINGS: Scope = ("external_id:read",)
_WRITE_MAPPINGS: Scope = ("external_id:manage", "external_id:write")
_DELETE_MAPPINGS: Scope = ("external_id:manage", "external_id:delete")
_SINGULAR: dict[ObjectType, str] = {"people": "person", "accounts": "account", "users": "user"}


@dataclass(frozen=True, slots=True)
class Request:
    """One call to Salesloft: `path` is percent-encoded already and begins with /v2; `scopes` are what it needs."""

    method: Method
    path: str
    query: Query = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    scopes: tuple[Scope, ...] = ()

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def name(self) -> str:
        """Method and path for people: no query and no body, which may hold personal data."""
        return f"{self.method} {self.path}"

    @property
    def page(self) -> int:
        """Which page of a list is asked for."""
        return int(dict(self.query).get("page", "1"))

    @property
    def per_page(self) -> int | None:
        """How many rows a page may have, where that was said."""
        found = dict(self.query).get("per_page")
        return int(found) if found else None

    @property
    def target(self) -> str:
        """The path with its query, as it goes over the wire."""
        query = urlencode(self.query, quote_via=quote, errors="surrogatepass")
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class MappingFilter:
    """Which mappings are asked for. What is empty or None does not narrow."""

    external_type: str = ""
    external_id: str = ""
    object_type: ObjectType | None = None
    object_id: int | None = None
    deleted: bool | None = None

    @property
    def sent(self) -> "MappingFilter":
        """What Salesloft is asked to filter by. The guide says `people` and the reference shows `person`, so with an
        external id, which leaves few rows, the object type is only compared here."""
        return replace(self, object_type=None) if self.external_id else self

    def query(self) -> Query:
        """The filters that narrow, spelled as Salesloft wants them.

        An external id is not checked here: a look-up may ask for thousands, and whoever takes them in has checked them.
        """
        words = (
            ("external_type", self.external_type and checked("external_type", self.external_type, MAX_EXTERNAL_TYPE)),
            ("external_id", self.external_id),
            ("object_type", self.object_type or ""),
            ("object_id", "" if self.object_id is None else str(self.object_id)),
            ("deleted", "" if self.deleted is None else str(self.deleted).lower()),
        )
        return tuple((name, word) for name, word in words if word)

    def fits(self, row: MappingRow) -> bool:
        """Whether `row` is one that was asked for; ids are compared byte by byte."""
        return (
            self.external_type in ("", row.external_type)
            and self.external_id in ("", row.external_id)
            and self.object_type in (None, row.object_type)
            and self.object_id in (None, row.object_id)
        )


def page_points(page: int) -> int:
    """What a list page costs: 1 point, and more past page 100 ("3, 8, 10, from 501 on 30")."""
    return next((cost for above, cost in _DEEP_PAGES if page > above), 1)


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
        raise errors.InputError(name, what, next_step="remove it; spaces and other characters are kept as they are.")
    return value


def segment(name: str, value: str, limit: int = MAX_EXTERNAL_ID) -> str:
    """One path segment. Dots pass `quote` untouched and would be folded by the client, so `checked` comes first."""
    return quote(checked(name, value, limit), safe="")


def configurations(page: int, per_page: int) -> Request:
    """One page of the configurations. Guide: "List all configurations on a Salesloft team"."""
    query = _paged((), page, per_page)
    return Request("GET", "/v2/external/configurations", query, scopes=(_READ_CONFIGURATIONS,))


def create_configuration(external_type: str, object_type: ObjectType) -> Request:
    """Allow external ids of a type for one kind of object.

    Guide: "Set the name of your external identifier and choose the Salesloft object it will be related to".
    """
    body = {
        "external_type": checked("external_type", external_type, MAX_EXTERNAL_TYPE),
        "object_type": object_type,
    }
    return Request("POST", "/v2/external/configurations", body=body, scopes=(_CREATE_CONFIGURATIONS,))


def delete_configuration(configuration_id: int) -> Request:
    """Delete a configuration. Guide: "Deletes a mapping configuration created by the user"."""
    path = f"/v2/external/configurations/{configuration_id:d}"
    return Request("DELETE", path, scopes=(_DELETE_CONFIGURATIONS,))


def mappings(asked: MappingFilter, page: int, per_page: int, counts: bool, ascending: bool = False) -> Request:
    """One page of the mappings. Guide: "List the External ID Mappings for a Salesloft Object"."""
    paged = _paged(asked.sent.query(), page, per_page)
    more = (COUNTS if counts else ()) + (OLDEST_FIRST if ascending else ())
    return Request("GET", "/v2/external/mappings", paged + more, scopes=(_READ_MAPPINGS,))


def create_mapping(external_type: str, object_type: ObjectType, external_id: str, object_id: int) -> Request:
    """Give an external id to an object.

    Guide: "Map Salesloft People, Accounts, and Users to their unique identifiers from your system".
    """
    body = {
        "external_type": checked("external_type", external_type, MAX_EXTERNAL_TYPE),
        "object_type": object_type,
        "external_id": checked("external_id", external_id),
        "object_id": object_id,
    }
    return Request("POST", "/v2/external/mappings", body=body, scopes=(_WRITE_MAPPINGS,))


def delete_mapping(mapping_id: int) -> Request:
    """Delete a mapping. Guide: "Deletes a mapping created by the user"."""
    return Request("DELETE", f"/v2/external/mappings/{mapping_id:d}", scopes=(_DELETE_MAPPINGS,))


def records(external_type: str, object_type: ObjectType, external_ids: Sequence[str], page: int = 1) -> Request:
    """The objects behind up to 100 external ids.

    Guide: "Returns multiple Salesloft objects matching with that external type and ID".

    Raises:
        InputError: more ids than one call takes (100, or about 6 kB of query).
    """
    query = tuple(
        (f"external_ids[{number}]", checked("external_ids", value)) for number, value in enumerate(external_ids, 1)
    )
    paging = (("page", str(page)),) if page > 1 else ()
    scopes = (_READ_MAPPINGS, _reads(object_type))
    request = Request("GET", _ids_path(external_type, object_type), query + paging, scopes=scopes)
    if len(external_ids) > MAX_IDS_A_CALL or len(request.target) > MAX_IDS_QUERY_BYTES:
        raise errors.InputError("external_ids", f"at most {MAX_IDS_A_CALL} ids (6 kB) fit one call.")
    return request


def upsert(external_type: str, object_type: ObjectType, external_id: str, body: Mapping[str, Any]) -> Request:
    """Update the person or account behind an external id, or create it together with its mapping.

    Guide: "This endpoint will check to see if the external ID mapping already exists for the Person or Account".
    """
    path = f"{_ids_path(external_type, object_type)}/{segment('external_id', external_id)}"
    one = _SINGULAR[object_type]
    scopes: tuple[Scope, ...] = (_WRITE_MAPPINGS, (f"{one}:manage", f"{object_type}:write"))
    crm: tuple[Scope, ...] = ((f"{one}:set_crm_id",),) if "crm_id" in body else ()
    return Request("POST", path, body=body, scopes=scopes + crm)


def objects(object_type: ObjectType, filters: Query, page: int, per_page: int, counts: bool = False) -> Request:
    """People, accounts or users by their own fields, `filters` being Salesloft's parameters and their values."""
    for name, value in filters:
        checked(name.removesuffix("[]"), value)
    query = _paged(filters, page, per_page) + (COUNTS if counts else ())
    return Request("GET", f"/v2/{object_type}", query, scopes=(_reads(object_type),))


def me() -> Request:
    """Whose token this is."""
    return Request("GET", "/v2/me")


def team() -> Request:
    """Which team the token belongs to."""
    return Request("GET", "/v2/team")


def _reads(object_type: ObjectType) -> Scope:
    return f"{_SINGULAR[object_type]}:view", f"{object_type}:read"


def _ids_path(external_type: str, object_type: ObjectType) -> str:
    return f"/v2/external/ids/{segment('external_type', external_type, MAX_EXTERNAL_TYPE)}/{object_type}"


def _paged(filters: Query, page: int, per_page: int) -> Query:
    return (*filters, ("per_page", str(per_page)), ("page", str(page)))
