"""`salesloft-mcp uninstall`: this server out of the configuration of a host."""

import sys
from pathlib import Path

import click

from salesloft_mcp.commands.install import change
from salesloft_mcp.hosts import edit
from salesloft_mcp.hosts.entry import is_ours
from salesloft_mcp.hosts.files import read
from salesloft_mcp.hosts.table import HOSTS, System
from salesloft_mcp.settings import surroundings


def uninstall(host: str, name: str, yes: bool) -> None:
    """Show what goes, and take it out when a person agrees."""
    row = HOSTS[host]
    file = read(row.file(System(sys.platform, Path.home(), surroundings())))
    entries = edit.servers(row, file)
    if name not in entries:
        click.echo(f'Nothing to do: {file.path} has no "{name}".')
    else:
        new = edit.without_entry(row, file, name)
        change(row, file, new, name, (), yes=yes, foreign=not is_ours(entries[name]))
        click.echo(f'{row.title} does not have "{name}" any more.')
    for note in edit.others(row, file, name):
        click.echo(f"Note: {note}")
