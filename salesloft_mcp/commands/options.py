"""The options that commands share, and errors told in two lines. Imports nothing that takes long."""

import importlib
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from salesloft_mcp.errors import Hint, InputError, SalesloftMcpError, SignedOutError
from salesloft_mcp.placeholders import is_blank, left_behind
from salesloft_mcp.program import program

_COMMANDS = {
    Hint.LIST_MAPPINGS: "run `salesloft-mcp resolve`",
    Hint.PLAN_AGAIN: "plan it again with `salesloft-mcp backfill plan`, `bulk-upsert plan` or `rename plan`",
    Hint.LIST_CHANGES: "run `salesloft-mcp changes`",
    Hint.UNDO: "give `salesloft-mcp runs undo` the plan of change",
}
# Commands of `backfill` in version 0.1, and what they are called under `runs`.
_MOVED = {"run": "start", **{name: name for name in ("resume", "status", "cancel", "list", "report")}}

_CONTRADICTIONS = {
    ("sandbox", "base_url"): "it is either the sandbox or that address.",
    ("http", "files_dir"): "callers over HTTP may read no files.",
}
_NEEDS = {"sandbox_file": "sandbox", "dialect": "sandbox", "host": "http", "port": "http"}
# What a command does is done by tools, too: where the policy takes these away, it takes the command away. A run can be
# stopped and looked at all the same.
_TOOLS = {
    "resolve": ("resolve_external_ids",),
    "audit": ("audit_external_ids",),
    "backfill plan": ("plan_backfill",),
    "bulk-upsert plan": ("plan_bulk_upsert",),
    "rename plan": ("plan_type_rename",),
    "runs start": ("run_plan",),
    "runs resume": ("run_plan",),
    "runs undo": ("undo_change",),
    "verify": (
        "create_external_id_configuration",
        "create_external_id_mapping",
        "delete_external_id_mapping",
        "delete_external_id_configuration",
    ),
}

EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong options or settings, 129, 130 and 143 stopped by a signal."

Option = str | int | Path | None

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


class _Setting(click.Option):
    """An option that is a setting, or that a template fills in like one. A blank one is as if it was not given, and
    what a template left as it was is refused where all settings are: a server answers with it.
    """

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """The value as it is given, and by whom: by nobody when a template left it blank."""
        value, source = super().consume_value(ctx, opts)
        if value is not None and is_blank(value):
            return self.get_default(ctx), ParameterSource.DEFAULT
        return value, source

    def type_cast_value(self, ctx: click.Context, value: object) -> object:
        """The value as its type wants it, or as a template left it."""
        if is_blank(value):
            return value
        return value if isinstance(value, str) and left_behind(value) else super().type_cast_value(ctx, value)


setting = partial(click.option, cls=_Setting)
base_url = setting("--base-url", help="Where the API lives. [default: https://api.salesloft.com]")
mode = setting("--mode", type=click.Choice(["full", "no-delete", "read-only"]), help="What tools may do.")
ask = setting(
    "--ask",
    type=click.Choice(["deletes", "overwrites", "all"]),
    help="What a person is asked about. [default: deletes]",
)
confirm = setting("--confirm", type=click.Choice(["auto", "elicit", "outside"]), help="How a person agrees.")
files_dir = setting(
    "--files-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder whose files plans may be made of; none by default, never over HTTP.",
)
tools = setting("--tools", default="", help="Only these tools, separated by commas.")
rate_limit = setting("--rate-limit", type=int, help="Points a minute this process may spend. [default: 570]")
state_dir = setting("--state-dir", type=FOLDER, help="Where approvals, the change log and plans are kept.")
sandbox_file = setting("--sandbox-file", type=FILE, help="Keep the sandbox's data here.")
sandbox = click.option(
    "--sandbox", is_flag=True, help="Use the embedded sandbox: no account, no network, no real data."
)
dialect = partial(setting, "--dialect", type=click.Choice(["reference", "guide"]), default="reference")
object_type = partial(click.option, "--object-type", type=click.Choice(["people", "accounts", "users"]))
columns = click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which field a column of the file holds; COLUMN= leaves it out.",
)
as_json = partial(click.option, "--json", "as_json", is_flag=True)


def on_salesloft(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that talks to Salesloft; they go to `with_app`."""
    for option in (rate_limit, state_dir, base_url, sandbox_file, sandbox):
        command = option(command)
    return command


def typed(*words: str, also: tuple[str, ...] = ()) -> str:
    """A command that can be typed as it is: with the options of the one that runs now which say where it works, and
    those named in `also`.
    """
    context = click.get_current_context()
    for name in (*also, "sandbox", "sandbox_file", "base_url", "state_dir"):
        value = context.params.get(name)
        if value and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words += (_option(name),) if value is True else (_option(name), str(value))
    return shlex.join([program(), *words])


class Later(click.Command):
    """Does what the function of its name does, in the module of `commands` that has the name of the command."""

    def invoke(self, ctx: click.Context) -> object:
        """Import it now, which takes a while, and call it. What the command itself does comes first."""
        assert self.callback
        _refuse_unfit(ctx)
        _refuse_beyond_policy(ctx)
        self.callback()
        name = str(ctx.find_root().invoked_subcommand).replace("-", "_")
        module = importlib.import_module(f"salesloft_mcp.commands.{name}")
        return ctx.invoke(getattr(module, self.callback.__name__), **ctx.params)


class Commands(click.Group):
    """Errors of ours become two lines on standard error and exit code 2, or 1 when no option or setting is wrong."""

    command_class = Later
    group_class = type

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except SalesloftMcpError as error:
            click.echo(f"salesloft-mcp: {error.told(_COMMANDS)}", err=True)
            sys.exit(2 if isinstance(error, InputError | SignedOutError) else 1)


class Moved(Commands):
    """A group with one command left; those that moved to `runs` are answered with what to type now."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with."""
        name, *rest = args
        if name in _MOVED:
            now = shlex.join(["salesloft-mcp", "runs", _MOVED[name], *rest])
            raise click.UsageError(f"No such command '{name}' any more; use: {now}", ctx)
        return super().resolve_command(ctx, args)


def _refuse_unfit(ctx: click.Context) -> None:
    """Refuse options that contradict each other, or would be ignored: a misunderstanding about what is served."""
    for (flag, name), why in _CONTRADICTIONS.items():
        if ctx.params.get(flag) and ctx.params.get(name):
            raise click.UsageError(f"--{flag} and {_option(name)} exclude each other: {why}", ctx)
    for name, flag in _NEEDS.items():
        value = ctx.params.get(name)
        given = ctx.get_parameter_source(name) is not ParameterSource.DEFAULT and value is not None
        if given and not left_behind(str(value)) and ctx.params.get(flag) is False:
            raise click.UsageError(f"{_option(name)} needs --{flag}.", ctx)


def _refuse_beyond_policy(ctx: click.Context) -> None:
    """Hold a command to what the policy of this computer says of tools and of kinds of records. `load` holds its
    settings to the rest.

    Raises:
        PolicyError: the policy does not allow it.
    """
    name = " ".join(ctx.command_path.split()[1:])
    if name not in _TOOLS:
        return
    from salesloft_mcp.policy_file import installed

    policy = installed()
    if policy.tools or policy.exclude_tools:
        from salesloft_mcp.server.inventory import check_policy

        check_policy(policy)
    for tool in _TOOLS[name]:
        policy.require_tool(tool, name)
    if named := ctx.params.get("object_type"):
        policy.require_object_type(named, "--object-type")
    elif "object_type" in ctx.params:
        ctx.params["object_type"] = policy.only_object_type("--object-type") or named


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
