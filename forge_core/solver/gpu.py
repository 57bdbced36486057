"""The door to the GPU: many deals solved in one launch a level, sampled and looked up where their tables lie.

Nothing outside this module imports CuPy. The tables are dense here, 40 MB a deal, so a batch is as large as the
device's free memory allows. What runs the kernels is a `Device`: CuPy, or, in the tests, the same source compiled for
the CPU.
"""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int8, Int64, UInt8

from forge_core.errors import InputError
from forge_core.rules import Deal
from forge_core.solver import state
from forge_core.solver.deal_rules import deal_rules
from forge_core.solver.ranking import HANDS, HOLDS, MASK_OF_RANK, RANK_OF_MASK, ROW_START, VOIDS
from forge_core.solver.solved import SolvedDeal, unreachable
from forge_core.solver.state import OPENING, fields

SOURCE = Path(__file__).with_name("value_table.cu")
THREADS_A_ROW = 16
"""Threads that share the reachable lanes of a row when it is valued: eleven on average, of 64."""
DEFINES = (
    f"-DTHREADS_A_ROW={THREADS_A_ROW}",
    *(
        f"-D{name}={value}{'LL' if name == 'ALL_HELD' else ''}"
        for name, value in vars(state).items()
        if name.isupper() and isinstance(value, int)
    ),
)
"""The constants of the kernels and of the packed state, as the compiler's options for SOURCE."""
KERNELS = ("mark_level", "value_level", "states_of_ranks", "q_of_states")
_ROWS = int(ROW_START[-1])
_RULES_BYTES = 320
_BYTES_A_DEAL = _ROWS * (64 + 8 + 2 * 4 * 4)
_BLOCK = 256
_UNREACHABLE = 127


class Device(Protocol):
    """Something that holds arrays and runs the kernels of value_table.cu over a number of threads."""

    name: str
    xp: Any

    def launch(self, kernel: str, threads: int, *arguments: Any) -> None:
        """Run a kernel: arrays of `xp` go as pointers, integers as 64-bit integers."""
        ...

    def free_bytes(self) -> int:
        """The memory that a batch of deals may take."""
        ...


class CudaDevice:
    """The first CUDA device, through CuPy; its kernels are compiled once and cached by CuPy.

    Raises InputError when there is no CuPy or no device.
    """

    def __init__(self) -> None:
        try:
            import cupy  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise _no_device("no CuPy in this environment") from error
        self.xp: Any = cupy
        try:
            self.name: str = self.xp.cuda.runtime.getDeviceProperties(0)["name"].decode()
        except self.xp.cuda.runtime.CUDARuntimeError as error:
            raise _no_device(str(error)) from error
        self._module: Any = self.xp.RawModule(code=SOURCE.read_text(), options=("--std=c++17", *DEFINES))

    def launch(self, kernel: str, threads: int, *arguments: Any) -> None:
        """Run a kernel over at least that many threads."""
        blocks = -(-threads // _BLOCK)
        self._module.get_function(kernel)((blocks,), (_BLOCK,), arguments)

    def free_bytes(self) -> int:
        """Nine tenths of the device's free memory and of what CuPy has taken from it but holds nothing in."""
        free = self.xp.cuda.runtime.memGetInfo()[0] + self.xp.get_default_memory_pool().free_bytes()
        return int(free * 0.9)


def _no_device(why: str) -> InputError:
    return InputError.of(
        got=f"device cuda, but {why}",
        expected="a CUDA device and CuPy (pip install 'crystal-forge[gpu]')",
        remedy="install the extra `gpu` on a machine with a GPU, or choose the device cpu",
    )


@cache
def cuda_device() -> CudaDevice:
    """The CUDA device of this process."""
    return CudaDevice()


def has_cuda() -> bool:
    """Whether there is a CUDA device that this process can use."""
    try:
        cuda_device()
    except InputError:
        return False
    return True


def rules_bytes(deals: Sequence[Deal], declarations: Sequence[int]) -> UInt8[np.ndarray, "n 320"]:
    """The kernels' `Rules` of each deal."""
    out = np.zeros((len(deals), _RULES_BYTES), dtype=np.uint8)
    for row, deal, declaration in zip(out, deals, declarations, strict=True):
        rules = deal_rules(deal, declaration)
        flat = np.concatenate([rules.follow.ravel(), rules.rank.ravel(), rules.led.ravel(), rules.points.ravel()])
        row[: len(flat)] = flat
    return out


def layout_words() -> Int64[np.ndarray, "words"]:
    """The kernels' `Layout`."""
    lanes = [HOLDS.view(np.int64).ravel(), VOIDS.view(np.int64).ravel()]
    return np.concatenate([HANDS, ROW_START, RANK_OF_MASK, MASK_OF_RANK.ravel(), *lanes])


class TableBatch:
    """The tables of several deals, solved together.

    starts  int64[n] packed states from which each deal is solved, None for the openings: the boundary above a state's
            trick, so that values and numbers of states are those of what can be reached from there
    """

    def __init__(
        self, device: Device, deals: Sequence[Deal], declarations: Sequence[int], *, starts: Any = None
    ) -> None:
        xp = device.xp
        self.device, self.deals, self.declarations = device, list(deals), [int(d) for d in declarations]
        n = len(self.deals)
        self._layout: Any = xp.asarray(layout_words())
        self._rules: Any = xp.asarray(rules_bytes(self.deals, self.declarations))
        self._lanes: Any = xp.zeros((n, _ROWS), dtype=np.uint64)
        self._counts: Any = xp.zeros((n, 4 * _ROWS), dtype=np.uint32)
        self._values: Any = xp.zeros((n, _ROWS, 64), dtype=np.int8)
        start_rows, start_lanes, tricks = start_places(np.full(n, OPENING) if starts is None else np.asarray(starts))
        self._lanes[xp.arange(n), xp.asarray(start_rows)] = xp.asarray(start_lanes)
        for level in range(tricks, -1, -1):
            rows = n * int(ROW_START[level + 1] - ROW_START[level])
            device.launch("mark_level", rows, self._layout, self._rules, n, level, self._lanes, self._counts)
        for level in range(1, tricks + 1):
            threads = THREADS_A_ROW * n * int(ROW_START[level + 1] - ROW_START[level])
            device.launch("value_level", threads, self._layout, self._rules, n, level, self._lanes, self._values)
        self._before: Any = xp.cumsum(self._counts, axis=1, dtype=np.uint32)

    def __len__(self) -> int:
        return len(self.deals)

    def __iter__(self) -> Iterator["DeviceTable"]:
        return (DeviceTable(self, i) for i in range(len(self)))

    def release(self) -> None:
        """Give the device's memory back, whoever still holds a table of this batch."""
        self._lanes = self._counts = self._values = self._before = None

    def counts(self, deal: int) -> Int64[np.ndarray, "29"]:
        """[d] -> the number of states of one deal with d plays left."""
        return self._counts_by_plays_left[deal]

    @cached_property
    def _counts_by_plays_left(self) -> Int64[np.ndarray, "deals 29"]:
        """Those of all deals in one answer of the device: the running sums at the last cell of each number."""
        runs = [int(rows) for rows in np.diff(ROW_START)[:0:-1] for _ in range(4)]  # 28 plays left first, then 27 ...
        ends = np.cumsum([*runs, int(ROW_START[1])]) - 1
        sums = self._to_host(self._before[:, self.device.xp.asarray(ends)]).astype(np.int64)
        return np.diff(sums, axis=1, prepend=0)[:, ::-1]

    def states(self, deal_of: Any, ranks: Any) -> Int64[np.ndarray, "n"]:
        """The states of the given numbers; deal_of int64[n] names each one's deal in this batch."""
        xp = self.device.xp
        deal_of, ranks = xp.asarray(deal_of, dtype=np.int64), xp.asarray(ranks, dtype=np.int64)
        out = xp.empty(len(ranks), dtype=np.int64)
        arguments = (self._layout, self._rules, len(ranks), deal_of, self._lanes, self._before, ranks, out)
        self.device.launch("states_of_ranks", len(ranks), *arguments)
        return self._to_host(out)

    def q(self, deal_of: Any, states: Any) -> Int8[np.ndarray, "n 7"]:
        """Q of states (see `SolvedDeal.q`); deal_of int64[n] names each one's deal in this batch."""
        xp = self.device.xp
        deal_of, on_device = xp.asarray(deal_of, dtype=np.int64), xp.asarray(states, dtype=np.int64)
        out = xp.empty((len(on_device), 7), dtype=np.int8)
        arguments = (self._layout, self._rules, len(on_device), deal_of, self._lanes, self._values, on_device, out)
        self.device.launch("q_of_states", len(on_device), *arguments)
        q = self._to_host(out)
        bad = np.flatnonzero(q[:, 0] == _UNREACHABLE)
        if len(bad):
            raise unreachable(int(np.asarray(states)[bad[0]]))
        return q

    def boundary_values(self, deal: int, tricks: int) -> Int8[np.ndarray, "n"]:
        """The values of one deal between tricks (see `SolvedDeal.boundary_values`)."""
        rows = slice(int(ROW_START[tricks]), int(ROW_START[tricks + 1]))
        reached = self.device.xp.unpackbits(self._lanes[deal, rows].view(np.uint8), bitorder="little").view(bool)
        return self._to_host(self._values[deal, rows].ravel()[reached])

    def _to_host(self, array: Any) -> Any:
        return array if isinstance(array, np.ndarray) else self.device.xp.asnumpy(array)


class DeviceTable(SolvedDeal):
    """One deal of a batch."""

    def __init__(self, batch: TableBatch, index: int) -> None:
        self.deal, self.declaration = batch.deals[index], batch.declarations[index]
        self._batch, self._index = batch, index

    @property
    def states_by_plays_left(self) -> Int64[np.ndarray, "29"]:
        """See `SolvedDeal`."""
        return self._batch.counts(self._index)

    def states(self, ranks: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """See `SolvedDeal`."""
        return self._batch.states(np.full(len(ranks), self._index), ranks)

    def q(self, states: Int64[np.ndarray, "n"]) -> Int8[np.ndarray, "n 7"]:
        """See `SolvedDeal`."""
        return self._batch.q(np.full(len(states), self._index), states)

    def boundary_values(self, tricks: int) -> Int8[np.ndarray, "n"]:
        """See `SolvedDeal`."""
        return self._batch.boundary_values(self._index, tricks)


def start_places(starts: Int64[np.ndarray, "n"]) -> tuple[Any, Any, int]:
    """The row and the lane set of the boundary above each state's trick, and the most tricks that any has left."""
    parts = fields(starts)
    held = parts.held.copy()
    for place in range(3):
        on = np.flatnonzero(parts.n_played > place)
        held[on, (parts.leader[on] + place) % 4] |= (1 << parts.trick[on, place]).astype(np.uint8)
    tricks = np.bitwise_count(held[:, 0]).astype(np.int64)
    key = parts.leader.astype(np.int64)
    for seat in range(3):
        key = key * HANDS[tricks] + RANK_OF_MASK[held[:, seat]]
    return ROW_START[tricks] + key, np.uint64(1) << (held[:, 3] & 63).astype(np.uint64), int(tricks.max(initial=0))


def solve_batches(device: Device, deals: Sequence[Deal], declarations: Sequence[int]) -> Iterator[TableBatch]:
    """Solve deals on a device, as many side by side as its memory holds: their tables in order, a batch at a time.

    The tables of a batch can be asked until the next one is taken, which needs the memory that they lie in.
    """
    for part in _batches(device, len(deals)):
        batch = TableBatch(device, deals[part], declarations[part])
        yield batch
        batch.release()


def table_q(
    device: Device,
    deals: UInt8[np.ndarray, "n 28"],
    declarations: UInt8[np.ndarray, "n"],
    states: Int64[np.ndarray, "n"],
) -> Int8[np.ndarray, "n 7"]:
    """Q of one state in each of n deals, by the tables of what can be reached from it; answers as `search_q` does."""
    out = np.empty((len(states), 7), dtype=np.int8)
    for batch in _batches(device, len(states)):
        hands = [Deal.of(dominoes.tolist()) for dominoes in deals[batch]]
        tables = TableBatch(device, hands, declarations[batch].tolist(), starts=states[batch])
        out[batch] = tables.q(np.arange(len(tables)), states[batch])
        tables.release()
    return out


def _batches(device: Device, n: int) -> Iterator[slice]:
    size = max(1, min(n, device.free_bytes() // _BYTES_A_DEAL))
    return (slice(start, start + size) for start in range(0, n, size))
