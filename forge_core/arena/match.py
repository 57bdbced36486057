"""Mirrored contracts, block by block."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from forge_core.arena.declare import declarations
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.players.contracts import Contracts, Played, play_out
from forge_core.players.decisions import AnyPlayer
from forge_core.players.streams import Purpose, stream_keys
from forge_core.rules import deal_from_seed

BLOCK = 25
"""Deals played in lockstep, and lost when a match is killed."""

SCHEMA = {
    "seed": pl.Int64,
    "declaration": pl.UInt8,
    "bid": pl.UInt8,
    "declarer": pl.String,
    "plays": pl.List(pl.Int8),
    "points": pl.UInt8,
    "points_against": pl.UInt8,
    "made": pl.Boolean,
    "forfeit": pl.String,
}
"""A row a contract: declarer "a" or "b"; the dominoes in the order of play; points banked by the declaring team and the
other when it was decided; why a side forfeited, or null."""


class Effort(NamedTuple):
    """What the decisions of a side cost: seconds and how many decisions."""

    seconds: float
    decisions: int

    def plus(self, other: "Effort") -> "Effort":
        """Both together."""
        return Effort(self.seconds + other.seconds, self.decisions + other.decisions)


@dataclass(frozen=True, slots=True)
class Block:
    """The contracts of some deals, two a deal.

    seeds      of the deals
    contracts  a row a contract (see `SCHEMA`), those of a deal together, A's first; of games see `games.GAME_SCHEMA`
    effort     of (A, B); the only part that differs when it is played again
    """

    seeds: range
    contracts: pl.DataFrame
    effort: tuple[Effort, Effort]


def play_block(
    seeds: range,
    settings: MatchSettings,
    a: AnyPlayer,
    b: AnyPlayer,
    *,
    on_ply: Callable[[int, int], None] | None = None,
) -> Block:
    """Play the deals of these seeds with A declaring and with B declaring.

    `on_ply` is told after every ply which half of the block (0 or 1) is played, and how many of its contracts go on.
    """
    frames: list[pl.DataFrame] = []
    effort = {"a": Effort(0.0, 0), "b": Effort(0.0, 0)}
    for half, (declarer, bidding, defending) in enumerate((("a", a, b), ("b", b, a))):
        contracts = _contracts(seeds, settings, bidding)
        tell = None if on_ply is None else lambda going_on, half=half: on_ply(half, going_on)
        played = play_out(contracts, bidding, defending, on_ply=tell)
        frames.append(frame_of(contracts, played, declarer))
        other = "b" if declarer == "a" else "a"
        for side, i in ((declarer, 0), (other, 1)):
            effort[side] = effort[side].plus(Effort(played.seconds[i], played.decisions[i]))
    return Block(seeds, pl.concat(frames).sort("seed", "declarer"), (effort["a"], effort["b"]))


def play_match(
    deals: Deals,
    settings: MatchSettings,
    a: AnyPlayer,
    b: AnyPlayer,
    *,
    on_ply: Callable[[int, int], None] | None = None,
) -> Iterator[Block]:
    """Play all deals, a block at a time."""
    for seeds in deals.blocks(BLOCK):
        yield play_block(seeds, settings, a, b, on_ply=on_ply)


def _contracts(seeds: range, settings: MatchSettings, declarer: AnyPlayer) -> Contracts:
    n = len(seeds)
    deals = np.array([deal_from_seed(seed).dominoes for seed in seeds], np.uint8)
    numbers, bids = np.array(seeds, np.int64), np.full(n, settings.bid, np.uint8)
    keys = stream_keys(numbers, int(Purpose.DECLARATION), np.zeros(n, np.int64), 0)
    declared = declarations(settings.declare, declarer, deals[:, :7], bids, keys, seeds)
    return Contracts(deals, declared, np.zeros(n, np.uint8), bids, numbers)


def frame_of(contracts: Contracts, played: Played, declarer: str) -> pl.DataFrame:
    """The contracts that one side declared, as rows of `SCHEMA`."""
    n, rows = len(contracts), np.arange(len(contracts))
    team = contracts.bidders & 1
    return pl.DataFrame(
        {
            "seed": contracts.seeds,
            "declaration": contracts.declarations,
            "bid": contracts.bids,
            "declarer": [declarer] * n,
            "plays": [[domino for domino in plays if domino >= 0] for plays in played.plays.tolist()],
            "points": played.points[rows, team],
            "points_against": played.points[rows, 1 - team],
            "made": played.made,
            "forfeit": [played.forfeits.get(i) for i in range(n)],
        },
        schema=SCHEMA,
    )
