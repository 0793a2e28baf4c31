"""A question that waits for a person, as a page in the person's browser."""

from collections.abc import Sequence
from dataclasses import dataclass

from salesloft_mcp.browser.pages import Ask, Page, Row, Table
from salesloft_mcp.changes.approvals import BROWSER, Approvals
from salesloft_mcp.changes.change import Fact, Place
from salesloft_mcp.changes.consent import FOLLOWS, Question
from salesloft_mcp.text import escaped, is_named, quoted

CLOSE = "You can close this window."
_NOT_TYPED = "Another name was typed. Nothing was decided: type the name exactly as it stands here, or refuse."


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """The page of one pending approval. `who` asks is the name that a client gives itself."""

    approvals: Approvals
    approval: str
    question: Question
    who: str = ""

    async def page(self) -> Page:
        """The question, or what became of it."""
        decision = await self.approvals.decided(self.approval)
        if decision == "pending":
            return asking(self.question, self.who)
        about = f"{self.question.headline} in {self.question.place}."
        if decision == "expired":
            told = "It waited for a day, and nobody answered. Nothing was changed."
            return Page("This question is not open any more", (about, told, CLOSE))
        follows = (
            "the call that asked for it is let through once, within an hour" if decision.yes else "nothing was changed"
        )
        told = f"This was decided {decision.where}, and is written down: {follows}."
        return Page(f"Answered: {self.question.answers[not decision.yes]}", (about, told, CLOSE))

    async def answer(self, yes: bool, typed: str) -> str:
        """Write down an answer. A yes needs the name, where one is to be typed."""
        if yes and not is_named(self.question.name, typed):
            return _NOT_TYPED
        await self.approvals.decide(self.approval, yes, BROWSER)  # a second answer counts nothing, and the page says so
        return ""


def asking(question: Question, who: str = "") -> Page:
    """The whole question: where, each change with every fact in a row, what else there is to know, and the buttons."""
    yes, no = question.answers
    name, several = question.name, len(question.changes) > 1
    tables = [_table(_place(question.place))]
    for number, (verb, facts) in enumerate(question.changes, 1):
        what, fields = [one for one in facts if not one.was], [one for one in facts if one.was]
        heading = f"{number}. {_capital(verb)}" if several else "What it is about"
        tables += [_table(what, heading), *([_table(fields, "What is written over")] if fields else [])]
    if rest := [one for one in question.facts if one.name != FOLLOWS]:
        tables.append(_table(rest, "What else there is to know"))
    follows = " ".join(f"{_capital(one.name)}: {one.value}." for one in question.facts if one.name == FOLLOWS)
    label = f"To agree, type the external type: {escaped(name)}" if name else ""
    ask = Ask(yes, no, name, label, danger=question.removes)
    told = f"{quoted(who) if who else 'An assistant'} asks for this. It can neither see this page nor answer it."
    return Page(f"{question.headline}?", (told,), follows, tuple(tables), ask)


def _place(place: Place) -> list[Fact]:
    team = [Fact("team", escaped(place.team_named))] if place.team_named else []
    return [Fact("environment", place.named), *team]


def _table(facts: Sequence[Fact], heading: str = "") -> Table:
    return Table(tuple(Row(_named(one), one.value, one.was or None) for one in facts), heading)


def _named(fact: Fact) -> str:
    """The names of fields stay as they are spelled."""
    return fact.name.removeprefix("field ") if fact.was else _capital(fact.name)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
