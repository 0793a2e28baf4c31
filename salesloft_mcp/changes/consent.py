"""When a person must agree, and what exactly the person agrees to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from salesloft_mcp.changes.change import ByRun, Change, Fact, Image, Kind, Last, Operation, Place
from salesloft_mcp.changes.configurations import SAVED_AT_MOST
from salesloft_mcp.changes.doubts import of_operation
from salesloft_mcp.changes.kinds import one_by_one, stands_already
from salesloft_mcp.changes.rekey import told_of
from salesloft_mcp.changes.spelling import same
from salesloft_mcp.errors import Hint, Step
from salesloft_mcp.policy import ASKS, AskMode

BESIDE = "there already"  # the fact of an operation that tells what a new record would stand beside
DAMAGED = "what looks damaged"  # the fact that tells of an external id or a field that does
FOLLOWS = "what happens"  # the fact that tells what comes of a yes
_MAPPED = "a mapping cannot be changed later, only deleted"
MOST_UNASKED = 500  # creates and overwrites of runs in an hour
# Fields of a record, and the value of each by which it is taken out of use.
RESTRICTIONS: Mapping[str, JsonValue] = {
    "do_not_contact": True,
    "contact_restrictions": ["call", "email", "message"],
    "archived": True,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. The digest stands for the operation and its facts, unshortened; the rest only shows them.

    `changes` holds what each change does and is about, `facts` what else the person has to know. Where `name` is not
    empty, the person types it. `found` is why a person is asked, where that was not to be expected, and `instead` what
    may be done without a yes; both are for whoever made the call.
    """

    title: str
    headline: str
    place: Place
    digest: str
    changes: tuple[tuple[str, tuple[Fact, ...]], ...] = ()
    facts: tuple[Fact, ...] = ()
    answers: tuple[str, str] = ("Agree", "Refuse")  # a yes and a no, as the words of two buttons
    removes: bool = False
    name: str = ""
    found: str = ""
    instead: Step = ()

    @property
    def text(self) -> str:
        """All of it, a line each fact; where there are several changes, a line each change."""
        lines = [f"{fact.name}: {fact.told}" for _, facts in self.changes for fact in facts]
        if len(self.changes) > 1:
            lines = [
                f"{verb}: {', '.join(f'{fact.name} {fact.told}' for fact in facts)}" for verb, facts in self.changes
            ]
        lines += [f"{fact.name}: {fact.told}" for fact in self.facts]
        return "\n".join([f"{self.headline} in {self.place}?", *lines])


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to ask: the headline of its question, what happens after a yes, the words of a yes and a no, whether a
    name is to be typed, what may be done instead, and how much has to be asked here for it to count."""

    headline: str
    applies: Callable[[Operation], bool]
    consequence: str
    answers: tuple[str, str]
    retype: bool = False
    instead: Step = ()
    ask: AskMode = "deletes"


def _any(test: Callable[[Change], bool]) -> Callable[[Operation], bool]:
    return lambda operation: any(map(test, operation.changes))


def _becomes(name: str) -> Callable[[Operation], bool]:
    return _any(lambda one: name in restricts(one.before or {}, one.after or {}))


def _makes(kind: Kind) -> Callable[[Operation], bool]:
    return _any(lambda one: one.kind == kind and one.before is None)


def _overwrites(change: Change) -> bool:
    """Whether a value that stands in a field of a record is lost by it."""
    before, after = one_by_one(change.before or {}), one_by_one(change.after or {})
    lost = (name for name, value in after.items() if not same(name, before.get(name), value))
    return change.kind == "record" and any(before.get(name) not in (None, "", [], {}) for name in lost)


def restricts(before: Image, after: Image) -> list[str]:
    """The fields by which a record is taken out of use."""
    return [
        name
        for name, value in RESTRICTIONS.items()
        if name in after and same(name, after[name], value) and not same(name, before.get(name), value)
    ]


# What removes something; of these one rule tells all that happens, the first that applies.
_REMOVALS: tuple[Rule, ...] = (
    Rule(
        "Delete this external id configuration",
        _any(lambda one: one.kind == "configuration" and one.after is None),
        "Salesloft finds no record by this external type any more; the mappings stay, and are of no use",
        ("Delete", "Keep"),
        retype=True,
    ),
    Rule(
        "Rename an external type",
        lambda operation: operation.by_run.renames,
        "mappings are created under the new type, then deleted under the old one; records and configurations stay",
        ("Rename", "Leave it"),
    ),
    Rule(
        "Delete these external id mappings",
        lambda operation: operation.by_run.deletes > 0,
        "the records stay, but are no longer found by these external ids",
        ("Delete", "Keep"),
    ),
    Rule(
        "Move this external id to another record",
        lambda operation: operation.removes and len({one.key for one in operation.changes}) < len(operation.changes),
        "the old mapping is deleted, then the new one is created; in between the id finds nothing; both records stay",
        ("Move", "Leave it"),
    ),
    Rule(
        "Replace an external id",
        lambda operation: operation.removes and len(operation.changes) > 1,
        "the new id is mapped, then the old one is deleted; the record stays",
        ("Replace", "Leave it"),
    ),
    Rule(
        "Delete this external id mapping",
        _any(lambda one: one.after is None),
        "the record stays, but is no longer found by this external id",
        ("Delete", "Keep"),
    ),
)
# The first rule that applies is the one that is asked, and what each of the others means is told with it. A new reason
# is a new row.
RULES: tuple[Rule, ...] = (
    *_REMOVALS,
    Rule(
        "Create an external type beside one that is nearly the same",
        lambda operation: BESIDE in dict(operation.facts) and operation.changes[0].kind == "configuration",
        "they are two types from then on, and an id of the one finds nothing in the other",
        ("Create", "Do not create"),
        instead=("if that is the type which is meant, use it as it is spelled; if not, ",),
    ),
    Rule(
        "Create a record beside one that is nearly the same",
        lambda operation: BESIDE in dict(operation.facts) and operation.changes[0].kind != "configuration",
        "a new record is created and mapped; Salesloft's External IDs API cannot delete it again",
        ("Create", "Do not create"),
        instead=(
            "if that is the record which is meant, use its external id, or ",
            Hint.MAP_RECORD,
            " to map this one; if not, ",
        ),
    ),
    Rule(
        "Write what looks damaged",
        lambda operation: bool(of_operation(operation)),
        "it is written exactly as it is given; nothing is repaired",
        ("Write", "Do not write"),
        instead=("give it as your own system holds it, or ",),
    ),
    Rule(
        "Set do_not_contact",
        _becomes("do_not_contact"),
        "the person, or every person of the account, leaves all running cadences; setting it back does not undo that",
        ("Set it", "Leave it"),
    ),
    Rule(
        "Restrict every way of contact",
        _becomes("contact_restrictions"),
        "nobody can call, e-mail or message this person from Salesloft",
        ("Restrict", "Leave it"),
    ),
    Rule(
        "Archive this account",
        _becomes("archived"),
        "it disappears from the lists of active accounts",
        ("Archive", "Leave it"),
    ),
    Rule(
        "Overwrite what stands in this record",
        _any(_overwrites),
        "the old values are gone from Salesloft, and only an undo brings them back",
        ("Overwrite", "Leave it"),
        ask="overwrites",
    ),
    Rule(
        "Create this external id configuration",
        _makes("configuration"),
        "ids of this external type can be mapped from then on",
        ("Create", "Do not create"),
        ask="all",
    ),
    Rule(
        "Create this external id mapping",
        _makes("mapping"),
        _MAPPED,
        ("Create", "Do not create"),
        ask="all",
    ),
    Rule(
        "Create this record",
        _makes("record"),
        "a new record is created and mapped; Salesloft's External IDs API cannot delete it again",
        ("Create", "Do not create"),
        ask="all",
    ),
    Rule(
        "Update this record",
        _any(lambda one: not stands_already(one)),
        "fields that are empty get a value",
        ("Update", "Leave it"),
        ask="all",
    ),
)


def needed(operation: Operation, unconfirmed: int = 0, ask: AskMode = "deletes") -> Rule | None:
    """The rule by which a person must agree; None when nobody has to. `ask` is what is asked about here.

    `unconfirmed` is how many creates and overwrites of the last hour nobody was asked about; it counts for runs. Which
    updates of a run overwrite something is not known before each of its records is read again, so all of them count.
    """
    run = operation.by_run
    asked = run.writes if ask == "all" else run.updates if ask == "overwrites" else 0
    many = Rule(
        "Create these external id mappings" if not run.updates and run.makes == "mappings" else f"Write these {run.of}",
        lambda _: run.asks > 0 or asked > 0 or (run.writes > 0 and run.writes + unconfirmed > MOST_UNASKED),
        _follows(run),
        ("Create", "Do not create") if run.of == "mappings" else ("Write", "Do not write"),
    )
    rules = (rule for rule in (*RULES, many) if ASKS.index(rule.ask) <= ASKS.index(ask))
    return next((rule for rule in rules if rule.applies(operation)), None)


def _consequences(operation: Operation, rule: Rule) -> str:
    """What happens after a yes, of every reason for which a person is always asked."""
    grave = [one for one in RULES if one.ask == "deletes" and one not in _REMOVALS]
    others = [one.consequence for one in grave if one.applies(operation)]
    return "; ".join(filter(None, dict.fromkeys([rule.consequence, *others, _follows(operation.by_run)])))


def _follows(run: ByRun) -> str:
    """What a run of creates and updates means."""
    mappings = run.makes == "mappings"
    told = {
        _MAPPED: run.creates if mappings else 0,
        "no record that is created can be deleted again": 0 if mappings else run.creates,
        "fields that are written lose what stands there now, and only an undo brings it back": run.updates,
    }
    return "; ".join(what for what, number in told.items() if number)


def question(operation: Operation, rule: Rule, place: Place, last: Last) -> Question:
    """The question for a person. Text from elsewhere comes quoted, never as it is."""
    what, doubts = rule.headline, of_operation(operation)
    if operation.undoes is not None:
        what = f"Undo change {operation.undoes}: {what[0].lower()}{what[1:]}"
    told = {"changes": operation.by_run.told} if operation.by_run.writes else {}
    told |= {**({DAMAGED: "; ".join(doubts)} if doubts else {}), **dict(operation.facts)}
    if rule.retype:
        number = operation.carries
        told["live mappings that use it"] = "unknown" if number is None else str(number)
        few = number is not None and number <= SAVED_AT_MOST
        told["way back"] = f"undo; its mappings {'come back with it' if few else 'may be too many to save'}"
    told[FOLLOWS] = _consequences(operation, rule)
    if operation.changes:  # a run has no place of its own
        told["last change here"] = str(last.written or "none")
        if last.number > last.written:
            told["last refused here"] = str(last.number)
    if last.begun:
        told["begun before"] = str(last.begun)
    return Question(
        title=operation.title,
        headline=what,
        place=place,
        digest=operation.digest(place, last),
        changes=told_of(operation.changes),
        facts=tuple(Fact(name, value) for name, value in told.items()),
        answers=rule.answers,
        removes=operation.removes,
        name=operation.changes[0].key.external_type if rule.retype else "",
        found=" ".join(f"{name.capitalize()}: {told[name]}." for name in (BESIDE, DAMAGED) if name in told),
        instead=rule.instead,
    )
