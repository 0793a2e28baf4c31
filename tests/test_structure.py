"""The house keeps its shape: one import direction, small files and functions, each library in its place."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import salesloft_mcp
from salesloft_mcp.server.inventory import NAMES

ROOT = Path(salesloft_mcp.__file__).parent
FILES = sorted(file for file in ROOT.rglob("*.py"))

# Left never imports right; parts of one layer do not import each other.
LAYERS = (
    {"errors", "placeholders", "program", "text"},
    {"policy", "validation"},
    {"policy_file"},
    {"settings"},
    {"state"},
    {"browser", "hosts"},
    {"salesloft"},
    {"intake"},
    {"lookups"},
    {"changes"},
    {"bulk", "audit", "verify", "sign_in"},
    {"app"},
    {"server"},
    {"hosting", "demo", "doctor"},
    {"commands"},
    {"cli_plans", "cli_hosts"},
    {"cli"},
    {"__main__"},
)
PLACES = {
    "httpx": {"salesloft", "app.py"},
    "sqlite3": {"state", "sandbox/store.py"},
    "mcp": {"server", "hosting", "demo"},
    "mcp_types": {"server", "hosting", "demo"},
    "click": {"cli.py", "cli_hosts.py", "cli_plans.py", "commands"},
    "rich": {"demo", "commands"},
    "uvicorn": {"browser/loopback.py", "hosting/http.py", "sandbox/serve.py"},
    "stamina": {"salesloft/retry.py"},
    "charset_normalizer": {"intake/code_pages.py"},
    "openpyxl": {"intake/workbooks.py"},
    "truststore": {"salesloft"},
    "cryptography": {"salesloft/certificates.py"},
    "pydantic_settings": {"settings.py"},
    "platformdirs": {"settings.py"},
    "tomlkit": {"hosts/toml_edit.py"},
    "keyring": {"state/keyrings.py"},
}
# What the pages of mcp's documentation import from. Anything else of it may change with any release.
DOCUMENTED = {
    "mcp",
    "mcp.client",
    "mcp.client.stdio",
    "mcp.server",
    "mcp.server.apps",
    "mcp.server.context",
    "mcp.server.mcpserver",
    "mcp.server.mcpserver.exceptions",
    "mcp.server.mcpserver.prompts.base",
    "mcp.server.mcpserver.resolve",
    "mcp.server.transport_security",
}
ARMS_LENGTH = {"server/sdk.py", "server/lines.py"}  # and test_sdk.py and test_lines.py hold what they use
TOOLS = "salesloft_mcp.server.tools."
ISLAND = "sandbox"
ISLAND_IMPORTERS = {"app", "commands", "cli"}


def module_of(file: Path) -> str:
    parts = ("salesloft_mcp", *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def part(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imports(node: ast.AST) -> list[str]:
    """The modules that are imported anywhere below `node`."""
    found: list[str] = []
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            found += [alias.name for alias in one.names]
        elif isinstance(one, ast.ImportFrom) and one.module:
            submodules = [f"{one.module}.{alias.name}" for alias in one.names]
            found += [module for module in submodules if module in MODULES] or [one.module]
    return found


def own_imports(file: Path) -> set[str]:
    """The parts of this package that `file` imports."""
    return {module.split(".")[1] for module in imports(tree(file)) if module.startswith("salesloft_mcp.")}


@cache
def nodes() -> list[tuple[Path, ast.AST]]:
    """Every node of every file."""
    return [(file, node) for file in FILES for node in ast.walk(tree(file))]


def functions() -> Iterator[tuple[str, int]]:
    for file, node in nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            yield f"{name(file)}:{node.name}", lines


def layer(of: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if of in parts)


def test_imports_go_one_way() -> None:
    for file in FILES:
        here = part(file)
        if here not in ("__init__", ISLAND):
            for other in own_imports(file) - {here, ISLAND}:
                assert layer(other) < layer(here), f"{name(file)} imports {other}"


def test_the_sandbox_is_an_island() -> None:
    for file in FILES:
        if part(file) == ISLAND:
            assert own_imports(file) <= {ISLAND}, name(file)
        elif ISLAND in own_imports(file):
            assert part(file) in ISLAND_IMPORTERS, name(file)


@pytest.mark.parametrize("library", PLACES)
def test_each_library_is_used_in_its_place_only(library: str) -> None:
    for file in FILES:
        if library in {module.split(".")[0] for module in imports(tree(file))}:
            assert name(file) in PLACES[library] or part(file) in PLACES[library], f"{name(file)} imports {library}"


def test_what_the_protocol_library_does_not_document_is_used_in_one_file_only() -> None:
    for file, node in nodes():
        if isinstance(node, ast.Import):
            assert "mcp" not in {one.name.split(".")[0] for one in node.names}, f"{name(file)}:{node.lineno}"
        if (
            isinstance(node, ast.ImportFrom)
            and str(node.module).split(".")[0] == "mcp"
            and name(file) not in ARMS_LENGTH
        ):
            assert node.module in DOCUMENTED, f"{name(file)}:{node.lineno} imports {node.module}"


def test_nobody_reaches_into_the_private_parts_of_another_object() -> None:
    for file, node in nodes():
        private = isinstance(node, ast.Attribute) and re.match("_(?!_|(asdict|fields|replace)$)", node.attr)
        if isinstance(node, ast.Attribute) and private and name(file) not in ARMS_LENGTH:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            assert owner in ("self", "cls"), f"{name(file)}:{node.lineno} uses {ast.unparse(node)}"


def test_the_environment_is_read_in_one_place() -> None:
    users = [name(file) for file in FILES if "os.environ" in file.read_text(encoding="utf-8")]
    assert users == ["settings.py"]


def test_only_the_inventory_imports_tools() -> None:
    """Tools stand on what else is in server/, and nothing of that stands on a tool."""
    importers = {name(file) for file in FILES if any(module.startswith(TOOLS) for module in imports(tree(file)))}
    assert {one for one in importers if one.startswith("server/") and "/tools/" not in one} == {"server/inventory.py"}


def test_nothing_below_the_server_speaks_of_tools() -> None:
    """Its reader may be a person at a terminal, or a program that uses the client alone: hints take a tool's place."""
    for file in FILES:
        if part(file) not in ("__init__", "__main__", ISLAND) and layer(part(file)) < layer("server"):
            said = [node.value for node in ast.walk(tree(file)) if isinstance(node, ast.Constant)]
            assert not [text for text in said if isinstance(text, str) and any(tool in text for tool in NAMES)], file


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {module: {one for one in imports(tree(file)) if one in MODULES} for module, file in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " > ".join((*path, module))
        if module not in done:
            for other in graph[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_files_are_short() -> None:
    sizes = {name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {file: lines for file, lines in sizes.items() if lines > 300} == {}


def test_functions_are_short() -> None:
    assert {function: lines for function, lines in functions() if lines > 40} == {}


def test_no_handler_catches_everything() -> None:
    for file, node in nodes():
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            assert not broad, f"{name(file)}:{node.lineno}"


def test_imports_of_our_own_stand_at_the_top() -> None:
    for file, node in nodes():
        # --help must not pay for the protocol library
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and part(file) not in ("cli", "commands"):
            assert not [module for module in imports(node) if module.startswith("salesloft_mcp")], name(file)
