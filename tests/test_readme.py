"""What the README says is true."""

import re
from pathlib import Path

import click
import pytest
from mcp.server.mcpserver.prompts.base import Prompt

from salesloft_mcp.cli import cli
from salesloft_mcp.server.inventory import INVENTORY
from salesloft_mcp.server.prompts import prompts
from salesloft_mcp.settings import PREFIX, Settings
from salesloft_mcp.verify.check import NOBODY
from salesloft_mcp.verify.table import CHECKS, NOT_TRIED

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DISAGREE = "Where the documents disagree, or one of them alone speaks"
ASSUMPTIONS = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")


def section(title: str, text: str = README) -> str:
    """The text below a heading, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[2]


def rows(title: str, text: str = README) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = [line for line in section(title, text).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(title: str) -> list[str]:
    return [row[0].strip("`") for row in rows(title)]


def test_every_tool_is_listed_with_its_kind() -> None:
    listed = [(name, row[2]) for row in rows("Tools") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(listed) == sorted((entry.name, entry.kind) for entry in INVENTORY)


def test_every_setting_is_listed_with_its_default() -> None:
    assert names("Settings") == [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for row, field in zip(rows("Settings"), Settings.model_fields.values(), strict=True):
        if field.default is not None and field.default_factory is None:
            assert row[1] == f"`{field.default}`"


def test_every_command_is_listed() -> None:
    assert [name.removeprefix("salesloft-mcp ") for name in names("Commands")] == list(cli.commands)


def test_every_option_that_is_named_exists() -> None:
    groups = [command for command in cli.commands.values() if isinstance(command, click.Group)]
    commands = [*cli.commands.values(), *(one for group in groups for one in group.commands.values())]
    known = {option for command in commands for one in command.params for option in one.opts}
    for option in re.findall(r"`(--[a-z-]+)", README):
        assert option in known, option


def test_every_prompt_is_listed() -> None:
    known: list[Prompt] = list(prompts())
    assert all(f"`{prompt.name}`" in README for prompt in known)


@pytest.mark.parametrize("row", rows("Assumptions", ASSUMPTIONS), ids=lambda row: row[0][:40])
def test_every_assumption_is_shown_by_a_test_of_the_sandbox(row: list[str]) -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "sandbox").glob("*.py"))
    assert f"def {row[1].strip('`')}(" in tests


def test_every_assumption_is_tried_by_verify_or_it_says_why_not() -> None:
    """And nothing is tried that is not told there."""
    told = rows("Assumptions", ASSUMPTIONS) + rows(DISAGREE, ASSUMPTIONS)
    tried = {check.assumption: f"`{check.name}`" for check in CHECKS}
    not_tried = {one.assumption: f"not tried: {one.why}" for one in NOT_TRIED}
    assert {row[0]: row[2] for row in told} == tried | not_tried
    assert len(told) == len(CHECKS) + len(NOT_TRIED)


def test_what_the_documents_say_is_told_as_the_checks_tell_it() -> None:
    sources = {one.assumption: one.source for one in CHECKS} | {one.assumption: one.source for one in NOT_TRIED}
    said = {assumption: source for assumption, source in sources.items() if source != NOBODY}
    assert {row[0]: row[1] for row in rows(DISAGREE, ASSUMPTIONS)} == said


def test_ci_runs_exactly_the_test_command_of_the_readme() -> None:
    (command,) = re.findall(r"^python3 .*pytest.*$", README, re.MULTILINE)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_exit_codes_are_those_the_help_tells() -> None:
    for command in cli.commands.values():
        with click.Context(command, info_name="salesloft-mcp") as context:
            told = " ".join(command.get_help(context).split())
        assert "0 done, 1 failed, 2 wrong options or settings, 129, 130 and 143 stopped by a signal" in told


def test_it_says_that_it_is_independent_of_salesloft() -> None:
    assert "It is independent of Salesloft" in README


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) < 200
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_sample_of_the_library_runs_as_it_is_pasted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", section("As a library"), re.DOTALL)
    monkeypatch.setenv("SALESLOFT_STATE_DIR", str(tmp_path))
    exec(compile(sample, "README.md", "exec"), {"__name__": "sample"})
    assert capsys.readouterr().out == "578495206\n"
