"""A match from its settings to its result, going on where an earlier call stopped."""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forge_core.arena.match import BLOCK, Block, play_block
from forge_core.arena.record import open_record, read_block, write_block
from forge_core.arena.result import MatchResult, result_of
from forge_core.arena.settings import Deals, Declare, MatchSettings
from forge_core.arena.statistics import Ratings, Sprt, bradley_terry
from forge_core.players.decisions import AnyPlayer
from forge_core.players.pimc import PimcPlayer
from forge_core.players.registry import Means, make_player
from forge_core.solver import SOLVER_VERSION

OnBlock = Callable[[int], None]
"""Told of every block how many deals it holds."""


def versions_of(a: AnyPlayer, b: AnyPlayer) -> dict[str, str]:
    """What decides the plays besides the settings: the solver's version, the digests of networks."""
    sides = (("a", a), ("b", b))
    networks = {s: p.oracle.digest for s, p in sides if isinstance(p, PimcPlayer) and p.oracle.name != "exact"}
    return {"solver": SOLVER_VERSION, **networks}


def run_match(
    deals: Deals,
    settings: MatchSettings,
    means: Means,
    *,
    record: Path | None = None,
    sprt: Sprt | None = None,
    on_block: OnBlock | None = None,
) -> MatchResult:
    """Play a match and tell its result.

    Args:
        deals: which deals; each is played twice.
        settings: who plays, and for what.
        means: what the players are made with.
        record: a folder that keeps every contract; blocks that it holds already are read and not played again.
        sprt: stop as soon as this test is decided.
        on_block: told after each block how many deals it held.

    Raises:
        InputError: a player does not exist, or the folder records another match.
        DamagedFile: a recorded block is not what was written.
    """
    a, b = make_player(settings.a, means), make_player(settings.b, means)
    if record is not None:
        open_record(record, settings, versions_of(a, b))
    blocks: list[Block] = []
    for seeds in deals.blocks(BLOCK):
        block = None if record is None else read_block(record, seeds)
        if block is None:
            block = play_block(seeds, settings, a, b)
            if record is not None:
                write_block(record, block)
        blocks.append(block)
        if on_block is not None:
            on_block(len(seeds))
        if sprt is not None and _decided(blocks, sprt):
            break
    return result_of(blocks, settings, sprt=sprt)


def _decided(blocks: Sequence[Block], sprt: Sprt) -> bool:
    made = np.concatenate([block.contracts["made"].to_numpy() for block in blocks]).reshape(-1, 2)
    return sprt.decide(made[made[:, 0] != made[:, 1], 0]) is not None


class Matrix(NamedTuple):
    """Everyone against everyone.

    players   by text
    matches   (row, column) -> the match of the two, the row's player being A
    ratings   Bradley-Terry, from discordant pairs
    """

    players: tuple[str, ...]
    matches: dict[tuple[int, int], MatchResult]
    ratings: Ratings

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        rated = zip(self.players, self.ratings.elo.tolist(), self.ratings.half_width.tolist(), strict=True)
        return {
            "ratings": [{"player": p, "elo": elo, "half_width": half} for p, elo, half in rated],
            "matches": [match.as_json() for match in self.matches.values()],
        }


def run_matrix(
    players: Sequence[str],
    deals: Deals,
    means: Means,
    *,
    bid: int = 30,
    declare: Declare = Declare.BEST_PIP,
    record: Path | None = None,
    on_block: OnBlock | None = None,
) -> Matrix:
    """Play all pairs of players; a recorded match lies in the folder of its two players' numbers."""
    matches: dict[tuple[int, int], MatchResult] = {}
    wins = np.zeros((len(players), len(players)), np.int64)
    for i, j in combinations(range(len(players)), 2):
        settings = MatchSettings(a=players[i], b=players[j], bid=bid, declare=declare)
        folder = None if record is None else record / f"{i}_{j}"
        match = run_match(deals, settings, means, record=folder, on_block=on_block)
        matches[i, j] = match
        wins[i, j], wins[j, i] = match.a.only, match.b.only
    return Matrix(tuple(players), matches, bradley_terry(wins))
