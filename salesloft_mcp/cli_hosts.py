"""The commands that put this server into the configuration of a host, and out of it, and that look whether it works."""

import re

import click

from salesloft_mcp.commands import options
from salesloft_mcp.commands.options import EXIT_CODES, state_dir

# Those of the table of hosts, which takes too long to be imported for `--help`.
HOSTS = ("claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini")

# Some hosts put the name before that of a tool, and take 60 characters for both; the longest tool has 33.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,23}")


def _named(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise click.BadParameter("takes up to 24 letters, digits, - and _.")
    return value


host = click.argument("host", type=click.Choice(HOSTS))
name = click.option("--name", default="salesloft", show_default=True, callback=_named, help="How it is called there.")
yes = click.option("--yes", is_flag=True, help="Do not ask. What starts something else stays.")


@click.command(cls=options.Later, epilog=EXIT_CODES)
@host
@options.sandbox
@options.base_url
@options.mode
@options.ask
@options.confirm
@options.tools
@state_dir
@options.files_dir
@name
@click.option("--print", "as_block", is_flag=True, help="Show the block to copy, and where it belongs; write nothing.")
@yes
def install() -> None:
    """Connect an assistant: write this server into its configuration.

    The change is shown first, and is made when you agree. The file as it was is kept beside it, and everything else in
    it stays as it is. Options go into the entry, and so do the settings of this terminal. No key does: the server uses
    what `salesloft-mcp login` keeps, which may be an API key; VS Code asks for one; and what runs in a terminal hands
    SALESLOFT_API_KEY on.

    \b
    salesloft-mcp install claude-code --sandbox
    salesloft-mcp install claude-desktop --mode no-delete
    """


@click.command(cls=options.Later, epilog=EXIT_CODES)
@host
@name
@yes
def uninstall() -> None:
    """Take this server out of the configuration of an assistant.

    What goes is shown first, and the file as it was is kept beside it. Everything else in it stays as it is.
    """


@click.command(cls=options.Later, epilog=EXIT_CODES)
@options.mode
@options.ask
@options.confirm
@options.files_dir
@options.as_json(help="Print it for machines.")
@options.on_salesloft
def doctor() -> None:
    """Tell what is wrong with a setup, and how to mend it.

    What is wrong comes first. Then: the version, each setting and where it comes from, the policy, the network, the
    sign-in, whose token it is, what it may read, how this Salesloft behaves, the clock, the points, the state folder,
    and each assistant with what a server last saw of it. It holds no secret, so it can go into a ticket. Nothing is
    changed, but for a sign-in that is renewed where its time has come; it costs at most 8 points. Give it the options
    that the server is started with.

    The exit code is 1 when something is wrong, and else 0; that of wrong options is 2. With --json, each check has its
    status (ok, wrong or unknown), its facts in words, its findings with how to mend each, and its data.
    """


COMMANDS = (install, uninstall, doctor)
