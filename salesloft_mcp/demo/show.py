"""The conversation as a person reads it."""

import json

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from salesloft_mcp.demo.session import Event

_console = Console(highlight=False)
_INDENT = 11
_SHOWN = 400


def show(event: Event) -> None:
    """Print one event."""
    match event.kind:
        case "person":
            _console.print()
            _line("Person", event.words, "bold cyan")
        case "calls":
            _line("Assistant", f"{event.words}({_arguments(event.data)})", "bold")
        case "reads":
            _line("Assistant", f"reads {event.words}", "bold")
            _line("", event.data["text"], "dim")
        case "answers":
            _line("Server", event.words, "red" if event.data.get("isError") else "green")
            _line("", _json({name: value for name, value in event.data.items() if name != "isError"}), "dim")
        case "asks":
            box = Panel(Text(event.words), title="The server asks the person", border_style="yellow")
            _console.print(Padding(box, (0, 0, 0, _INDENT)))
        case "decides":
            _line("Person", f"{event.words} {_json(event.data)}", "yellow")


def _line(who: str, words: str, style: str) -> None:
    """Who says it on the left, what is said beside it, cut where it gets long."""
    if not words:
        return
    shown = words if len(words) <= _SHOWN else words[:_SHOWN] + " …"
    table = Table.grid(padding=0)
    table.add_column(width=_INDENT)
    table.add_column(overflow="fold")
    table.add_row(Text(who, style=style), Text(shown, style="dim" if style == "dim" else ""))
    _console.print(table)


def _arguments(data: dict[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in data.items())


def _json(data: dict[str, object]) -> str:
    return json.dumps(data, ensure_ascii=False) if data else ""
