"""What a bid matrix costs, and how true its chances are: `python bench/bids.py [--quick] [--json] [--record DIR]`.

Calibration: contracts at 30, best-pip trump, seat 0 declaring, played once by the seat model; before, P(make 30) is
told by each method for the declarer's hand alone. Ten bins of told chances; the mean absolute difference between what
was told and what was made, weighted by the contracts of a bin.
"""

import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from report import options, publish

from forge_core.bids.histogram import histogram
from forge_core.bids.open_hands import draw_worlds, open_histograms
from forge_core.bids.playouts import play_deals, play_histograms
from forge_core.bids.settings import BidSettings
from forge_core.files import replacing
from forge_core.players.registry import make_player
from forge_core.players.trumps import best_pip
from forge_core.rules import HAND_POINTS, deal_from_seed, parse_hand
from forge_core.solver.search import search_opening_values

HAND = parse_hand("6-4,5-5,4-2,3-1,2-0,1-1,0-0")
SETTINGS = BidSettings(samples=500, playouts=200)
PLAYER = make_player(SETTINGS.seat_model)
FIRST_SEED = 5_000_000
BLOCK = 50
"""Contracts that are played, and kept, together."""


def open_seconds(n: int) -> float:
    open_histograms(HAND, [0], 2)
    start = time.perf_counter()
    open_histograms(HAND, range(10), n)
    return time.perf_counter() - start


def play_seconds(n: int) -> float:
    play_histograms(HAND, [0], SETTINGS.model_copy(update={"playouts": 2}), PLAYER)
    start = time.perf_counter()
    play_histograms(HAND, range(10), SETTINGS.model_copy(update={"playouts": n}), PLAYER)
    return time.perf_counter() - start


def hands_per_minute(n: int) -> float:
    start = time.perf_counter()
    for seed in range(n):
        open_histograms(deal_from_seed(seed).hands[0], range(10), SETTINGS.samples, seed=seed)
    return 60 * n / (time.perf_counter() - start)


def calibration(n: int, playouts: int, record: Path) -> tuple[dict[str, float], dict[str, list[list[float]]]]:
    """The errors, and per method and bin: contracts, mean chance told, share made. `record` keeps them by blocks.

    Ctrl-C breaks off: then the figures are those of the contracts that are kept.
    """
    record.mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt):
        for start in range(FIRST_SEED, FIRST_SEED + n, BLOCK):
            path = record / f"{start}-{playouts}.npz"
            if not path.exists():
                with replacing(path) as temporary, temporary.open("wb") as file:
                    np.savez(file, **_block(range(start, min(start + BLOCK, FIRST_SEED + n)), playouts))
    blocks = [np.load(path) for path in sorted(record.glob(f"*-{playouts}.npz"))]
    made = np.concatenate([block["made"] for block in blocks])
    bins: dict[str, list[list[float]]] = {}
    for method in ("play", "open"):
        counts = np.concatenate([block[method] for block in blocks])
        bins[method] = bins_of(counts[:, 30:].sum(axis=1) / counts.sum(axis=1), made)
    errors = {f"calibration_{method}": error_of(rows) for method, rows in bins.items()}
    more = {"calibration_chance": _chance(bins["play"]), "calibration_contracts": len(made)}
    return errors | more | {"calibration_playouts": playouts}, bins


def _block(seeds: range, playouts: int) -> dict[str, Any]:
    """Contracts: the declarer's histograms by both methods over the same worlds, and whether they were made."""
    deals = [deal_from_seed(seed) for seed in seeds]
    trumps = np.array([best_pip(list(deal.hands[0])) for deal in deals], np.uint8)
    dealt = np.array([deal.dominoes for deal in deals], np.uint8)
    made = play_deals(dealt, trumps, SETTINGS, PLAYER, seed=1 + seeds.start).made
    worlds = np.concatenate(
        [draw_worlds(deal.hands[0], playouts, seed=seed) for deal, seed in zip(deals, seeds, strict=True)]
    )
    asked = np.repeat(trumps, playouts)
    played = play_deals(worlds, asked, SETTINGS, PLAYER, seed=seeds.start).points[:, 0]
    opened = (HAND_POINTS + search_opening_values(worlds, asked).astype(int)) // 2
    told = {
        name: [histogram(row) for row in points.astype(int).reshape(-1, playouts)]
        for name, points in (("play", played), ("open", opened))
    }
    return {"hands": dealt[:, :7], "trumps": trumps, "made": made, **told}


def bins_of(told: np.ndarray, made: np.ndarray) -> list[list[float]]:
    place = np.minimum((10 * told).astype(int), 9)
    inside = [place == number for number in range(10)]
    return [[int(rows.sum()), told[rows].mean(), made[rows].mean()] for rows in inside if rows.any()]


def error_of(bins: list[list[float]]) -> float:
    return float(sum(n * abs(told - share) for n, told, share in bins) / sum(n for n, _, _ in bins))


def _chance(bins: list[list[float]]) -> float:
    """The error to be expected where every chance told is the true one: of so many contracts a share is noisy."""
    noise = sum(n * np.sqrt(2 / np.pi * told * (1 - told) / n) for n, told, _ in bins)
    return float(noise / sum(n for n, _, _ in bins))


def main() -> None:
    asked = options(__doc__, record=True)
    contracts, playouts = (10, 10) if asked.quick else (10_000, 60)
    with TemporaryDirectory() as nowhere:
        errors, bins = calibration(contracts, playouts, asked.record or Path(nowhere))
    measures = {
        "open_seconds": open_seconds(50 if asked.quick else 500),
        "play_seconds": play_seconds(10 if asked.quick else 200),
        "hands_per_minute": hands_per_minute(1 if asked.quick else 5),
        **errors,
    }
    publish("bids", measures, asked, bins=bins)


if __name__ == "__main__":
    main()
