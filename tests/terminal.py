"""A person at a terminal: commands one after the other, which share a sandbox file and a state directory."""

import json
import shlex
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner, Result

from salesloft_mcp.cli import cli

PEOPLE = range(207550157, 207550157 - 100, -1)  # of the seeded sandbox
PLACE = 'SANDBOX (http://sandbox.localhost), team "Northwind Software (sandbox)" (100013)'
TO = ("--external-type", "crm_lead", "--object-type", "people")


class Terminal:
    """Types `salesloft-mcp …` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.box = folder / "box.db"
        self.state = folder / "state"
        self.options = ["--sandbox", "--sandbox-file", str(self.box), "--state-dir", str(self.state)]

    def __call__(self, *arguments: str, given: str | None = None) -> Result:
        """What a command answers; `given` is typed at a terminal when it asks."""
        with patch("salesloft_mcp.commands.runs.at_terminal", lambda: given is not None):
            return CliRunner().invoke(cli, [*arguments, *self.options], input=given)

    def typed(self, *words: str) -> str:
        """A command as this terminal is told to type it next."""
        return shlex.join(["salesloft-mcp", *words, *self.options])

    def planned(self, *source: str) -> str:
        """A plan of mappings from a source."""
        result = self("backfill", "plan", *source, *TO, "--json")
        assert result.exit_code == 0, result.output
        return str(json.loads(result.stdout)["plan"])

    def outcomes(self, plan: str) -> dict[str, int]:
        """How many writes of a run ended in which way."""
        found: dict[str, int] = json.loads(self("runs", "status", plan, "--json").stdout).get("outcomes", {})
        return found

    def state_of(self, plan: str) -> str:
        """What is told of a plan in one word."""
        return str(json.loads(self("runs", "status", plan, "--json").stdout)["state"])

    def changes(self) -> str:
        """The log, as a person reads it."""
        return CliRunner().invoke(cli, ["changes", "--state-dir", str(self.state)]).stdout


def few_rows(folder: Path) -> str:
    """A file with one row that can be written; its id looks like a formula."""
    file = folder / "few.csv"
    file.write_text(f"external_id,object_id\n@1,{PEOPLE[0]}\nN2,{PEOPLE[1]}\nN2,{PEOPLE[2]}\nN3,99\n")
    return str(file)


def many_rows(folder: Path) -> str:
    """A file with more rows than go unasked."""
    file = folder / "many.jsonl"
    rows = ({"external_id": f"N{n}", "object_id": PEOPLE[n % 100]} for n in range(510))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)
