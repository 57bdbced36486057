"""The fingerprint of code: it changes when what a module computes may have changed.

A stage's cache key must not survive an edit to anything that the stage runs. So the fingerprint covers the syntax
trees (comments and docstrings do not count) of a module and of every forge_core module that it imports, directly or
not, and the bytes of the CUDA sources beside them.
"""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

PACKAGE = "forge_core"


@cache
def fingerprint(*modules: str) -> str:
    """SHA-256 in hexadecimal over modules of forge_core, given by name, and everything in forge_core they import.

    Nothing is imported for it. Raises ModuleNotFoundError for a name that is no module of forge_core.
    """
    for name in modules:
        if _source(name) is None:
            raise ModuleNotFoundError(f"{name} is no module of {PACKAGE}", name=name)
    seen: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or (path := _source(name)) is None:
            continue
        seen[name] = path
        waiting += [*_parents(name), *_imports(path)]
    digest = hashlib.sha256()
    for name, path in sorted(seen.items()):
        digest.update(f"{name}\0{_tree_digest(path)}\n".encode())
    for source in sorted({source for path in seen.values() for source in path.parent.glob("*.cu")}):
        digest.update(f"{source.name}\0{hashlib.sha256(source.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@cache
def _root() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:  # pragma: no cover - the package that holds this very file
        raise ModuleNotFoundError(PACKAGE)
    return Path(spec.origin).parent


def _source(name: str) -> Path | None:
    """The file of a module of forge_core; None for a name that is no module (a class, a function)."""
    path = _root().joinpath(*name.split(".")[1:])
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@cache
def _tree(path: Path) -> ast.Module:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


@cache
def _tree_digest(path: Path) -> str:
    return hashlib.sha256(ast.dump(_tree(path)).encode()).hexdigest()


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """The forge_core names that a file imports anywhere, also those that may turn out to be no modules."""
    names: list[str] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name == PACKAGE or name.startswith(PACKAGE + "."))
