"""`salesloft-mcp doctor`: what is wrong with a setup, and how to mend it."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import anyio
import click

from salesloft_mcp.app import way_to
from salesloft_mcp.commands.live import open_sandbox
from salesloft_mcp.commands.options import Option
from salesloft_mcp.doctor.examine import judged, readings_of
from salesloft_mcp.doctor.readings import Chosen
from salesloft_mcp.errors import PolicyError
from salesloft_mcp.policy import NO_LIMITS, Policy
from salesloft_mcp.policy_file import installed
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.inventory import check_policy
from salesloft_mcp.settings import with_faults


def doctor(sandbox: bool, sandbox_file: Path | None, as_json: bool, **options: Option) -> None:
    """Look at everything, tell it, and exit with 1 when something is wrong."""
    with open_sandbox(sandbox_file) if sandbox else nullcontext() as box:
        sys.exit(anyio.run(_told, _chosen(options, sandbox=sandbox), box, as_json))


async def _told(chosen: Chosen, box: Sandbox | None, as_json: bool) -> int:
    readings = await readings_of(chosen, way_to(chosen.settings, box) if chosen.settings else None)
    report = judged(readings)
    click.echo(json.dumps(report.data(), indent=2) if as_json else report.text())
    return 1 if report.wrong else 0


def _chosen(options: Mapping[str, Option], *, sandbox: bool) -> Chosen:
    """The settings and the policy, or what is wrong with them."""
    policy, fault = _policy()
    with _warnings() as warnings:
        settings, by, faults = with_faults(options, policy)
    return Chosen(settings, policy, by, faults, fault, tuple(dict.fromkeys(warnings)), sandbox)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What is logged meanwhile: names in the environment that are no settings. It is told with all the rest."""
    log, said = logging.getLogger("salesloft_mcp"), []

    def keep(record: logging.LogRecord) -> bool:
        said.append(record.getMessage())
        return False

    log.addFilter(keep)
    try:
        yield said
    finally:
        log.removeFilter(keep)


def _policy() -> tuple[Policy, PolicyError | None]:
    try:
        policy = installed()
        check_policy(policy)
    except PolicyError as error:
        return NO_LIMITS, error
    return policy, None
