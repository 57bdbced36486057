"""The fingerprint of code: it changes when what a module computes may have changed, and only then.

It covers a module and every module of ours that it imports, directly or not. Of each it takes the tokens: comments,
docstrings, line breaks and blanks do not count, and neither does the version of Python that reads them. The bytes of
CUDA sources beside the modules count, too.

    imports under `if TYPE_CHECKING`        are not followed: they decide nothing
    the package around an imported module   counts with what it imports when it is imported itself
    `STAGE = ...`                           does not count: it says what a stage is called and where it may run
"""

import ast
import hashlib
import importlib.util
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGES = ("forge_core", "tasks")
"""The packages whose code may decide a result."""

_DECLARATION = "STAGE"
_SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER)


@cache
def fingerprint(*modules: str, without: tuple[str, ...] = ()) -> str:
    """SHA-256 in hexadecimal over modules, given by name, and everything of PACKAGES that they import.

    Args:
        modules: full names; nothing is imported.
        without: modules, or packages with all that is in them, that do not count.

    Raises:
        ModuleNotFoundError: for a name that is no module of PACKAGES.
    """
    for name in modules:
        if _source(name) is None:
            raise ModuleNotFoundError(f"{name} is no module of {', '.join(PACKAGES)}", name=name)
    paths = {name: path for name in _reached(modules, without) if (path := _source(name)) is not None}
    digest = hashlib.sha256()
    for name, path in sorted(paths.items()):
        digest.update(f"{name}\0{_code_digest(path)}\n".encode())
    for source in sorted({source for path in paths.values() for source in path.parent.glob("*.cu")}):
        digest.update(f"{source.name}\0{hashlib.sha256(source.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def reached(*modules: str, without: tuple[str, ...] = ()) -> list[str]:
    """The names of the modules that `fingerprint` covers, for people and tests."""
    return sorted(name for name in _reached(modules, without) if _source(name) is not None)


def _reached(modules: tuple[str, ...], without: tuple[str, ...]) -> set[str]:
    seen: set[tuple[str, bool]] = set()
    waiting = [(name, False) for name in modules]
    while waiting:
        name, surrounding = waiting.pop()
        excluded = any(name == each or name.startswith(f"{each}.") for each in without)
        if excluded or (name, surrounding) in seen or (path := _source(name)) is None:
            continue
        seen.add((name, surrounding))
        waiting += [(each, False) for each in _imports(path, inside=not surrounding)]
        waiting += [(each, True) for each in _parents(name)]
    return {name for name, _ in seen}


@cache
def _root(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:  # pragma: no cover - one of them holds this very file
        raise ModuleNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations)))


def _source(name: str) -> Path | None:
    """The file of a module of ours; None for a name that is no module (a class, a function) or not ours."""
    package, *parts = name.split(".")
    if package not in PACKAGES:
        return None
    path = _root(package).joinpath(*parts)
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@cache
def _code_digest(path: Path) -> str:
    return hashlib.sha256("\n".join(_code(path.read_text("utf-8"))).encode()).hexdigest()


def _code(text: str) -> Iterator[str]:
    """The words of a source, statement by statement, but for those that compute nothing."""
    statement: list[str] = []
    only_text, depth = True, 0
    for kind, word in _tokens(text):
        if kind in (tokenize.INDENT, tokenize.DEDENT):
            depth += 1 if kind == tokenize.INDENT else -1
            yield tokenize.tok_name[kind]
        elif kind == tokenize.NEWLINE:
            declares = depth == 0 and statement[0] == _DECLARATION
            if not only_text and not declares:
                yield " ".join(statement)
            statement, only_text = [], True
        else:
            statement.append(word)
            only_text = only_text and kind == tokenize.STRING


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """The tokens that count. An f-string is one token, as in Python 3.11; later ones take it apart."""
    starts, lines, depth, begin = getattr(tokenize, "FSTRING_START", -1), text.splitlines(keepends=True), 0, (0, 0)
    ends = getattr(tokenize, "FSTRING_END", -1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == starts:
            begin = begin if depth else token.start
            depth += 1
        elif token.type == ends:
            depth -= 1
            if not depth:
                yield tokenize.STRING, _between(lines, begin, token.end)
        elif not depth and token.type not in _SILENT:
            yield token.type, token.string


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    return "".join([lines[start[0] - 1][start[1] :], *lines[start[0] : end[0] - 1], lines[end[0] - 1][: end[1]]])


@cache
def _imports(path: Path, *, inside: bool) -> tuple[str, ...]:
    """The names of ours that a file imports, also those that may turn out to be no modules.

    Args:
        path: the file.
        inside: also what its functions import.
    """
    names: list[str] = []
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        elif inside or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)
    return tuple(name for name in names if name.split(".")[0] in PACKAGES)
