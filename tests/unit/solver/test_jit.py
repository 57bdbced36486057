"""The cache of compiled kernels heals itself."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from forge_core.solver.jit import is_compiled

SOURCE = """
from forge_core.solver.jit import kernel

@kernel
def successor(x):
    return x + 1
"""


def load(file: Path) -> Callable[[int], int]:
    """The kernel of a module, as a new process would import it."""
    spec = importlib.util.spec_from_file_location("kernels_of_a_test", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.successor


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kernels_of_a_test.py"
    path.write_text(SOURCE)
    return path


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("harm", [lambda _: b"", lambda content: content[: len(content) // 2], flip])
def test_a_damaged_cache_file_is_made_again(file: Path, suffix: str, harm: Callable[[bytes], bytes]) -> None:
    assert load(file)(1) == 2
    (cached,) = file.parent.glob(f"__pycache__/*.{suffix}")
    sound = cached.read_bytes()
    cached.write_bytes(harm(sound))
    assert load(file)(1) == 2
    healed = load(file)
    assert healed(1) == 2
    assert sum(healed._cache_hits.values()) == 1  # pyright: ignore
    assert is_compiled(healed)


def test_names_of_an_older_version_in_the_index_do_no_harm(file: Path) -> None:
    assert load(file)(1) == 2
    (index,) = file.parent.glob("__pycache__/*.nbi")
    content = index.read_bytes()
    assert b"numba.core.types" in content
    index.write_bytes(content.replace(b"numba.core.types", b"numba.gone.types"))
    assert load(file)(1) == 2


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment, check=False
    )


def test_kernels_are_compiled_whatever_numba_is_told() -> None:
    """Their instructions exist in compiled code alone."""
    code = SOURCE.replace("@kernel\n", "") + "print(kernel(successor)(1), hasattr(kernel(successor), 'signatures'))"
    done = run(code, NUMBA_DISABLE_JIT="1")
    assert (done.returncode, done.stdout) == (0, "2 True\n"), done.stderr
    assert done.stderr.count("does not count") == 1


def test_where_nothing_can_be_cached_there_is_one_warning() -> None:
    code = SOURCE.replace("@kernel\n", "") + "print(kernel(successor)(1)); print(kernel(successor)(2))"
    done = run(code)  # code without a file has no place for a cache
    assert (done.returncode, done.stdout) == (0, "2\n3\n"), done.stderr
    assert done.stderr.count("cannot be kept") == 1
