"""A conversation that is written down as it happens: every line comes from the real exchange."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from mcp.client import Client, ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent, TextResourceContents

Kind = Literal["person", "calls", "answers", "reads", "asks", "decides"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the conversation: who does what, in whose words, with which data."""

    kind: Kind
    words: str
    data: Json = field(default_factory=dict)


class Show(Protocol):
    """Puts an event before the reader at once."""

    def __call__(self, event: Event) -> None: ...


class Session:
    """One client, its person, and everything that was said."""

    def __init__(self, show: Show | None) -> None:
        self.events: list[Event] = []
        self.as_promised = True
        self._show = show
        self._decide: Callable[[ElicitRequestParams], ElicitResult] = lambda _: ElicitResult(action="decline")
        self._client: Client | None = None

    def attach(self, client: Client) -> None:
        """From now on calls go through `client`."""
        self._client = client

    def transcript(self) -> list[Json]:
        """Everything that was said, for machines."""
        return [asdict(event) for event in self.events]

    def person(self, words: str) -> None:
        """What the person asks the assistant for."""
        self._note(Event("person", words))

    def person_will(self, decide: Callable[[ElicitRequestParams], ElicitResult]) -> None:
        """How the person answers the next question."""
        self._decide = decide

    async def asked(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """The server asks the person through the client."""
        self._note(Event("asks", params.message))
        decision = self._decide(params)
        self._note(Event("decides", decision.action, dict(decision.content or {})))
        return decision

    async def call(self, tool: str, promise: Json | str, **arguments: object) -> CallToolResult:
        """Call a tool, and hold the answer against what was promised: some fields of it, or a word of its refusal."""
        self._note(Event("calls", tool, dict(arguments)))
        result = await self._connected().call_tool(tool, dict(arguments))
        text = "".join(block.text for block in result.content if isinstance(block, TextContent))
        data = result.structured_content or {}
        sentence = text.partition("\n")[0] if data else text  # what follows it in the text is the same data
        self._note(Event("answers", sentence, {"isError": result.is_error, **data}))
        kept = promise in text and result.is_error if isinstance(promise, str) else _holds(result, promise)
        self.as_promised = self.as_promised and kept
        return result

    async def read(self, uri: str, promise: str) -> str:
        """Read a resource, which was promised to hold some word."""
        result = await self._connected().read_resource(uri)
        text = "".join(part.text for part in result.contents if isinstance(part, TextResourceContents))
        self._note(Event("reads", uri, {"text": text}))
        self.as_promised = self.as_promised and promise in text
        return text

    def _connected(self) -> Client:
        assert self._client is not None, "attach a client first"
        return self._client

    def _note(self, event: Event) -> None:
        self.events.append(event)
        if self._show is not None:
            self._show(event)


def _holds(result: CallToolResult, promise: Json) -> bool:
    data = result.structured_content or {}
    return not result.is_error and all(data.get(name) == value for name, value in promise.items())
