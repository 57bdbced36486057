"""A match from its settings to its result, going on where an earlier call stopped."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forge_core.arena.games import Bidder, GamesResult, games_result, play_games
from forge_core.arena.match import BLOCK, Block, play_block
from forge_core.arena.record import open_record, read_block, write_block
from forge_core.arena.result import MatchResult, result_of
from forge_core.arena.settings import Contest, Deals, MatchSettings
from forge_core.arena.statistics import Ratings, Sprt, bradley_terry
from forge_core.bids.bidders import make_bidder
from forge_core.players.decisions import AnyPlayer
from forge_core.players.registry import Means, make_player
from forge_core.solver import SOLVER_VERSION

OnBlock = Callable[[int], None]
"""Told of every block how many deals it holds."""


def versions_of(a: AnyPlayer, b: AnyPlayer) -> dict[str, str]:
    """What decides the plays besides the settings: the solver's version, the digests of networks."""
    digests = {side: getattr(player, "network_digest", None) for side, player in (("a", a), ("b", b))}
    return {"solver": SOLVER_VERSION, **{side: digest for side, digest in digests.items() if digest is not None}}


def played_blocks(
    deals: Deals,
    settings: MatchSettings,
    means: Means,
    *,
    record: Path | None = None,
    on_block: OnBlock | None = None,
) -> Iterator[Block]:
    """Play a match or games a block at a time; blocks that the record holds already are read and not played again.

    Args:
        deals: which deals or games; each is played twice.
        settings: who plays, and for what.
        means: what the players are made with.
        record: a folder that keeps every contract.
        on_block: told after each block how many deals it held.

    Raises:
        InputError: a player does not exist, or the folder records another match.
        DamagedFile: a recorded block is not what was written.
    """
    a, b = make_player(settings.a, means), make_player(settings.b, means)
    bidders: list[Bidder] = [make_bidder(text, partial(make_player, means=means)) for text in settings.bidders or ()]
    if record is not None:
        open_record(record, settings, versions_of(a, b))
    for seeds in deals.blocks(BLOCK):
        block = None if record is None else read_block(record, seeds)
        if block is None:
            block = (
                play_games(seeds, settings, a, b, (bidders[0], bidders[1]))
                if bidders
                else play_block(seeds, settings, a, b)
            )
            if record is not None:
                write_block(record, block)
        if on_block is not None:
            on_block(len(seeds))
        yield block


def run_match(
    deals: Deals,
    settings: MatchSettings,
    means: Means,
    *,
    sprt: Sprt | None = None,
    record: Path | None = None,
    on_block: OnBlock | None = None,
) -> MatchResult:
    """Play a match (see `played_blocks`) and tell its result; with a sequential test, stop as soon as it is decided."""
    blocks: list[Block] = []
    for block in played_blocks(deals, settings, means, record=record, on_block=on_block):
        blocks.append(block)
        if sprt is not None and is_decided(blocks, sprt):
            break
    return result_of(blocks, settings, sprt=sprt)


def run_games(
    deals: Deals,
    settings: MatchSettings,
    means: Means,
    *,
    record: Path | None = None,
    on_block: OnBlock | None = None,
) -> GamesResult:
    """Play whole games (see `played_blocks`) and tell their result."""
    settings = settings if settings.bidders else settings.model_copy(update={"bidders": ("pass", "pass")})
    return games_result(list(played_blocks(deals, settings, means, record=record, on_block=on_block)), settings)


def is_decided(blocks: Sequence[Block], sprt: Sprt) -> bool:
    """Whether the sequential test is decided by these blocks."""
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


def matrix_of(players: Sequence[str], matches: dict[tuple[int, int], MatchResult]) -> Matrix:
    """The ratings that matches of everyone against everyone give."""
    wins = np.zeros((len(players), len(players)), np.int64)
    for (i, j), match in matches.items():
        wins[i, j], wins[j, i] = match.a.only, match.b.only
    return Matrix(tuple(players), matches, bradley_terry(wins))


def run_contest(
    contest: Contest, deals: Deals, means: Means, *, record: Path | None = None, on_block: OnBlock | None = None
) -> MatchResult | GamesResult | Matrix:
    """Play what was asked for; of more than two players, the record of a match lies in the folder of their numbers."""
    matches = contest.matches()
    if contest.games:
        return run_games(deals, matches[0, 1], means, record=record, on_block=on_block)
    if len(matches) == 1:
        return run_match(deals, matches[0, 1], means, sprt=contest.test, record=record, on_block=on_block)
    results = {
        (i, j): run_match(
            deals, settings, means, record=None if record is None else record / f"{i}_{j}", on_block=on_block
        )
        for (i, j), settings in matches.items()
    }
    return matrix_of(contest.everyone, results)
