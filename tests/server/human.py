"""A scripted person at a client that can ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from mcp.client.session import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

Answer = dict[str, str | int | float | bool | list[str] | None]
YES: Answer = {"confirm": True}
BeforeAnswering = Callable[[], Awaitable[None]]


@dataclass
class Human:
    """Answers every question the same way, and remembers what was asked."""

    answer: Answer | None = None
    action: str = "accept"
    meanwhile: list[BeforeAnswering] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.questions.append(params.message)
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        if self.action != "accept":
            return ElicitResult(action="decline" if self.action == "decline" else "cancel")
        return ElicitResult(action="accept", content=self.answer)


def text(result: CallToolResult) -> str:
    """The words of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
