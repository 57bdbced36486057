"""What a bid matrix costs, and how true its chances are: `python bench/bids.py [--quick] [--json]`.

Calibration: contracts at 30, best-pip trump, seat 0 declaring, played once by the seat model; before, P(make 30) is
told by each method for the declarer's hand alone. Ten bins of told chances; the mean absolute difference between what
was told and what was made, weighted by the contracts of a bin.
"""

import time

import numpy as np
from report import options, publish

from forge_core.bids.histogram import p_make
from forge_core.bids.open_hands import open_histograms
from forge_core.bids.playouts import play_deals, play_histograms
from forge_core.bids.settings import BidSettings
from forge_core.players.registry import make_player
from forge_core.players.trumps import best_pip
from forge_core.rules import Bid, deal_from_seed, parse_hand

HAND = parse_hand("6-4,5-5,4-2,3-1,2-0,1-1,0-0")
SETTINGS = BidSettings(samples=500, playouts=200)
PLAYER = make_player(SETTINGS.seat_model)
FIRST_SEED = 5_000_000


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


def calibration(n: int, playouts: int) -> tuple[float, float, dict[str, list[list[float]]]]:
    """The errors of (play, open), and per method and bin: contracts, mean chance told, share made."""
    seeds = range(FIRST_SEED, FIRST_SEED + n)
    deals = [deal_from_seed(seed) for seed in seeds]
    trumps = [best_pip(list(deal.hands[0])) for deal in deals]
    dealt = np.array([deal.dominoes for deal in deals], np.uint8)
    made = play_deals(dealt, np.array(trumps, np.uint8), SETTINGS, PLAYER, seed=1).made
    settings = SETTINGS.model_copy(update={"playouts": playouts})
    told: dict[str, list[float]] = {"play": [], "open": []}
    for seed, deal, trump in zip(seeds, deals, trumps, strict=True):
        hand = deal.hands[0]
        told["play"].append(p_make(play_histograms(hand, [trump], settings, PLAYER, seed=seed)[0], Bid(30)).p)
        told["open"].append(p_make(open_histograms(hand, [trump], 100, seed=seed)[0], Bid(30)).p)
    bins = {method: _bins(np.array(chances), made) for method, chances in told.items()}
    return _error(bins["play"]), _error(bins["open"]), bins


def _bins(told: np.ndarray, made: np.ndarray) -> list[list[float]]:
    place = np.minimum((10 * told).astype(int), 9)
    inside = [place == number for number in range(10)]
    return [[int(rows.sum()), told[rows].mean(), made[rows].mean()] for rows in inside if rows.any()]


def _error(bins: list[list[float]]) -> float:
    return float(sum(n * abs(told - share) for n, told, share in bins) / sum(n for n, _, _ in bins))


def main() -> None:
    asked = options(__doc__)
    contracts, playouts = (10, 10) if asked.quick else (300, 40)
    play_error, open_error, bins = calibration(contracts, playouts)
    measures = {
        "open_seconds": open_seconds(50 if asked.quick else 500),
        "play_seconds": play_seconds(10 if asked.quick else 200),
        "hands_per_minute": hands_per_minute(1 if asked.quick else 5),
        "calibration_play": play_error,
        "calibration_open": open_error,
        "calibration_contracts": contracts,
        "calibration_playouts": playouts,
    }
    publish("bids", measures, asked, bins=bins)


if __name__ == "__main__":
    main()
