"""A question that waits for a person, as a page in the person's browser."""

from dataclasses import dataclass

from salesloft_mcp.browser.pages import Ask, Page, Row, Table
from salesloft_mcp.changes.approvals import BROWSER, Approvals
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.text import escaped

CLOSE = "You can close this window."
_NOT_TYPED = "Another name was typed. Nothing was decided: type the name exactly as it stands here, or refuse."


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """The page of one pending approval."""

    approvals: Approvals
    approval: str
    question: Question

    async def page(self) -> Page:
        """The question, or what became of it."""
        decision = await self.approvals.decided(self.approval)
        if decision == "pending":
            return asking(self.question)
        about = f"{self.question.headline} in {self.question.place}."
        if decision == "expired":
            told = "It waited for a day, and nobody answered. Nothing was changed."
            return Page("This question is not open any more", notices=(about, told, CLOSE))
        if decision.yes:
            told = "It was written down. The call that asked for it is let through once, if it comes within an hour."
            return Page(f"Answered: {self.question.answers[0]}", notices=(about, f"{_cap(decision.how)}.", told, CLOSE))
        told = "It was written down. Nothing was changed."
        return Page(f"Answered: {self.question.answers[1]}", notices=(about, f"{_cap(decision.how)}.", told, CLOSE))

    async def answer(self, yes: bool, typed: str) -> str:
        """Write down an answer. A yes needs the name, where one is to be typed."""
        if yes and typed != self.question.name:
            return _NOT_TYPED
        await self.approvals.decide(self.approval, yes, BROWSER)  # a second answer counts nothing, and the page says so
        return ""


def asking(question: Question) -> Page:
    """The whole question: where, each change with every fact in a row, what else there is to know, and the buttons."""
    place, (yes, no) = question.place, question.answers
    where = [Row("environment", place.environment)]
    if place.team_named:
        where.append(Row("team", escaped(place.team_named)))
    several = len(question.changes) > 1
    changes = tuple(
        Table(
            tuple(Row(fact.name, fact.value, fact.was or None) for fact in facts),
            f"{number}. {verb.capitalize()}" if several else "",
        )
        for number, (verb, facts) in enumerate(question.changes, 1)
    )
    rest = Table(tuple(Row(fact.name, fact.told) for fact in question.facts), "What else there is to know")
    name = question.name
    label = f"To agree, type the external type: {escaped(name)}" if name else ""
    told = ("An assistant asks for this. It can neither see this page nor answer it.",)
    ask = Ask(yes, no, name, label, danger=question.removes)
    return Page(f"{question.headline}?", (Table(tuple(where)), *changes, rest), told, ask)


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]
