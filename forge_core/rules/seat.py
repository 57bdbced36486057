"""Seats 0-3 in the order of play; team = seat % 2, so seats 0 and 2 play against 1 and 3."""

SEATS = range(4)


def team(seat: int) -> int:
    """The team (0 or 1) of a seat."""
    return seat % 2


def partner(seat: int) -> int:
    """The seat across the table."""
    return (seat + 2) % 4


def next_seat(seat: int, steps: int = 1) -> int:
    """The seat that plays `steps` turns after this one within a trick."""
    return (seat + steps) % 4
