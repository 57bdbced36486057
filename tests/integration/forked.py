"""Runs of `forge` that do not import again what every run imports: each is a fork of one process that has done so.

What reads the environment when it is imported (Prefect, most of this project) is left to the fork, which has the
environment of its run.
"""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing.pool import Pool
from pathlib import Path


def forks(at_once: int) -> Pool:
    """Processes that call `forge` once each."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["flows.cli", "jaxtyping", "numba", "polars", "pyarrow", "pydantic_settings", "rich.console", "scipy", "yaml"]
    )
    return context.Pool(at_once, maxtasksperchild=1)


def forge(words: Sequence[bytes], environment: Mapping[bytes, bytes], folder: Path) -> int:
    """Run `forge` with nothing but this environment; what it says goes to the files out and err of the folder.

    Returns its exit code. Words and environment are bytes, as those of a process are: a name may not be UTF-8.
    """
    for name in os.environb.keys() - environment.keys():
        del os.environb[name]
    os.environb.update(environment)
    for number, path in enumerate((os.devnull, folder / "out", folder / "err")):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY), number)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, encoding="utf-8", closefd=False) for number in (1, 2))
    sys.argv = ["forge", *map(os.fsdecode, words)]
    from flows.cli import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
