"""The epochs of a training, read without torch."""

import json
from collections.abc import Sequence
from typing import NamedTuple

HISTORY = "history.json"


class SeatEpoch(NamedTuple):
    """One epoch.

    samples      since the beginning
    seconds      of this epoch, with the wait for its games
    loss         mean over its steps
    nll          nats of an exact final score on val deals, of the averaged weights
    make, points what the chosen plays are worth on val deals, exactly and with all hands open: how often the mover's
                 side makes (or sets) the bid, and its points to go
    """

    epoch: int
    samples: int
    seconds: float
    loss: float
    nll: float
    make: float
    points: float


def history_text(epochs: Sequence[SeatEpoch]) -> str:
    """All epochs as JSON."""
    return json.dumps([epoch._asdict() for epoch in epochs], indent=1)
