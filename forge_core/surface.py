"""The functions that `import forge_core` offers: from text and seeds to values, advice, models and data frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from jaxtyping import UInt8

from forge_core.errors import InputError
from forge_core.expected_q.advise import Advice
from forge_core.expected_q.advise import advise as value_plays
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import ExactOracle, Oracle
from forge_core.expected_q.record import Record
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import Deal, deal_from_seed, domino_name, opening, parse_declaration, parse_dominoes, team
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.search import search_q
from forge_core.solver.state import ILLEGAL, pack
from forge_core.solver.value_table import ValueTable
from forge_core.solver.value_table import solve as solve_deal

if TYPE_CHECKING:
    from forge_core.learn.model import OnnxModel, TorchModel

Plays = str | Sequence[int]
"""Dominoes as text ("6-4,5-0") or as ids (0-27), in order."""


def solve(deal: Deal | int, declaration: str | int) -> ValueTable:
    """Solve a deal with all hands open.

    Args:
        deal: a deal, or the seed of one.
        declaration: a name such as "sixes", or its number 0-9.

    Returns:
        The exact values of every reachable state, in points to go from the view of seats 0 and 2.

    >>> import forge_core
    >>> table = forge_core.solve(0, "sixes")
    >>> table.opening_value, table.reachable_states
    (4, 14675274)
    """
    return solve_deal(_deal(deal), parse_declaration(declaration))


def q_values(deal: Deal | int, declaration: str | int, plays: Plays = "") -> dict[str, int]:
    """What each legal play is worth with all hands open, without solving the whole deal.

    Args:
        deal: a deal, or the seed of one. Seat 0 leads its first trick.
        declaration: a name such as "sixes", or its number 0-9.
        plays: the dominoes played so far, in order.

    Returns:
        Domino name -> points to go after it, the mover's team minus the other; empty at the end.

    Raises:
        InputError: a play that the rules refuse.

    >>> import forge_core
    >>> forge_core.q_values(0, "sixes")
    {'0-0': -38, '2-0': 4, '2-2': 4, '3-1': -6, '4-0': -38, '4-4': 4, '5-2': -18}
    """
    position = opening(_deal(deal), parse_declaration(declaration))
    for domino in _dominoes(plays):
        hand = position.deal.hands[position.mover]
        if domino not in hand:
            raise InputError.of(
                got=f"{domino_name(domino)} for seat {position.mover}",
                expected="one of its dominoes: " + ", ".join(domino_name(each) for each in hand),
                remedy="correct the plays",
            )
        position = position.play(hand.index(domino))
    dominoes = np.array([position.deal.dominoes], np.uint8)
    row = search_q(dominoes, np.array([position.declaration], np.uint8), np.array([pack(position)]))[0]
    sign = 1 if team(position.mover) == 0 else -1
    hand = position.deal.hands[position.mover]
    return {domino_name(hand[slot]): sign * int(q) for slot, q in enumerate(row) if q != ILLEGAL}


def information_set(
    hand: Plays, declaration: str | int, plays: Plays = "", *, seat: int = 0, leader: int = 0
) -> InformationSet:
    """What a seat knows when it is to play.

    Args:
        hand: what the seat holds now.
        declaration: a name such as "sixes", or its number 0-9.
        plays: every play of the deal so far, in order.
        seat: who asks, 0-3 in the order of play.
        leader: the seat that led the first trick.

    Raises:
        InputError: something out of range, or not this seat's turn.
        RecordError: plays that contradict the rules or the hand; it names the play.
    """
    record = Record.of(parse_declaration(declaration), leader, _dominoes(plays))
    return InformationSet.of(record, seat, _dominoes(hand))


def worlds(info: InformationSet, n: int | None = None, *, seed: int = 0) -> UInt8[np.ndarray, "n 28"]:
    """Deals that fit what a seat knows.

    Args:
        info: what it knows; see `information_set`.
        n: how many to draw, uniformly and with replacement; None = every one, once (up to a million).
        seed: of the draw.

    Returns:
        A row a world: the dealt dominoes (ids), seven of each seat in the order of seats, ascending.

    >>> import forge_core
    >>> info = forge_core.information_set("6-6,6-5,6-4,6-2,5-5,4-4,1-0", "sixes")
    >>> forge_core.worlds(info, 1000).shape
    (1000, 28)
    """
    possible = Worlds.of(info)
    return possible.enumerate(1_000_000) if n is None else possible.draw(n, np.random.default_rng(seed))


def advise(
    info: InformationSet, *, n_worlds: int | None = 200, bid: int | None = None, oracle: Oracle | None = None
) -> Advice:
    """What each legal play is worth to a seat that sees one hand: its mean value over the worlds that fit.

    Args:
        info: what it knows; see `information_set`.
        n_worlds: how many worlds to value; None = all of them (up to a million).
        bid: of the first leader's team, 30-42 points; gives P(make).
        oracle: what values the worlds; none = the exact solver.

    >>> import forge_core
    >>> info = forge_core.information_set("6-6,6-5,6-4,6-2,5-5,4-4,1-0", "sixes")
    >>> best = forge_core.advise(info, bid=34).plays[0]
    >>> round(best.mean, 2), round(best.p_make, 3)
    (38.62, 0.995)
    """
    settings = EqSettings(bid=bid) if n_worlds is None else EqSettings(n_worlds=n_worlds, bid=bid)
    exact = ExactOracle(search_q, SOLVER_VERSION)
    return value_plays(info, oracle or exact, settings, every_world=n_worlds is None)


def load_model(model: Path | str = "champion", *, device: str = "cpu") -> "TorchModel | OnnxModel":
    """A trained network, ready to be asked: `slots, value = model(tokens, mask)`, in points, mover's view.

    Args:
        model: a name of the catalog, a model folder or an .onnx file.
        device: "cpu" or "cuda", for a model folder.

    Raises:
        ModelError: no model is called that, or its files are damaged.
    """
    from forge_core.learn import load

    return load(model, device=device)


def open_shards(path: Path | str) -> pl.DataFrame:
    """Solved states as one frame.

    Args:
        path: a shard, or a folder of shards.

    Returns:
        seed, declaration, state (packed int64), V and, but for table shards, q0..q6: points to go, team 0's view,
        -128 = illegal.

    Raises:
        InputError: nothing there. DamagedFile, SchemaMismatch: see `forge_core.shards.read.read_shard`.
    """
    from forge_core.shards.read import read_shard

    frames: list[pl.DataFrame] = []
    for file in _files(Path(path), "*.parquet"):
        shard = read_shard(file)
        seed = pl.lit(shard.metadata.seed, pl.Int64).alias("seed")
        declaration = pl.lit(shard.metadata.declaration, pl.Int8).alias("declaration")
        frames.append(shard.frame.select(seed, declaration, pl.all()))
    return pl.concat(frames)


def open_games(path: Path | str) -> pl.DataFrame:
    """E[Q] games as one frame, a row a decision.

    Args:
        path: a game, or a folder of games.

    Returns:
        The columns of `forge_core.expected_q.collate`: E[Q] in points, the mover's view.

    Raises:
        InputError: nothing there. DamagedFile, SchemaMismatch: a file that is no game of this version.
    """
    from forge_core.expected_q.collate import decisions
    from forge_core.expected_q.files import read_game

    return pl.concat([decisions(read_game(file)) for file in _files(Path(path), "seed_*.pt")])


def _deal(deal: Deal | int) -> Deal:
    return deal if isinstance(deal, Deal) else deal_from_seed(deal)


def _dominoes(dominoes: Plays) -> tuple[int, ...]:
    return parse_dominoes(dominoes) if isinstance(dominoes, str) else tuple(dominoes)


def _files(path: Path, pattern: str) -> list[Path]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob(pattern) if not file.name.startswith("."))
    if not files:
        raise InputError.of(got=f"{path}", expected=f"a file, or a folder with {pattern}", remedy="check the path")
    return files
