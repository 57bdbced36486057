"""Double-dummy search over tricks, as kernels: alpha-beta with null windows (MTD(f)), a transposition table of trick
boundaries, move ordering and quick tricks; docs/methods.md names the papers.

Everything a search reads lies in one int64 array `m`, because a recursion that passes a dozen arrays spends its time
copying their headers: the deal's rules at fixed places, then the transposition table. Values inside the recursion are
points to go from the view of the team that leads the present trick, and a search answers "are they at least b?" with a
bound on them (fail-soft: at least b, a lower bound; below, an upper one).

A table entry is one word: tag (boundary 30 bits, generation 14), best lead 5, upper bound 7, lower bound 7. The
generation tells deals apart, so that the table need not be cleared for each.
"""

from typing import Any

import numpy as np
from numba import int64, uint64

from forge_core.solver.jit import inlined, kernel
from forge_core.solver.lanes import lowest, popcount
from forge_core.solver.rules_kernel import (
    COUNT_POINTS,
    FOLLOWS,
    LED_SUITS,
    RANKS,
    hand_of,
    held_of,
    leader_of,
    playable,
    plays_of,
    slot_bit,
    slot_of,
    winning,
)
from forge_core.solver.state import ALL_HELD, LEADER_SHIFT

_FOLLOW = 0  # + 8 seat + suit: mask of the slots that follow
_RANK = _FOLLOW + 32  # + 8 (8 seat + slot) + suit
_LED = _RANK + 256  # + 8 seat + slot
_POINTS = _LED + 32  # + 8 seat + slot
_COUNTS = _POINTS + 32  # + seat: mask of the count dominoes
_TRUMPS = _COUNTS + 4  # + seat: mask of the trumps
_BEATS = _TRUMPS + 4  # + 32 (8 seat + suit) + rank: mask of the slots of higher rank
_GENERATION = _BEATS + 1024
_TABLE = _GENERATION + 1
_TABLE_BITS = 15
_GENERATIONS = 1 << 14  # one bit less than there is room for: a tag with the sign bit set is never found again
_HASH = np.int64(-7046029254386353131)  # 2^64 / golden ratio
_ALL_POINTS = 42
_NO_MOVE = 7
_FAR = 100  # beyond every value

MEMORY_WORDS = _TABLE + (1 << _TABLE_BITS)
"""The length of a search's int64 array: about 270 kB."""


@inlined
def _at(m: Any, i: Any) -> Any:
    return m[uint64(i)]


@kernel
def prepare(deal: Any, declaration: Any, m: Any) -> None:
    """Lay out the rules of a deal (uint8[28]) and start a new generation of table entries."""
    trump_power = declaration <= 7
    for seat in range(4):
        m[_COUNTS + seat] = 0
        for slot in range(7):
            domino = deal[7 * seat + slot]
            m[_LED + 8 * seat + slot] = LED_SUITS[declaration, domino]
            m[_POINTS + 8 * seat + slot] = COUNT_POINTS[domino]
            if COUNT_POINTS[domino] > 0:
                m[_COUNTS + seat] |= 1 << slot
        for suit in range(8):
            follow = 0
            beats = _BEATS + 32 * (8 * seat + suit)
            m[beats : beats + 32] = 0
            for slot in range(7):
                domino = deal[7 * seat + slot]
                follow |= np.int64(FOLLOWS[declaration, suit, domino]) << slot
                rank = RANKS[declaration, suit, domino]
                m[_RANK + 8 * (8 * seat + slot) + suit] = rank
                for lower in range(rank):
                    m[beats + lower] |= 1 << slot
            m[_FOLLOW + 8 * seat + suit] = follow
        m[_TRUMPS + seat] = m[_FOLLOW + 8 * seat + 7] if trump_power else 0
    m[_GENERATION] += 1
    if m[_GENERATION] == _GENERATIONS:
        m[_TABLE:] = 0
        m[_GENERATION] = 1


@inlined
def _rank(m: Any, seat: Any, slot: Any, suit: Any) -> Any:
    return _at(m, _RANK + 8 * (8 * seat + slot) + suit)


@inlined
def _legal(m: Any, held: Any, seat: Any, suit: Any) -> Any:
    return playable(hand_of(held, seat), _at(m, _FOLLOW + 8 * seat + suit))


@inlined
def _pick(todo: Any, first: Any) -> Any:
    """The next slot to try: one of `first` while there is one."""
    preferred = todo & first
    return lowest(preferred if preferred else todo)


@inlined
def _ordered_first(m: Any, slots: Any, seat: Any, suit: Any, best: Any, ours: Any, last: Any) -> Any:
    """Move ordering: first counts for a trick that is ours, else winners, else no counts for the others."""
    winners = slots & _at(m, _BEATS + 32 * (8 * seat + suit) + best)
    counts = slots & _at(m, _COUNTS + seat)
    if ours and (last or not winners):
        return counts
    return winners if winners else slots & ~counts


@inlined
def _after(m: Any, seat: Any, slot: Any, suit: Any, best: Any, winner: Any) -> Any:
    return winning(best, winner, _rank(m, seat, slot, suit), seat)


@inlined
def _cannot_beat(m: Any, held: Any, seat: Any, suit: Any, rank: Any) -> bool:
    return _legal(m, held, seat, suit) & _at(m, _BEATS + 32 * (8 * seat + suit) + rank) == 0


@inlined
def _quick_tricks(m: Any, held: Any, leader: Any) -> Any:
    """The leads that no opponent can beat, and points that the leader's team is sure to win.

    Its trumps above all of theirs win a trick each, whenever they are played; of the others only the first lead counts.
    """
    sure, trumps, other = int64(0), int64(0), int64(0)
    todo = hand_of(held, leader)
    while todo:
        slot = lowest(todo)
        todo &= todo - 1
        suit = _at(m, _LED + 8 * leader + slot)
        rank = _rank(m, leader, slot, suit)
        if _cannot_beat(m, held, leader + 1 & 3, suit, rank) and _cannot_beat(m, held, leader + 3 & 3, suit, rank):
            sure |= int64(1) << slot
            points = 1 + _at(m, _POINTS + 8 * leader + slot)
            if _at(m, _TRUMPS + leader) >> slot & 1:
                trumps += points
            else:
                other = max(other, points)
    return sure, max(trumps, other)


@inlined
def _second_choice(m: Any, held: Any, leader: Any) -> Any:
    """What to lead when no lead is sure: one that the partner takes with a domino no opponent beats, else trumps."""
    leads = int64(0)
    partner = leader + 2 & 3
    todo = hand_of(held, leader)
    while todo:
        slot = lowest(todo)
        todo &= todo - 1
        suit = _at(m, _LED + 8 * leader + slot)
        answers = _legal(m, held, partner, suit)
        while answers:
            rank = _rank(m, partner, lowest(answers), suit)
            answers &= answers - 1
            if _cannot_beat(m, held, leader + 1 & 3, suit, rank) and _cannot_beat(m, held, leader + 3 & 3, suit, rank):
                leads |= int64(1) << slot
                answers = int64(0)
    return leads if leads else _at(m, _TRUMPS + leader)


@inlined
def _last_rank(m: Any, held: Any, seat: Any, suit: Any) -> Any:
    return _rank(m, seat, lowest(hand_of(held, seat)), suit)


@inlined
def _last_trick(m: Any, held: Any, leader: Any, left: Any) -> Any:
    lead = lowest(hand_of(held, leader))
    suit = _at(m, _LED + 8 * leader + lead)
    first, second, third = leader + 1 & 3, leader + 2 & 3, leader + 3 & 3
    ours = max(_rank(m, leader, lead, suit), _rank(m, second, lowest(hand_of(held, second)), suit))
    theirs = max(
        _rank(m, first, lowest(hand_of(held, first)), suit), _rank(m, third, lowest(hand_of(held, third)), suit)
    )
    return left if ours > theirs else -left


@inlined
def _look_up(m: Any, key: Any, left: Any) -> Any:
    """Where a boundary's entry lies, its tag, and what it says: lower bound, upper bound, best lead."""
    at = _TABLE + (key * _HASH >> (64 - _TABLE_BITS) & ((1 << _TABLE_BITS) - 1))
    tag = key | _at(m, _GENERATION) << 30
    entry = _at(m, at)
    if entry >> 19 == tag:
        return at, tag, (entry & 127) - 64, (entry >> 7 & 127) - 64, entry >> 14 & 7
    return at, tag, -left, left, int64(_NO_MOVE)


@inlined
def _bounds(m: Any, held: Any, leader: Any, left: Any, b: Any) -> Any:
    """What is known before any play: low, high, and where to go on: table place, tag, best lead, sure leads.

    Where `low >= b` or `high < b` already, the rest is not filled in.
    """
    nothing = int64(0)
    hand = hand_of(held, leader)
    if hand & (hand - 1) == 0:
        value = _last_trick(m, held, leader, left)
        return value, value, nothing, nothing, nothing, nothing
    at, tag, low, high, move = _look_up(m, held | leader << LEADER_SHIFT, left)
    if low >= b or high < b:
        return low, high, nothing, nothing, nothing, nothing
    sure, points = _quick_tricks(m, held, leader)
    return max(low, 2 * points - left), high, at, tag, move, sure


@inlined
def _threshold(leader: Any, winner: Any, points: Any, b: Any) -> Any:
    """What the next leader has to reach, in its own view, so that this one does (same team), or does not (other)."""
    return 1 - b - points if (winner ^ leader) & 1 else b - points


@inlined
def _sign(leader: Any, winner: Any) -> Any:
    return 1 - 2 * ((winner ^ leader) & 1)


@kernel
def _boundary(m: Any, held: Any, leader: Any, left: Any, b: Any) -> Any:
    """Bound the points to go at a trick boundary with `left` points left: four plies, then the next boundary.

    One function, because Numba types a recursion only through itself.
    """
    if -left >= b:
        return -left
    if left < b:
        return left
    low, high, at, tag, move, sure = _bounds(m, held, leader, left, b)
    if low >= b:
        return low
    if high < b:
        return high
    seat1, seat2, seat3 = leader + 1 & 3, leader + 2 & 3, leader + 3 & 3
    first0 = sure if move == _NO_MOVE else int64(1) << move
    todo0 = hand_of(held, leader)
    best0, second0 = int64(-_FAR), int64(-1)
    while todo0 and best0 < b:
        if not todo0 & first0:
            second0 = _second_choice(m, held, leader) if second0 < 0 else second0
            first0 = second0
        slot0 = _pick(todo0, first0)
        first0 = sure
        todo0, held0 = todo0 & ~(int64(1) << slot0), held & ~(int64(1) << (7 * leader + slot0))
        suit = _at(m, _LED + 8 * leader + slot0)
        rank0 = _rank(m, leader, slot0, suit)
        points0 = 1 + _at(m, _POINTS + 8 * leader + slot0)
        todo1 = _legal(m, held, seat1, suit)
        first1 = _ordered_first(m, todo1, seat1, suit, rank0, False, False)
        best1 = int64(_FAR)
        while todo1 and best1 >= b:
            slot1 = _pick(todo1, first1)
            todo1, held1 = todo1 & ~(int64(1) << slot1), held0 & ~slot_bit(seat1, slot1)
            rank1, winner1 = _after(m, seat1, slot1, suit, rank0, leader)
            points1 = points0 + _at(m, _POINTS + 8 * seat1 + slot1)
            todo2 = _legal(m, held, seat2, suit)
            first2 = _ordered_first(m, todo2, seat2, suit, rank1, winner1 == leader, False)
            best2 = int64(-_FAR)
            while todo2 and best2 < b:
                slot2 = _pick(todo2, first2)
                todo2, held2 = todo2 & ~(int64(1) << slot2), held1 & ~slot_bit(seat2, slot2)
                rank2, winner2 = _after(m, seat2, slot2, suit, rank1, winner1)
                points2 = points1 + _at(m, _POINTS + 8 * seat2 + slot2)
                todo3 = _legal(m, held, seat3, suit)
                first3 = _ordered_first(m, todo3, seat3, suit, rank2, winner2 == seat1, True)
                best3 = int64(_FAR)
                while todo3 and best3 >= b:
                    slot3 = _pick(todo3, first3)
                    todo3, held3 = todo3 & ~(int64(1) << slot3), held2 & ~slot_bit(seat3, slot3)
                    winner = _after(m, seat3, slot3, suit, rank2, winner2)[1]
                    points = points2 + _at(m, _POINTS + 8 * seat3 + slot3)
                    target = _threshold(leader, winner, points, b)
                    below = points + _boundary(m, held3, winner, left - points, target)
                    best3 = min(best3, _sign(leader, winner) * below)
                best2 = max(best2, best3)
            best1 = min(best1, best2)
        if best1 > best0:
            best0, move = best1, slot0
    low, high = (max(low, best0), high) if best0 >= b else (low, min(high, best0))
    m[uint64(at)] = tag << 19 | move << 14 | (high + 64) << 7 | (low + 64)
    return best0


@kernel
def _descend(m: Any, held: Any, trick: Any, left: Any, b: Any) -> Any:
    """Bound the points to go of a trick = (leader, place, suit, best rank, winner, points), begun or not."""
    leader, place, suit, best, winner, points = trick
    if place == 0:
        return _boundary(m, held, leader, left, b)
    if place == 4:
        below = points + _boundary(m, held, winner, left - points, _threshold(leader, winner, points, b))
        return _sign(leader, winner) * below
    seat = leader + place & 3
    todo = _legal(m, held, seat, suit)
    first = _ordered_first(m, todo, seat, suit, best, (winner ^ seat) & 1 == 0, place == 3)
    ours = place == 2
    value = int64(-_FAR if ours else _FAR)
    while todo and (value < b) == ours:
        slot = _pick(todo, first)
        todo &= ~(int64(1) << slot)
        below = _descend(m, held & ~slot_bit(seat, slot), _put(m, trick, slot), left, b)
        value = max(value, below) if ours else min(value, below)
    return value


@inlined
def _put(m: Any, trick: Any, slot: Any) -> Any:
    """The trick = (leader, place, suit, best rank, winner, points) after its next play."""
    leader, place, suit, best, winner, points = trick
    seat = leader + place & 3
    if place == 0:
        suit = _at(m, _LED + 8 * leader + slot)
    best, winner = _after(m, seat, slot, suit, best, winner)
    return leader, place + 1, suit, best, winner, points + _at(m, _POINTS + 8 * seat + slot)


@kernel
def _exact(m: Any, held: Any, trick: Any, left: Any, guess: Any) -> Any:
    """The points to go, by null windows around a guess; every value has the parity of `left`."""
    low, high = -left, left
    tries = 0
    b = min(max(guess, low + 2), high)
    while low < high:
        value = _descend(m, held, trick, left, b)
        tries += 1
        if value >= b:
            low = value
        else:
            high = value
        if tries < 3:
            b = low + 2 if value >= b else high
        else:  # the guess was far off: halve what is left
            b = (low + high) // 2 + 1
            b += (b ^ high) & 1
        b = min(max(b, low + 2), high)
    return low


@inlined
def _asked(m: Any, state: Any, slots: Any) -> Any:
    """What a search of a packed state starts from: hands, trick, points left, mover, its legal slots among `slots`."""
    held, leader = held_of(state), leader_of(state)
    trick = (leader, int64(0), int64(0), int64(-1), leader, int64(1))
    for place in range(plays_of(state)):
        trick = _put(m, trick, slot_of(state, place))
    left = trick[5] - 1 + (popcount(uint64(held)) + trick[1]) // 4
    todo = held
    while todo:
        i = lowest(todo)
        todo &= todo - 1
        left += _at(m, _POINTS + 8 * (i // 7) + i % 7)
    seat = leader + trick[1] & 3
    legal = hand_of(held, seat) if trick[1] == 0 else _legal(m, held, seat, trick[2])
    return held, trick, left, seat, legal & int64(slots)


@kernel
def q_of_state(m: Any, state: Any, slots: Any, out: Any) -> None:
    """Write Q (int8[7], team 0's view) of the asked legal slots of a packed state of the prepared deal to `out`."""
    held, trick, left, seat, todo = _asked(m, state, slots)
    guess = left & 1
    while todo:
        slot = lowest(todo)
        todo &= todo - 1
        guess = _exact(m, held & ~slot_bit(seat, slot), _put(m, trick, slot), left, guess)
        out[slot] = -guess if trick[0] & 1 else guess


@kernel
def reached_of_state(m: Any, state: Any, slots: Any, bound: Any, out: Any) -> None:
    """Write to `out` (int8[7]) whether the Q (team 0's view) of the asked legal slots is at least `bound`: 1 or 0."""
    held, trick, left, seat, todo = _asked(m, state, slots)
    odd = trick[0] & 1
    b = 1 - int64(bound) if odd else int64(bound)
    b += (b ^ left) & 1  # every value has the parity of `left`
    while todo:
        slot = lowest(todo)
        todo &= todo - 1
        if -left >= b:
            reached = True
        elif left < b:
            reached = False
        else:
            reached = _descend(m, held & ~slot_bit(seat, slot), _put(m, trick, slot), left, b) >= b
        out[slot] = reached != (odd == 1)


@kernel
def value_of_opening(m: Any, guess: Any) -> Any:
    """V of the prepared deal's opening: team 0's points less team 1's, by null windows around a guess."""
    zero = int64(0)
    return _exact(m, int64(ALL_HELD), (zero, zero, zero, int64(-1), zero, int64(1)), int64(_ALL_POINTS), guess)
