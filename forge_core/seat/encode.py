"""What a seat knows as numbers: 28 dominoes with a row of planes each, and the state of the contract.

Seats are relative: 0 is the mover, 1 its left, 2 its partner, 3 its right. Dominoes stand in canonical order: under a
pip declaration the trump pip is renamed to 6 and the other pips keep their order, so that the seven pip declarations
are one game and differ only in which dominoes count. Who wins what is unchanged by that: ranks go by the order of the
pips within a suit, and a domino leads its higher pip.

planes, per domino, each 0 or 1 unless it says otherwise
    0       the mover holds it
    1-4     relative seat 0, 1, 2, 3 played it
    5-7     it lies on the table as the first, second, third of the present trick
    8       the trick in which it was played, 1-7 in sevenths
    9       it led its trick
    10      the mover may play it
    11      its points, in tens
    12      nobody has shown it yet: another seat holds it
    13-15   relative seat 1, 2, 3 may hold it
    16      it may be played and would be the best of the trick so far
    17-19   held by the mover, and relative seat 1, 2, 3 may hold one that beats it when it is led
    20      it may be played and wins: nobody to come may hold one that beats it in this trick
    21      held by the mover: how many that others hold would beat it when it is led, in sevenths
state
    0-3     a pip is trump, doubles are, doubles are a suit, follow me
    4-7     the relative seat that declared
    8-11    how many have played to the trick
    12-35   the suits (canonical, the called one last) that relative seat 1, 2, 3 is known not to hold
    36-78   the points that the bidding team still needs, 0-42
    79-85   the number of the trick
    86-88   the relative seat 1, 2, 3 that is winning the trick
    89      points still to be won, of 42
    90      points banked by the bidding team, of 42
    91      points on the table, in tens
    92      the bid above 30, of 12
    93      whether the mover's team bid
    94      the points that may still be lost without missing the bid, of 42
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int64

from forge_core.players.decisions import Decisions
from forge_core.rules import Declaration, domino_id, pips
from forge_core.rules.declaration import CALLED_SUIT
from forge_core.solver.jit import kernel
from forge_core.solver.rules_kernel import COUNT_POINTS, FOLLOWERS, LED_SUITS, RANKS

N_DOMINOES, N_PLANES, N_STATE = 28, 22, 95
N_INPUTS = N_DOMINOES * N_PLANES + N_STATE
_STATE = N_DOMINOES * N_PLANES
NEEDED, LEFT = slice(_STATE + 36, _STATE + 79), _STATE + 89
"""Where the needed points (one of 43) and the points still to be won stand among the inputs."""
UNSEEN, MAY_HOLD = 12, slice(13, 16)
"""Planes: nobody has shown it; relative seat 1, 2, 3 may hold it."""
BIDDING = _STATE + 93
"""Whether the mover's team bid."""
N_BINS = 43
"""Points that the bidding team may win: 0-42."""

_KINDS = np.array([max(0, declaration - Declaration.SIXES) for declaration in Declaration], np.int64)


def _canonical() -> tuple[Int64[np.ndarray, "10 28"], Int64[np.ndarray, "10 8"]]:
    dominoes, suits = np.empty((10, 28), np.int64), np.empty((10, 8), np.int64)
    for declaration in Declaration:
        trump = int(declaration) if declaration <= Declaration.SIXES else 6
        names = [6 if pip == trump else pip - (pip > trump) for pip in range(7)]
        for domino in range(28):
            high, low = pips(domino)
            dominoes[declaration, domino] = domino_id(names[high], names[low])
        suits[declaration] = [*names, CALLED_SUIT]
    return dominoes, suits


CANONICAL, _CANONICAL_SUITS = _canonical()
"""[declaration, domino] -> its canonical place."""

_BEATEN_BY = np.array(
    [
        [
            [sum(1 << e for e in range(28) if RANKS[d, suit, e] > RANKS[d, suit, domino]) for domino in range(28)]
            for suit in range(8)
        ]
        for d in Declaration
    ],
    np.int64,
)
"""[declaration, suit, domino] -> mask of the dominoes that beat it in a trick of that suit."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """n information sets as a network reads them.

    inputs   see the module
    slots    the canonical places of the mover's seven dealt dominoes (ascending ids)
    legal    which of them may be played
    """

    inputs: Float32[np.ndarray, "n 711"]
    slots: Int64[np.ndarray, "n 7"]
    legal: Bool[np.ndarray, "n 7"]


def encode(decisions: Decisions) -> Inputs:
    """Decisions as inputs. Nothing but what the movers know goes in: `Decisions` hold no hidden hand."""
    d, n = decisions, len(decisions)
    hands = d.original_hands()
    inputs = np.zeros((n, N_INPUTS), np.float32)
    slots, legal = np.empty((n, 7), np.int64), np.empty((n, 7), np.bool_)
    _encode(
        d.declarations,
        d.bids,
        d.bidders,
        d.seats,
        d.hands,
        d.legal(),
        d.plays,
        d.players,
        d.voids,
        d.won,
        hands,
        inputs,
        slots,
        legal,
    )
    return Inputs(inputs, slots, legal)


@kernel
def _encode(
    declarations: Any,
    bids: Any,
    bidders: Any,
    seats: Any,
    hands: Any,
    playable: Any,
    plays: Any,
    players: Any,
    voids: Any,
    won: Any,
    original: Any,
    inputs: Any,
    slots: Any,
    legal: Any,
) -> None:
    n_plays = plays.shape[1]
    n_table = n_plays & 3
    first = n_plays - n_table
    may_hold = np.zeros(4, np.int64)
    for i in range(len(seats)):
        x, declaration, seat = inputs[i], np.int64(declarations[i]), np.int64(seats[i])
        place = CANONICAL[declaration]
        unseen = np.int64((1 << 28) - 1) & ~hands[i]
        for ply in range(n_plays):
            domino = np.int64(plays[i, ply])
            at = place[domino] * N_PLANES
            unseen &= ~(np.int64(1) << domino)
            x[at + 1 + ((players[i, ply] - seat) & 3)] = 1
            x[at + 8] = (ply // 4 + 1) / 7
            if ply & 3 == 0:
                x[at + 9] = 1
            if ply >= first:
                x[at + 5 + ply - first] = 1
        for other in range(1, 4):
            barred = np.int64(0)
            for suit in range(8):
                if voids[i, (seat + other) & 3] >> suit & 1:
                    barred |= FOLLOWERS[declaration, suit]
                    x[_STATE + 12 + (other - 1) * 8 + _CANONICAL_SUITS[declaration, suit]] = 1
            may_hold[other] = unseen & ~barred
        # the trick so far
        led, best, winner, table_points = np.int64(-1), np.int64(-1), np.int64(-1), np.int64(0)
        for ply in range(first, n_plays):
            domino = np.int64(plays[i, ply])
            if led < 0:
                led = LED_SUITS[declaration, domino]
            table_points += COUNT_POINTS[domino]
            rank = RANKS[declaration, led, domino]
            if rank > best:
                best, winner = rank, (players[i, ply] - seat) & 3
        for domino in range(28):
            at, bit = place[domino] * N_PLANES, np.int64(1) << domino
            x[at + 11] = COUNT_POINTS[domino] / 10
            if unseen & bit:
                x[at + 12] = 1
                for other in range(1, 4):
                    if may_hold[other] & bit:
                        x[at + 12 + other] = 1
            if not hands[i] & bit:
                continue
            x[at] = 1
            beaten_by = _BEATEN_BY[declaration, LED_SUITS[declaration, domino], domino]
            n_beat = np.int64(0)
            for e in range(28):
                n_beat += (unseen & beaten_by) >> e & 1
            x[at + 21] = n_beat / 7
            for other in range(1, 4):
                if may_hold[other] & beaten_by:
                    x[at + 16 + other] = 1
            if playable[i] & bit:
                x[at + 10] = 1
                suit = led if led >= 0 else LED_SUITS[declaration, domino]
                if RANKS[declaration, suit, domino] > best:
                    x[at + 16] = 1
                    later = np.int64(0)
                    for other in range(1, 4 - n_table):
                        later |= may_hold[other]
                    if not later & _BEATEN_BY[declaration, suit, domino]:
                        x[at + 20] = 1
        for slot in range(7):
            slots[i, slot] = place[original[i, slot]]
            legal[i, slot] = playable[i] >> np.int64(original[i, slot]) & 1
        bidding = np.int64(bidders[i]) & 1
        left = 42 - np.int64(won[i, 0]) - np.int64(won[i, 1])
        needed = max(np.int64(0), np.int64(bids[i]) - np.int64(won[i, bidding]))
        x[_STATE + _KINDS[declaration]] = 1
        x[_STATE + 4 + ((np.int64(bidders[i]) - seat) & 3)] = 1
        x[_STATE + 8 + n_table] = 1
        x[_STATE + 36 + needed] = 1
        x[_STATE + 79 + n_plays // 4] = 1
        if winner > 0:
            x[_STATE + 85 + winner] = 1
        x[_STATE + 89] = left / 42
        x[_STATE + 90] = won[i, bidding] / 42
        x[_STATE + 91] = table_points / 10
        x[_STATE + 92] = (bids[i] - 30.0) / 12
        x[_STATE + 93] = (np.int64(bidders[i]) ^ seat) & 1 == 0
        x[_STATE + 94] = (left - needed) / 42
