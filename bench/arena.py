"""How fast contracts are played, and what the arena itself costs: `python bench/arena.py [--quick] [--json]`."""

import time
from collections.abc import Callable

import numpy as np
from report import benchmark

from forge_core.arena.match import play_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.players.contracts import Contracts, play_out
from forge_core.players.decisions import Decisions
from forge_core.players.registry import Means, make_player
from forge_core.players.simple import RandomPlayer
from forge_core.players.streams import stream_keys
from forge_core.players.worlds import draw_worlds
from forge_core.rules import deal_from_seed
from forge_core.solver.search import search_q, search_reached

MAKE = "pimc:worlds=50,objective=make"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def match_seconds(player: str, other: str, deals: int) -> tuple[float, float]:
    """Wall-clock and processor seconds of a contract."""
    settings, means = MatchSettings(a=player, b=other), Means(0)
    a, b = make_player(player, means), make_player(other, means)
    list(play_match(Deals(start=50_000, count=1), settings, a, b))
    cpu = time.process_time()
    wall = seconds(lambda: list(play_match(Deals(count=deals), settings, a, b)))
    return wall / (2 * deals), (time.process_time() - cpu) / (2 * deals)


def opening_worlds(deals: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """50 worlds of the opening leads of deals, under all declarations."""
    seeds = np.arange(deals, dtype=np.int64)
    dealt = np.array([deal_from_seed(int(seed)).dominoes for seed in seeds], np.uint8)
    declared, none = (seeds % 10).astype(np.uint8), np.zeros(deals, np.uint8)
    asked: list[Decisions] = []

    class Asked:
        name = "asked"

        def play(self, decisions: Decisions) -> np.ndarray:
            asked.append(decisions)
            return RandomPlayer().play(decisions)

    play_out(Contracts(dealt, declared, none, none + 30, seeds), Asked(), Asked())
    worlds = draw_worlds(asked[0], stream_keys(seeds, 1, none, 0), 50, 50)
    return worlds.deals, declared[worlds.row], worlds.states


def make_search(deals: int) -> tuple[float, float]:
    """Processor time of full Q over that of making a bid of 30, at the opening; and milliseconds of the latter."""
    asked = opening_worlds(deals)
    bounds = np.full(len(asked[2]), 2 * 30 - 42, np.int16)
    search_q(*asked, threads=1)
    search_reached(*asked, bounds, threads=1)
    full, make = (
        min(seconds(work) for _ in range(3))
        for work in (lambda: search_q(*asked, threads=1), lambda: search_reached(*asked, bounds, threads=1))
    )
    return full / make, 1e3 * make / len(bounds)


def measure(*, quick: bool) -> dict[str, float]:
    wall, cpu = match_seconds(MAKE, MAKE, 10 if quick else 100)
    overhead, _ = match_seconds("random", "random:seed=1", 500 if quick else 5000)
    _, level1 = match_seconds("level1", "level1:seed=1", 3 if quick else 25)
    ratio, search_ms = make_search(4 if quick else 20)
    return {
        "contracts_per_second": round(1 / wall, 2),
        "overhead_ms": round(1e3 * overhead, 4),
        "make_search_ratio": round(ratio, 2),
        "make_search_ms": round(search_ms, 3),
        "cpu_seconds_a_contract": round(cpu, 4),
        "level1_cpu_seconds_a_contract": round(level1, 4),
    }


if __name__ == "__main__":
    benchmark("arena", measure, __doc__)
