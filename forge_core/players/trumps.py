"""The trumps that a hand asks for at first sight."""

from forge_core.rules import is_double, pips


def best_pip(hand: list[int]) -> int:
    """The pip 0-6 of which the hand holds most dominoes; then one whose double it holds; then the higher one."""

    def worth(pip: int) -> tuple[int, bool, int]:
        mine = [domino for domino in hand if pip in pips(domino)]
        return len(mine), any(is_double(domino) for domino in mine), pip

    return max(range(7), key=worth)
