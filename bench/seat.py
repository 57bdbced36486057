"""The seat champion: what a decision costs, how fast rollouts are, how true P(make) is, and who it beats.

`python bench/seat.py [--quick] [--json] [--record DIR]`; with a record, the matches go on where they were stopped.

decision_ms             one decision by the network alone: batch 1, onnxruntime, one core
opening_seconds         an opening lead by `rollout:worlds=50`, all cores (median of hands)
positions_a_second      plays made in these rollouts
calibration             mean absolute error of P(make 30) at the declarer's first lead, over ten bins weighted by their
                        contracts; the champion plays all four seats of contracts at 30, trumps by the best pip
calibration_of_rollouts the same for the chances that `rollout:worlds=50` tells, over fewer contracts
seat_vs_pimc_10_...     mirrored pairs of `seat:champion` against `pimc:worlds=10,objective=points`
rollout_vs_pimc_200_... mirrored pairs of the rollouts of the README against `pimc:worlds=200`
weighted_opening_seconds, weighted_slowest_seconds
                        an opening lead by `weighted:worlds=500`, and its decision after the number of plays that takes
                        longest; all cores (medians of hands)
weighted_vs_pimc_200_.. mirrored pairs of it against `pimc:worlds=200`
differences_...         variance of the difference of two plays' P(make) in rollouts, with the same worlds for both and
                        with worlds of their own
"""

import time
from pathlib import Path
from statistics import median

import numpy as np
from report import options, publish

from flows.oracle import player_means
from forge_core.arena.run import run_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.intervals import wilson
from forge_core.players.contracts import Contracts, Table, play_out
from forge_core.players.decisions import Decisions
from forge_core.players.pimc import PimcPlayer
from forge_core.players.registry import make_player
from forge_core.players.trumps import best_pip
from forge_core.rules import deal_from_seed
from forge_core.seat.load import load_seat
from forge_core.seat.model import chance_to_make, legal_slots
from forge_core.seat.player import RolloutPlayer, RolloutSettings, SeatPlayer

START = 6_000_000
BINS = 10
WEIGHTED = "weighted:worlds=500"
MATCHES = {
    "seat_vs_pimc_10": ("seat:champion", "pimc:worlds=10,objective=points", 5_000_000),
    "rollout_vs_pimc_200": ("rollout:worlds=30,exact=3", "pimc:worlds=200", 5_000_000),
    "weighted_vs_pimc_200": (WEIGHTED, "pimc:worlds=200", 11_000_000),
}
"""A, B and the first deal."""


def contracts(n: int, start: int = START) -> Contracts:
    seeds = np.arange(start, start + n, dtype=np.int64)
    deals = np.array([deal_from_seed(int(seed)).dominoes for seed in seeds], np.uint8)
    declared = np.array([best_pip(hand) for hand in deals[:, :7].tolist()], np.uint8)
    return Contracts(deals, declared, np.zeros(n, np.uint8), np.full(n, 30, np.uint8), seeds)


def opening(asked: Contracts) -> Decisions:
    return Table.of(asked).decisions(np.arange(len(asked)), 0)


def decision_ms(n: int) -> float:
    player = SeatPlayer(load_seat("champion", threads=1), "seat:champion")
    asked = opening(contracts(n))
    player.play(asked.of(np.array([0])))
    spent: list[float] = []
    for row in range(n):
        one = asked.of(np.array([row]))
        start = time.perf_counter()
        player.play(one)
        spent.append(time.perf_counter() - start)
    return round(1e3 * median(spent), 3)


def rollout_speed(hands: int) -> dict[str, float]:
    player = make_player("rollout:worlds=50", player_means())
    assert isinstance(player, RolloutPlayer)
    asked = opening(contracts(hands))
    player.play(asked.of(np.array([0])))
    spent: list[float] = []
    for row in range(hands):
        start = time.perf_counter()
        player.play(asked.of(np.array([row])))
        spent.append(time.perf_counter() - start)
    plays = 50 * 7 * (28 - 4 * player.settings.exact)
    return {"opening_seconds": round(median(spent), 3), "positions_a_second": round(plays / median(spent))}


def weighted_speed(hands: int) -> dict[str, float]:
    player, usual = make_player(WEIGHTED, player_means()), make_player("pimc:worlds=20", player_means())
    assert isinstance(player, PimcPlayer)
    asked = contracts(hands)
    table, rows = Table.of(asked), np.arange(hands)
    played = play_out(asked, usual, usual, to_the_end=True)
    spent: list[float] = []
    for ply in range(24):
        decisions = table.decisions(rows, ply)
        each: list[float] = []
        for row in decisions.free():
            one = decisions.of(np.array([row]))
            start = time.perf_counter()
            player.play(one)
            each.append(time.perf_counter() - start)
        spent.append(median(each[1:]) if len(each) > 1 else 0)
        table.put(rows, ply, played.plays[:, ply], decisions, usual.name)
    return {"weighted_opening_seconds": round(spent[0], 3), "weighted_slowest_seconds": round(max(spent), 3)}


def calibration(n: int, rolled_out: int) -> dict[str, float]:
    seat = make_player("seat:champion", player_means())
    assert isinstance(seat, SeatPlayer)
    asked = contracts(n)
    decisions = opening(asked)
    _, legal = legal_slots(decisions)
    told = np.where(legal, chance_to_make(seat.model.chances(decisions), decisions), 0).max(axis=1)
    outcome = play_out(asked, seat, seat).made
    rows = np.arange(rolled_out)
    rollout = make_player("rollout:worlds=50", player_means())
    assert isinstance(rollout, RolloutPlayer)
    histogram = rollout.histograms(decisions.of(rows))
    rolled = (histogram[:, :, 30:].sum(axis=2) / histogram.sum(axis=2)).max(axis=1)
    return {
        "calibration": error(told, outcome),
        "calibration_contracts": n,
        "told": round(float(told.mean()), 4),
        "made": round(float(outcome.mean()), 4),
        "calibration_of_rollouts": error(rolled, outcome[rows]),
        "calibration_of_rollouts_contracts": rolled_out,
    }


def error(told: np.ndarray, outcome: np.ndarray) -> float:
    bins = np.minimum((told * BINS).astype(int), BINS - 1)
    off = [abs(told[bins == k].mean() - outcome[bins == k].mean()) * (bins == k).sum() for k in np.unique(bins)]
    return round(float(sum(off) / len(told)), 4)


def differences(hands: int, repeats: int) -> dict[str, float]:
    model = load_seat("champion", threads=2)
    asked = opening(contracts(hands))
    found: list[np.ndarray] = []
    for seed in range(repeats):
        histogram = RolloutPlayer(model, RolloutSettings(worlds=20, seed=seed), "rollout").histograms(asked)
        found.append(histogram[:, :, 30:].sum(axis=2) / 20)
    first, second = np.array(found)[:, :, 0], np.array(found)[:, :, 6]
    return {
        "differences_same_worlds": round(float((first - second).var(axis=0, ddof=1).mean()), 5),
        "differences_own_worlds": round(float((first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1)).mean()), 5),
    }


def match(name: str, pairs: int, record: Path | None) -> dict[str, object]:
    a, b, start = MATCHES[name]
    deals, kept = Deals(start=start, count=pairs), None if record is None else record / name
    result = run_match(deals, MatchSettings(a=a, b=b), player_means(), record=kept)
    only = (result.a.only, result.b.only)
    low, high = wilson(only[0], max(1, sum(only)))
    figures = {"pairs": pairs, "only": only, "z": round(result.z, 2), "share_95": (round(low, 3), round(high, 3))}
    return {f"{name}_{key}": value for key, value in figures.items()}


def main() -> None:
    asked = options(__doc__, record=True)
    measured: dict[str, object] = {"decision_ms": decision_ms(50 if asked.quick else 500)}
    measured |= rollout_speed(3 if asked.quick else 20)
    measured |= weighted_speed(5 if asked.quick else 30)
    measured |= calibration(1000 if asked.quick else 20_000, 20 if asked.quick else 300)
    measured |= differences(4 if asked.quick else 20, 4 if asked.quick else 20)
    for name in MATCHES:
        measured |= match(name, 10 if asked.quick else 2000, asked.record)
    publish("seat", measured, asked)


if __name__ == "__main__":
    main()
