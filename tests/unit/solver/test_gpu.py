"""The GPU's kernels: on a CUDA device where there is one, and everywhere the same source compiled for the CPU."""

import ctypes
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.rules import deal_from_seed
from forge_core.solver.gpu import (
    DEFINES,
    SOURCE,
    CudaDevice,
    Device,
    TableBatch,
    has_cuda,
    layout_words,
    rules_bytes,
    solve_batches,
    table_q,
)
from forge_core.solver.search import search_q
from forge_core.solver.state import OPENING
from forge_core.solver.value_table import solve


def test_structures_have_one_size(device: Device) -> None:
    library = getattr(device, "library", None)
    if library is None:
        pytest.skip("only the CPU's build tells the sizes")
    library.size_of_layout.restype = library.size_of_rules.restype = ctypes.c_int64
    assert library.size_of_layout() == layout_words().nbytes
    assert library.size_of_rules() == rules_bytes([deal_from_seed(0)], [0]).nbytes


def test_tables_equal_those_of_the_cpu(device: Device) -> None:
    seeds = [1, 8, 17]
    deals = [deal_from_seed(seed) for seed in seeds]
    tables = chain.from_iterable(solve_batches(device, deals, [seed % 10 for seed in seeds]))
    for seed, theirs in zip(seeds, tables, strict=True):
        assert theirs.deal == deal_from_seed(seed)
        mine = solve(deal_from_seed(seed), seed % 10)
        assert (theirs.states_by_plays_left == mine.states_by_plays_left).all()
        assert theirs.opening_value == mine.opening_value
        ranks = np.sort(np.random.default_rng(seed).choice(mine.reachable_states, 20_000, replace=False))
        ranks = np.concatenate([ranks, np.arange(mine.reachable_states - 4, mine.reachable_states)])
        ranks = np.unique(np.concatenate([ranks, np.arange(100)]))
        states = mine.states(ranks)
        assert (theirs.states(ranks) == states).all()
        assert (theirs.q(states) == mine.q(states)).all()
        for tricks in range(8):
            np.testing.assert_array_equal(theirs.boundary_values(tricks), mine.boundary_values(tricks))
        sample = mine.sample(1000, np.random.default_rng(1))
        assert (theirs.sample(1000, np.random.default_rng(1)) == sample).all()


def test_any_start(device: Device) -> None:
    """Late and mid-trick states of different deals in one launch, against the search."""
    dealt, declarations, states = [], [], []
    for seed in range(6):
        deal = deal_from_seed(300 + seed)
        table = solve(deal, seed)
        late = int(table.states_by_plays_left[17:].sum())  # from here on 16 plays are left, or fewer
        ranks = np.sort(np.random.default_rng(seed).choice(np.arange(late, late + 200_000), 3, replace=False))
        states += table.states(ranks).tolist()
        dealt += [deal.dominoes] * 3
        declarations += [seed] * 3
    arguments = np.array(dealt, dtype=np.uint8), np.array(declarations, dtype=np.uint8), np.array(states)
    assert (table_q(device, *arguments) == search_q(*arguments)).all()


def test_states_of_no_game_are_refused(device: Device) -> None:
    batch = TableBatch(device, [deal_from_seed(1)], [1])
    for state in (OPENING & ~1, OPENING | 1 << 28, OPENING & ~(7 << 32) | 1 << 30, (1 << 41) - 1):
        with pytest.raises(InputError, match=f"state {state}"):
            batch.q([0, 0], np.array([OPENING, state]))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc_compiles_the_kernels(architecture: str, tmp_path: Path) -> None:
    if shutil.which("nvcc") is None:
        pytest.skip("nvcc is not installed")
    command = ["nvcc", "-std=c++17", f"-arch={architecture}", "-cubin", "-Werror", "all-warnings"]
    subprocess.run([*command, *DEFINES, "-o", tmp_path / "kernels.cubin", SOURCE], check=True)


def test_without_a_device_the_message_says_what_to_do() -> None:
    if has_cuda():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(InputError, match=r"device cuda, but .*crystal-forge\[gpu\]"):
        CudaDevice()
