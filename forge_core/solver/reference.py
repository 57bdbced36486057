"""The judge: a slow recursive minimax written straight on the rules, for positions with few plays left.

Memory and time grow with the number of positions below: up to about 12 plays left it answers in a second or so.
"""

from functools import cache

from forge_core.rules import Position, team


def value(position: Position) -> int:
    """V: points still to be won, team 0 minus team 1, both sides playing perfectly with all hands open."""
    return _value(_forget_score(position))


def q(position: Position) -> list[int | None]:
    """Q of each slot 0-6, team 0's view; None = illegal."""
    start = _forget_score(position)
    answer: list[int | None] = [None] * 7
    for slot in start.legal_slots():
        answer[slot] = _after(start, slot)
    return answer


def count_reachable(position: Position) -> int:
    """The number of different positions that can be reached by legal plays, this one and the final ones included."""
    seen: set[Position] = set()
    todo = [_forget_score(position)]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo += [_forget_score(here.play(slot)) for slot in here.legal_slots()]
    return len(seen)


def _forget_score(position: Position) -> Position:
    return Position(position.deal, position.declaration, position.held, position.leader, position.trick)


@cache
def _value(position: Position) -> int:
    slots = position.legal_slots()
    if not slots:
        return 0
    best = max if team(position.mover) == 0 else min
    return best(_after(position, slot) for slot in slots)


def _after(position: Position, slot: int) -> int:
    after = position.play(slot)
    return after.won[0] - after.won[1] + _value(_forget_score(after))
