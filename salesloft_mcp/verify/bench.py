"""What the checks work with: requests whose answers are seen as they come, and writes that stand in the change log."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author, Change, Operation
from salesloft_mcp.changes.log import HeldError
from salesloft_mcp.changes.trial import tried
from salesloft_mcp.errors import ConflictError
from salesloft_mcp.salesloft.call import Call
from salesloft_mcp.salesloft.models import MappingKey, ObjectType
from salesloft_mcp.salesloft.received import Received
from salesloft_mcp.salesloft.requests import PAGE_SIZE, Request, ids_path, paged
from salesloft_mcp.verify.answers import Answer, NotToldError, Row

TITLE = "verify"  # of every operation in the change log
PREFIX = "salesloft_mcp_verify_"  # of every external type that is made
USERS: ObjectType = "users"
MAIN = "Verify-0042"
CHARACTERS = "0042 Äé/a+b&c=d?e#f%g;h,i'j\"k"  # those that paths and queries treat in a way of their own
NOTHING = "not mapped"

CONFIGURATIONS = "/v2/external/configurations"
MAPPINGS = "/v2/external/mappings"


def new_type(now: float) -> str:
    """A name that says what it is and when it was made (in seconds), and that nobody has used."""
    return f"{PREFIX}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}_{secrets.token_hex(3)}"


@dataclass
class Bench:
    """One trial. `user` is the id of the token's own user, and the only record that is mapped.

    `said` keeps the answers that several checks are about, by what was done.
    """

    changes: Changes
    author: Author
    call: Call
    external_type: str
    user: int
    team: int | None
    said: dict[str, Answer] = field(default_factory=dict)
    metered: set[bool] = field(default_factory=set)  # whether an answer counts the team's points, for all of them
    made: int = 0  # configurations and mappings that were created

    @property
    def slashed(self) -> str:
        """The name of a second type, which has a slash."""
        return f"{self.external_type}/slash"

    @property
    def unconfigured(self) -> str:
        """The name of a type that is never configured."""
        return f"{self.external_type}_unconfigured"

    def answer(self, name: str) -> Answer:
        """
        Raises:
            NotToldError: it was not done.
        """
        if name not in self.said:
            raise NotToldError(f"it needs {name}, which could not be had here")
        return self.said[name]

    def done(self, name: str) -> Answer:
        """
        Raises:
            NotToldError: it was not done, or refused.
        """
        found = self.answer(name)
        if not found.ok:
            raise NotToldError(f"it needs {name}, which was refused ({found.outcome})")
        return found

    async def ask(self, path: str, *query: tuple[str, str], page: int = 1, per_page: int = PAGE_SIZE) -> Answer:
        """What one page of a list is answered with."""
        return await self._read(Request("GET", path, paged(query, page, per_page)))

    async def mappings(self, *query: tuple[str, str], page: int = 1, per_page: int = PAGE_SIZE) -> Answer:
        """Mappings of the throw-away type.

        Raises:
            NotToldError: there are others among them, of which nothing can be told, and nothing may be touched.
        """
        ours = self.external_type
        found = await self.ask(MAPPINGS, ("external_type", ours), *query, page=page, per_page=per_page)
        if any(row.get("external_type", ours) != ours for row in found.rows):
            raise NotToldError("mappings of other types are listed as well, whatever type is asked for")
        return found

    async def records(self, *external_ids: str, of: str = "", pages: bool = True) -> Answer:
        """The users behind external ids; without `pages` as many as Salesloft gives by itself."""
        ids = tuple((f"external_ids[{number}]", one) for number, one in enumerate(external_ids, 1))
        query = paged(ids, 1, PAGE_SIZE) if pages else ids
        return await self._read(Request("GET", ids_path(of or self.external_type, USERS), query))

    async def configure(self, name: str, external_type: str) -> Answer:
        """Create a configuration; what is answered is kept under `name`."""
        key = MappingKey(external_type, USERS, "")
        return await self._write(name, Change("configuration", key, None, {}))

    async def unconfigure(self, name: str, external_type: str, configuration_id: object) -> Answer:
        """Delete a configuration."""
        key = MappingKey(external_type, USERS, "")
        return await self._write(name, Change("configuration", key, _image(configuration_id), None))

    async def map(self, name: str, external_id: str, *, of: str = "", user: int = 0) -> Answer:
        """Create a mapping of the token's own user."""
        key = MappingKey(of or self.external_type, USERS, external_id)
        return await self._write(name, Change("mapping", key, None, {"object_id": user or self.user}))

    async def unmap(self, name: str, key: MappingKey, row: Row) -> Answer:
        """Delete a mapping.

        Raises:
            NotToldError: the row is not the one that stands at the key, or has no id.
        """
        if (row.get("external_type"), row.get("external_id")) != (key.external_type, key.external_id):
            raise NotToldError("Salesloft shows another mapping than the one that was asked for")
        before = {**_image(row.get("id")), "object_id": row.get("object_id")}
        return await self._write(name, Change("mapping", key, before, None))

    async def _write(self, name: str, change: Change) -> Answer:
        """Log it, send it, and give back what was answered to it.

        Raises:
            NotToldError: its answer was lost, or that of an earlier write of the same key.
        """
        answers = self.call.answers = []
        try:
            await self.changes.free(change.key)
            outcome = await tried(self.changes, Operation(TITLE, (change,)), self.author)
        except (ConflictError, HeldError):
            raise NotToldError("nobody knows yet what became of an earlier write there") from None
        self.made += outcome.state == "created"
        sent = [got for ask, got in answers if ask.writes]
        if not sent:
            raise outcome.error or NotToldError("its answer was lost")
        self.said[name] = self._seen(sent[0], writes=True)
        return self.said[name]

    async def _read(self, request: Request) -> Answer:
        return self._seen(await self.changes.api.answered(request), writes=False)

    def _seen(self, got: Received, *, writes: bool) -> Answer:
        answer = Answer.of(got, writes=writes)
        self.metered.add(answer.metered)
        return answer


def _image(row_id: object) -> Mapping[str, int]:
    """
    Raises:
        NotToldError: Salesloft shows no id.
    """
    if type(row_id) is not int:
        raise NotToldError("Salesloft shows no id to delete it by")
    return {"id": row_id}
