"""When a person must agree, and what exactly the person agrees to."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from salesloft_mcp.changes.change import Change, Last, Operation, Place
from salesloft_mcp.changes.configurations import SAVED_AT_MOST
from salesloft_mcp.changes.kinds import KINDS
from salesloft_mcp.changes.records import same

MOST_UNASKED = 500  # creates of runs in an hour, deletions of a run, or mappings that come back with a configuration


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. The digest stands for the operation and its facts, unshortened; the text only shows them.

    Where `name` is not empty, the person types it.
    """

    title: str
    text: str
    digest: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to ask: the headline of its question, what happens after a yes, and whether a name is to be typed."""

    headline: str
    applies: Callable[[Operation], bool]
    consequence: str
    retype: bool = False


def _any(test: Callable[[Change], bool]) -> Callable[[Operation], bool]:
    return lambda operation: any(map(test, operation.changes))


def _becomes(name: str, value: JsonValue) -> Callable[[Operation], bool]:
    def test(change: Change) -> bool:
        after, before = change.after or {}, change.before or {}
        return name in after and same(name, after[name], value) and not same(name, before.get(name), value)

    return _any(test)


# The first rule that applies is the one that is asked. A new reason is a new row.
RULES: tuple[Rule, ...] = (
    Rule(
        "Delete this external id configuration",
        _any(lambda one: one.kind == "configuration" and one.after is None),
        "Salesloft finds no record by this external type any more; the mappings stay, and are of no use",
        retype=True,
    ),
    Rule(
        "Delete these external id mappings",
        lambda operation: operation.deletes > 0,
        "the records stay, but are no longer found by these external ids",
    ),
    Rule(
        "Move this external id to another record",
        lambda operation: operation.removes and len({one.key for one in operation.changes}) < len(operation.changes),
        "the old mapping is deleted, then the new one is created; both records stay",
    ),
    Rule(
        "Replace an external id",
        lambda operation: operation.removes and len(operation.changes) > 1,
        "the new id is mapped, then the old one is deleted; the record stays",
    ),
    Rule(
        "Delete this external id mapping",
        _any(lambda one: one.after is None),
        "the record stays, but is no longer found by this external id",
    ),
    Rule(
        "Set do_not_contact",
        _becomes("do_not_contact", True),
        "the person, or every person of the account, leaves all running cadences; setting it back does not undo that",
    ),
    Rule(
        "Restrict every way of contact",
        _becomes("contact_restrictions", ["call", "email", "message"]),
        "nobody can call, e-mail or message this person from Salesloft",
    ),
    Rule(
        "Archive this account",
        _becomes("archived", True),
        "it disappears from the lists of active accounts",
    ),
)


def needed(operation: Operation, unconfirmed: int = 0) -> Rule | None:
    """The rule by which a person must agree; None when nobody has to.

    `unconfirmed` is how many mappings were created in the last hour without being asked about; it counts for runs.
    """
    many = Rule(
        "Create these external id mappings",
        lambda one: one.creates > 0 and one.creates + unconfirmed > MOST_UNASKED,
        "each is created; a mapping cannot be changed later, only deleted",
    )
    return next((rule for rule in (*RULES, many) if rule.applies(operation)), None)


def question(operation: Operation, rule: Rule, place: Place, last: Last) -> Question:
    """The question for a person: one line a fact. Text from elsewhere comes quoted, never as it is."""
    what = rule.headline
    if operation.undoes is not None:
        what = f"Undo change {operation.undoes}: {what[0].lower()}{what[1:]}"
    told = {
        **dict(operation.facts),
        **{f"mappings to {verb}": str(number) for verb, number in by_run(operation).items()},
    }
    if rule.retype:
        number = operation.carries
        told["live mappings that use it"] = "unknown" if number is None else str(number)
        few = number is not None and number <= SAVED_AT_MOST
        told["way back"] = f"undo; its mappings {'come back with it' if few else 'may be too many to save'}"
    told["what happens"] = rule.consequence
    told["last change here"] = str(last.number or "none")
    if last.begun:
        told["begun before"] = str(last.begun)
    lines = [*_about(operation.changes), *(f"{name}: {value}" for name, value in told.items())]
    text = "\n".join([f"{what} in {place}?", *lines])
    name = operation.changes[0].key.external_type if rule.retype else ""
    return Question(operation.title, text, operation.digest(place, last), name)


def by_run(operation: Operation) -> dict[str, int]:
    """How many mappings of an operation are left to a run, by what it does with them."""
    return {verb: number for verb, number in (("create", operation.creates), ("delete", operation.deletes)) if number}


def _about(changes: tuple[Change, ...]) -> list[str]:
    """One line a fact; where there are several changes, one line a change."""
    facts = [KINDS[one.kind].facts(one) for one in changes]
    if len(facts) == 1:
        return [f"{name}: {value}" for name, value in facts[0].items()]
    told = [", ".join(f"{name} {value}" for name, value in one.items()) for one in facts]
    return [f"{change.verb.removesuffix('d')}: {words}" for change, words in zip(changes, told, strict=True)]
