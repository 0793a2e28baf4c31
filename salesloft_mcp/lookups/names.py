"""Who records are, in one line each, for whoever knows people by name and not by number. Reads only."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field

from salesloft_mcp.errors import ApiError, RateLimitedError
from salesloft_mcp.lookups.known_records import records_by_id
from salesloft_mcp.salesloft.budget import MINUTE, Budget
from salesloft_mcp.salesloft.call import current, given_up_after
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Account, ObjectType, Person, Record, User, name_of, one_record
from salesloft_mcp.salesloft.requests import PAGE_SIZE

MOST = PAGE_SIZE  # records of a kind that are named: so many come for one point
SECONDS = 8.0  # names are given up after so long: what the ids stand for is worth telling without them
WIDTH = 60  # characters of a name, a title or an account that are shown

Key = tuple[ObjectType, int]


@dataclass(frozen=True, slots=True)
class Names:
    """The records that were read, and the accounts of the people among them.

    `lacking` counts those that did not come: they are gone, or hidden from this token. `problems` says, once each, why
    others were not read, and is made of our words.
    """

    records: dict[Key, Record] = field(default_factory=dict)
    lacking: int = 0
    problems: tuple[str, ...] = ()

    def account_of(self, record: Record) -> Account | None:
        """The account of a person, where it was read."""
        reference = record.account if isinstance(record, Person) else None
        found = self.records.get(("accounts", reference.id)) if reference else None
        return found if isinstance(found, Account) else None

    def line(self, key: Key, width: int = WIDTH) -> str | None:
        """ "Jane Doe, VP of Sales, Cobalt Systems", each part cut to `width` characters; None where it was not read.

        Of a person these are name, title or e-mail, and account; of an account name and domain; of a user name and
        e-mail. It is text of Salesloft's, and not made safe to show yet.
        """
        record = self.records.get(key)
        if record is None:
            return None
        parts = _parts(record, self.account_of(record))
        return ", ".join(_cut(part, width) for part in dict.fromkeys(parts) if part) or "no name"


async def read_names(api: Salesloft, budget: Budget, allowed: Iterable[str], wanted: Iterable[Key]) -> Names:
    """These records, the first hundred of each kind, and the accounts of the people among them: a point for each kind.
    Only records of the kinds that are `allowed` are read.

    Nothing fails: what cannot be read is told in `problems`. Nothing waits for points, but in a call that can wait for
    a minute.
    """
    ids: dict[ObjectType, dict[int, None]] = {"people": {}, "users": {}, "accounts": {}}
    for object_type, object_id in wanted:
        ids[object_type][object_id] = None
    records, problems, lacking = dict[Key, Record](), dict[str, None](), 0
    with nullcontext() if current().patience() >= MINUTE else given_up_after(SECONDS):
        for object_type, every in ids.items():
            asked = list(every)
            if len(asked) > MOST:
                problems[f"only the first {MOST} {object_type} are shown."] = None
            asked = asked[:MOST]
            beside = _accounts_of(records.values()) if object_type == "accounts" else []
            read = list(dict.fromkeys([*asked, *beside]))[:MOST]
            if not read or object_type not in allowed:
                continue
            try:
                _check_room(budget)
                found = await records_by_id(api, object_type, read)
            except ApiError as error:
                step = str(error.next_step)
                problems[f"{error.what} {step[:1].upper()}{step[1:]}".strip()] = None
                continue
            records |= {(object_type, one): row for one, row in found.items()}
            lacking += sum(one not in found for one in asked)
    return Names(records, lacking, tuple(problems))


def _check_room(budget: Budget) -> None:
    """
    Raises:
        RateLimitedError: there is no point left now, and the call cannot wait for one.
    """
    if current().patience() < MINUTE and (wait := budget.wait(1)):
        raise RateLimitedError("the points for this minute are spent.", retry_after_seconds=wait)


def _accounts_of(records: Iterable[Record]) -> list[int]:
    return [one.account.id for one in records if isinstance(one, Person) and one.account]


def _parts(record: Record, account: Account | None) -> list[str | None]:
    if isinstance(record, Account):
        return [record.name, record.domain]
    if isinstance(record, User):
        return [name_of(record), record.email]
    company = account.name or account.domain if account else None
    if company is None:
        named = record.shown("person_company_name")
        company = named if isinstance(named, str) and named else None
        company = company or (one_record("accounts", record.account.id) if record.account else None)
    return [name_of(record) or record.email_address, record.title or record.email_address, company]


def _cut(text: str, width: int) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= width else f"{one_line[: width - 1].rstrip()}…"
