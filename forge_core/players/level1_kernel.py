"""The kernels of `level1`: a best response over worlds, the other seats answering best to seats that play at random.

A position is a row of int64: the four hands as 28-bit masks, leader, plays on the table, led suit, best rank, winner,
the trick's points, and the points banked by the bidding team and by the other.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import uint64

from forge_core.players.streams import mixed
from forge_core.rules import HAND_POINTS
from forge_core.solver.jit import inlined, kernel
from forge_core.solver.lanes import lowest, popcount
from forge_core.solver.rules_kernel import COUNT_POINTS, FOLLOWERS, LED_SUITS, RANKS, playable, winning

_LEADER, _PLAYED, _SUIT, _BEST, _WINNER, _TRICK, _OURS, _THEIRS = 4, 5, 6, 7, 8, 9, 10, 11
WIDTH = 12
_MEMORY_BITS = 16
_DEPTH = 9


class Tree(NamedTuple):
    """What a search works in, for up to W worlds; int64 unless it says otherwise.

    positions  [depth, W, WIDTH]; members [depth, W] worlds of a node; seen uint64[depth, W] hashes of what they showed
    keys       uint64[W] of the worlds' random numbers
    memory     uint64[2^16] positions whose answer is known; answers int8[2^16] that answer
    trial      [WIDTH] a position to play out
    """

    positions: Any
    members: Any
    seen: Any
    keys: Any
    memory: Any
    answers: Any
    trial: Any


class Contract(NamedTuple):
    """Declaration, bid, the seat that declared, the seat that asks, random playouts a play."""

    declaration: Any
    bid: Any
    bidder: Any
    seat: Any
    playouts: Any


def new_tree(worlds: int) -> Tree:
    """Memory for a search."""
    return Tree(
        np.zeros((_DEPTH, worlds, WIDTH), np.int64),
        np.zeros((_DEPTH, worlds), np.int64),
        np.zeros((_DEPTH, worlds), np.uint64),
        np.zeros(worlds, np.uint64),
        np.zeros(1 << _MEMORY_BITS, np.uint64),
        np.zeros(1 << _MEMORY_BITS, np.int8),
        np.zeros(WIDTH, np.int64),
    )


@inlined
def _legal(at: Any, declaration: Any) -> Any:
    hand = at[(at[_LEADER] + at[_PLAYED]) & 3]
    return playable(hand, FOLLOWERS[declaration, at[_SUIT]]) if at[_PLAYED] else hand


@kernel
def _play(at: Any, declaration: Any, bidder: Any, domino: Any) -> None:
    seat = (at[_LEADER] + at[_PLAYED]) & 3
    at[seat] &= ~(np.int64(1) << domino)
    if at[_PLAYED] == 0:
        at[_SUIT], at[_BEST], at[_TRICK] = LED_SUITS[declaration, domino], -1, 1
    at[_TRICK] += COUNT_POINTS[domino]
    rank = RANKS[declaration, at[_SUIT], domino]
    at[_BEST], at[_WINNER] = winning(at[_BEST], at[_WINNER], rank, seat)
    at[_PLAYED] = (at[_PLAYED] + 1) & 3
    if at[_PLAYED] == 0:
        at[_LEADER] = at[_WINNER]
        at[_OURS + ((at[_WINNER] ^ bidder) & 1)] += at[_TRICK]


@inlined
def _decided(at: Any, bid: Any) -> Any:
    """1 when the bid is made, -1 when it is set, 0 while it is open."""
    return 1 if at[_OURS] >= bid else -1 if at[_THEIRS] > HAND_POINTS - bid else 0


@inlined
def _one_of(mask: Any, random: Any) -> Any:
    """A set bit of a mask, by a uint64."""
    k = np.int64((random >> uint64(33)) * uint64(popcount(uint64(mask))) >> uint64(31))
    while k > 0:
        mask &= mask - 1
        k -= 1
    return lowest(mask)


@kernel
def _answer(at: Any, key: Any, c: Contract, tree: Tree) -> Any:
    """What another seat plays: the best for its team if everyone played at random from then on."""
    todo = _legal(at, c.declaration)
    if todo & (todo - 1) == 0:
        return lowest(todo)
    name = key
    for i in range(WIDTH):
        name = mixed(name + uint64(at[i]))
    place = name >> uint64(64 - _MEMORY_BITS)
    if tree.memory[place] == name:
        return np.int64(tree.answers[place])
    mover = (at[_LEADER] + at[_PLAYED]) & 3
    sign = 1 if (mover ^ c.bidder) & 1 == 0 else -1
    best, chosen, trial = -(1 << 40), 0, tree.trial
    while todo:
        domino = lowest(todo)
        todo &= todo - 1
        worth, random = 0, name
        for _ in range(c.playouts):
            trial[:] = at
            _play(trial, c.declaration, c.bidder, domino)
            while _decided(trial, c.bid) == 0:
                random = mixed(random + uint64(0x9E3779B97F4A7C15))
                _play(trial, c.declaration, c.bidder, _one_of(_legal(trial, c.declaration), random))
            worth += 100 * _decided(trial, c.bid) + trial[_OURS] - trial[_THEIRS]  # points tell equal chances apart
        if sign * worth > best:
            best, chosen = sign * worth, domino
    tree.memory[place], tree.answers[place] = name, chosen
    return chosen


@kernel
def _until_asked(at: Any, key: Any, c: Contract, tree: Tree) -> Any:
    """Let the others play until the contract is decided or the seat is to play; a hash of what they played."""
    shown = uint64(1)
    while _decided(at, c.bid) == 0 and (at[_LEADER] + at[_PLAYED]) & 3 != c.seat:
        domino = _answer(at, key, c, tree)
        shown = mixed(shown + uint64(domino) + uint64(1))
        _play(at, c.declaration, c.bidder, domino)
    return shown


@kernel
def _respond(depth: Any, n: Any, c: Contract, tree: Tree, out: Any) -> Any:
    """In how many of the node's n worlds the seat's team gets its way with best play; at the root also by domino.

    The worlds of a node look the same to the seat. What the others play next tells some of them apart.
    """
    first = tree.positions[depth, tree.members[depth, 0]]
    sign = 1 if (c.seat ^ c.bidder) & 1 == 0 else -1
    todo = _legal(first, c.declaration)
    best = np.int64(-1)
    while todo and (best < n or depth == 0):
        domino = lowest(todo)
        todo &= todo - 1
        won = np.int64(0)
        below = tree.positions[depth + 1]
        seen = tree.seen[depth + 1]
        for i in range(n):
            world = tree.members[depth, i]
            below[world] = tree.positions[depth, world]
            _play(below[world], c.declaration, c.bidder, domino)
            seen[world] = _until_asked(below[world], tree.keys[world], c, tree)
            if _decided(below[world], c.bid) != 0:
                won += _decided(below[world], c.bid) == sign
                seen[world] = uint64(0)
        for i in range(n):
            same = seen[tree.members[depth, i]]
            if same == 0:
                continue
            size = 0
            for j in range(i, n):
                world = tree.members[depth, j]
                if seen[world] == same:
                    tree.members[depth + 1, size] = world
                    seen[world] = uint64(0)
                    size += 1
            won += _respond(depth + 1, size, c, tree, out)
        if depth == 0:
            out[domino] = won
        best = max(best, won)
    return best


@kernel
def best_response(deals: Any, plays: Any, key: Any, c: Contract, tree: Tree, out: Any) -> None:
    """Write for each legal domino of the seat in how many worlds its team gets its way (int64[28]; -1 = illegal).

    Args:
        deals: the worlds, uint8[w, 28].
        plays: the dominoes played so far, int8[p].
        key: of the random playouts.
        c: the contract.
        tree: memory for at least w worlds.
        out: the answer.
    """
    out[:] = -1
    tree.memory[:] = 0
    for world in range(len(deals)):
        at = tree.positions[0, world]
        at[:] = 0
        for bit in range(28):
            at[bit // 7] |= np.int64(1) << np.int64(deals[world, bit])
        at[_LEADER] = c.bidder
        for domino in plays:
            _play(at, c.declaration, c.bidder, np.int64(domino))
        tree.members[0, world] = world
        tree.keys[world] = mixed(key + uint64(world))
    _respond(np.int64(0), np.int64(len(deals)), c, tree, out)
