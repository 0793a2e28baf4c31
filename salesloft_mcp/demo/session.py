"""A conversation that is written down as it happens: every line comes from the real exchange."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mcp.client import Client, ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent, TextResourceContents

Kind = Literal["person", "calls", "answers", "reads", "asks", "decides"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the conversation: who does what, in whose words, with which data."""

    kind: Kind
    words: str
    data: Json


Show = Callable[[Event], None]  # puts an event before the reader at once


class Session:
    """One client, its person, and everything that was said. The person answers each question with `decision`."""

    client: Client

    def __init__(self, show: Show | None) -> None:
        self.events: list[Event] = []
        self.as_promised = True
        self.decision = ElicitResult(action="decline")
        self._show = show

    def person(self, words: str) -> None:
        """What the person asks the assistant for."""
        self._note("person", words)

    async def asked(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """The server asks the person through the client."""
        self._note("asks", params.message)
        self._note("decides", self.decision.action, dict(self.decision.content or {}))
        return self.decision

    async def call(self, tool: str, promise: Json | str, **arguments: object) -> CallToolResult:
        """Call a tool, and hold the answer against what was promised: some fields of it, or a word of its refusal."""
        self._note("calls", tool, dict(arguments))
        result = await self.client.call_tool(tool, dict(arguments))
        text = "".join(block.text for block in result.content if isinstance(block, TextContent))
        data = result.structured_content or {}
        sentence = text.partition("\n")[0] if data else text  # what follows it in the text is the same data
        self._note("answers", sentence, {"isError": result.is_error, **data})
        if isinstance(promise, str):
            self.as_promised &= promise in text and bool(result.is_error)
        else:
            self.as_promised &= not result.is_error and {**data, **promise} == data
        return result

    async def read(self, uri: str, promise: str) -> None:
        """Read a resource, which was promised to hold some word."""
        result = await self.client.read_resource(uri)
        text = "".join(part.text for part in result.contents if isinstance(part, TextResourceContents))
        self._note("reads", uri, {"text": text})
        self.as_promised &= promise in text

    def _note(self, kind: Kind, words: str, data: Json | None = None) -> None:
        event = Event(kind, words, data or {})
        self.events.append(event)
        if self._show is not None:
            self._show(event)
