"""The house keeps its shape: one import direction, small files and functions, each library in its place."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import salesloft_mcp
from salesloft_mcp.server.inventory import NAMES

ROOT = Path(salesloft_mcp.__file__).parent
FILES = sorted(file for file in ROOT.rglob("*.py"))

# Left never imports right; parts of one layer do not import each other.
LAYERS = (
    {"errors", "text"},
    {"settings"},
    {"state"},
    {"salesloft"},
    {"intake"},
    {"lookups"},
    {"changes"},
    {"bulk", "audit"},
    {"app"},
    {"server"},
    {"hosting", "demo"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
PLACES = {
    "httpx": {"salesloft", "app.py"},
    "sqlite3": {"state", "sandbox/store.py"},
    "mcp": {"server", "hosting", "demo"},
    "mcp_types": {"server", "demo"},
    "click": {"cli.py", "commands"},
    "rich": {"demo", "commands"},
    "uvicorn": {"hosting/http.py", "sandbox/serve.py"},
    "stamina": {"salesloft/retry.py"},
    "truststore": {"salesloft"},
    "pydantic_settings": {"settings.py"},
    "platformdirs": {"settings.py"},
}
ISLAND = "sandbox"
STILL_NAMING_TOOLS = {"app.py", "bulk/jobs.py", "changes/upsert.py", "changes/writes.py"}
ISLAND_IMPORTERS = {"app", "commands", "cli"}


def module_of(file: Path) -> str:
    parts = ("salesloft_mcp", *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def part(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(node: ast.AST) -> Iterator[str]:
    """The modules that are imported anywhere below `node`."""
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom) and one.module:
            submodules = [f"{one.module}.{alias.name}" for alias in one.names]
            known = [module for module in submodules if module in MODULES]
            yield from known or [one.module]


def own_imports(file: Path) -> set[str]:
    """The parts of this package that `file` imports."""
    return {module.split(".")[1] for module in imports(tree(file)) if module.startswith("salesloft_mcp.")}


def functions() -> Iterator[tuple[str, int]]:
    for file in FILES:
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                yield f"{name(file)}:{node.name}", lines


def layer(of: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if of in parts)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_imports_go_one_way(file: Path) -> None:
    here = part(file)
    if here in ("__init__", ISLAND):
        return
    for other in own_imports(file) - {here, ISLAND}:
        assert layer(other) < layer(here), f"{name(file)} imports {other}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_the_sandbox_is_an_island(file: Path) -> None:
    if part(file) == ISLAND:
        assert own_imports(file) <= {ISLAND}
    elif ISLAND in own_imports(file):
        assert part(file) in ISLAND_IMPORTERS


@pytest.mark.parametrize("library", PLACES)
def test_each_library_is_used_in_its_place_only(library: str) -> None:
    for file in FILES:
        if library in {module.split(".")[0] for module in imports(tree(file))}:
            assert name(file) in PLACES[library] or part(file) in PLACES[library], f"{name(file)} imports {library}"


def test_the_environment_is_read_in_one_place() -> None:
    users = [name(file) for file in FILES if "os.environ" in file.read_text(encoding="utf-8")]
    assert users == ["settings.py"]


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nothing_below_the_server_speaks_of_tools(file: Path) -> None:
    """Its reader may be a person at a terminal, or a program that uses the client alone: hints take a tool's place."""
    if name(file) in STILL_NAMING_TOOLS or part(file) in ("__init__", "__main__", ISLAND):
        return
    if layer(part(file)) < layer("server"):
        said = [node.value for node in ast.walk(tree(file)) if isinstance(node, ast.Constant)]
        assert not [text for text in said if isinstance(text, str) and any(tool in text for tool in NAMES)]


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
    assert statistics.median(lines for lines in sizes.values() if lines > 5) <= 120


def test_functions_are_short() -> None:
    sizes = dict(functions())
    assert {function: lines for function, lines in sizes.items() if lines > 40} == {}
    assert statistics.median(sizes.values()) <= 8
    assert sorted(sizes.values())[int(len(sizes) * 0.9)] <= 25


@pytest.mark.parametrize("file", FILES, ids=name)
def test_no_handler_catches_everything(file: Path) -> None:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            assert not broad, f"{name(file)}:{node.lineno}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_imports_of_our_own_stand_at_the_top(file: Path) -> None:
    if part(file) in ("cli", "commands"):
        return  # --help must not pay for the protocol library
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not [module for module in imports(node) if module.startswith("salesloft_mcp")], name(file)
