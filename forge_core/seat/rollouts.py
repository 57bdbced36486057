"""Contracts played on to the end by a seat network in all four seats, each seeing its own hand alone."""

import numpy as np
from jaxtyping import Bool, Int8, Int16, Int64, UInt8

from forge_core.expected_q.record import N_PLAYS
from forge_core.players.contracts import Contracts, Table
from forge_core.players.decisions import Decisions
from forge_core.players.worlds import known_worlds
from forge_core.seat.model import SeatModel, chance_to_make, expected, legal_slots, utility
from forge_core.solver.search import search_q
from forge_core.solver.state import ILLEGAL


def best_plays(model: SeatModel, decisions: Decisions) -> Int8[np.ndarray, "n"]:
    """What the network plays: the legal slot of the highest utility, the lowest of equals; no question where forced."""
    answer, rows = decisions.only(), decisions.free()
    if len(rows):
        asked = decisions.of(rows)
        chances = model.chances(asked)
        hands, legal = legal_slots(asked)
        worth = np.where(legal, utility(chance_to_make(chances, asked), expected(chances), asked), -np.inf)
        answer[rows] = hands[np.arange(len(rows)), worth.argmax(axis=1)]
    return answer


def play_on(
    model: SeatModel,
    decisions: Decisions,
    deals: UInt8[np.ndarray, "n 28"],
    dominoes: Int8[np.ndarray, "n"],
    *,
    exact_plays: int = 0,
    threads: int = 0,
) -> Int16[np.ndarray, "n"]:
    """The points that the bidding team still wins when these dominoes are played and the network plays on.

    Args:
        model: plays in all four seats.
        decisions: where to begin, one a row.
        deals: the deal of each row, which its decision must fit.
        dominoes: the mover's play in each row.
        exact_plays: when so many plays are left, all hands are opened and the rest is played exactly; 0 = never. Only
            between tricks: a multiple of 4.
        threads: of the exact search; 0 = all cores.
    """
    d, n = decisions, len(decisions)
    contracts = Contracts(deals, d.declarations, d.bidders, d.bids, np.zeros(n, np.int64))
    table, rows = Table.at(contracts, d), np.arange(n)
    table.put(rows, d.ply, dominoes, d, "rollout")
    for ply in range(d.ply + 1, N_PLAYS):
        asked = table.decisions(rows, ply)
        if N_PLAYS - ply == exact_plays:
            side = d.bidders & 1
            return table.won[rows, side] - d.won[rows, side] + _exact_rest(asked, deals, threads)
        table.put(rows, ply, best_plays(model, asked), asked, "rollout")
    side = d.bidders & 1
    return table.won[rows, side] - d.won[rows, side]


def rolled_out(
    model: SeatModel,
    decisions: Decisions,
    deals: UInt8[np.ndarray, "n 28"],
    known: Bool[np.ndarray, "n"],
    *,
    exact: int,
    threads: int,
) -> tuple[Int64[np.ndarray, "k"], Int64[np.ndarray, "k"], Int16[np.ndarray, "k"]]:
    """What comes of every legal play: (row, slot, points that the bidding team still wins).

    Args:
        model: plays in all four seats.
        decisions: one a row.
        deals: the deal of each row, which its decision must fit.
        known: the rows whose deal is the only one that fits: nothing is hidden there, and the points are exact.
        exact: the last tricks that are played exactly with all hands open.
        threads: of the exact search; 0 = all cores.
    """
    row, slot, dominoes = each_legal(decisions)
    points = np.empty(len(row), np.int16)
    if known.any():
        rows = np.flatnonzero(known[row])
        values = exact_points(decisions.of(row[rows]), deals[row[rows]], threads=threads)
        points[rows] = values[np.arange(len(rows)), slot[rows]]
    if not known.all():
        rows = np.flatnonzero(~known[row])
        points[rows] = play_on(
            model,
            decisions.of(row[rows]),
            deals[row[rows]],
            dominoes[rows],
            exact_plays=min(4 * exact, (N_PLAYS - decisions.ply - 1) // 4 * 4),
            threads=threads,
        )
    return row, slot, points


def _exact_rest(decisions: Decisions, deals: UInt8[np.ndarray, "n 28"], threads: int) -> Int16[np.ndarray, "n"]:
    """The points that the bidding team still wins with all hands open, from before these decisions."""
    return exact_points(decisions, deals, threads=threads, best=True)[:, 0]


def exact_points(
    decisions: Decisions, deals: UInt8[np.ndarray, "n 28"], *, threads: int, best: bool = False
) -> Int16[np.ndarray, "n k"]:
    """The points that the bidding team still wins after each slot with all hands open from then on; -1 = illegal.

    best  only the mover's best play, in one column
    """
    q = search_q(deals, decisions.declarations, known_worlds(decisions, deals).states, threads=threads).astype(np.int16)
    sign = np.where(decisions.bidders & 1 == 0, 1, -1)[:, None]
    points = np.where(q == ILLEGAL, -1, (decisions.points_left()[:, None] + sign * q) // 2).astype(np.int16)
    if not best:
        return points
    highest, lowest = points.max(axis=1), np.where(points < 0, 99, points).min(axis=1)
    return np.where(decisions.bidding(), highest, lowest)[:, None].astype(np.int16)


def each_legal(decisions: Decisions) -> tuple[Int64[np.ndarray, "k"], Int64[np.ndarray, "k"], Int8[np.ndarray, "k"]]:
    """Every legal play of every decision: (row, slot, domino)."""
    hands, legal = legal_slots(decisions)
    row, slot = np.nonzero(legal)
    return row, slot, hands[row, slot].astype(np.int8)
