"""A model beside simple players on the same states: what `forge evaluate` keeps of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int8
from pydantic import BaseModel, ConfigDict

from forge_core.learn.metrics import Metrics, highest_rank_play, measure_choice, measure_model, random_play
from forge_core.learn.settings import ModelKind
from forge_core.tokens.arrays import TokenArrays

if TYPE_CHECKING:
    from forge_core.learn.model import Model

MODEL, HIGHEST_RANK, RANDOM = "model", "highest_rank", "random_play"
"""The players of an evaluation."""

_BIN = 2  # points


class Bin(BaseModel):
    """Predictions between two even numbers of points, and what was true of them.

    predicted, exact  means, points, mover's view
    spread            standard deviation of the exact values, points
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int
    predicted: float
    exact: float
    spread: float


class Evaluation(BaseModel):
    """What a model and simple players make of some states.

    kind         what the model's slots are
    players      the metrics of the model, of highest-rank play and of random play, by their names
    calibration  the model's predictions in bins, for "q" (kind qvalue, legal slots) and "value"
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ModelKind
    players: dict[str, Metrics]
    calibration: dict[str, tuple[Bin, ...]]

    @property
    def model(self) -> Metrics:
        """The metrics of the model."""
        return self.players[MODEL]


def evaluate_beside(
    model: "Model", arrays: TokenArrays, on_progress: Callable[[int], None] = lambda samples: None
) -> Evaluation:
    """Ask the model about all samples, in batches, so that `arrays` may be mapped from files; measure all players.

    on_progress  gets the number of samples of each batch
    """
    from forge_core.learn.model import answers  # here, as torch takes two seconds and old evaluations are read without

    slots, value = answers(model, arrays, on_progress)
    predicts_q = model.kind == "qvalue"
    calibration = {"value": _bins(value, arrays.v)}
    if predicts_q:
        calibration["q"] = _bins(slots[arrays.legal], arrays.q[arrays.legal])
    return Evaluation(
        kind=model.kind,
        players={
            MODEL: measure_model(slots, value, arrays, predicts_q=predicts_q),
            HIGHEST_RANK: measure_choice(highest_rank_play(arrays), arrays),
            RANDOM: measure_choice(random_play(arrays), arrays),
        },
        calibration=calibration,
    )


def _bins(predicted: Float32[np.ndarray, "m"], exact: Int8[np.ndarray, "m"]) -> tuple[Bin, ...]:
    place = np.floor(predicted / _BIN).astype(np.int64)
    _, index = np.unique(place, return_inverse=True)
    counts = np.bincount(index)
    means = [np.bincount(index, weights=each) / counts for each in (predicted, exact, exact.astype(np.float64) ** 2)]
    spread = np.sqrt(np.maximum(means[2] - means[1] ** 2, 0))
    rows = zip(counts, means[0], means[1], spread, strict=True)
    return tuple(
        Bin(samples=int(count), predicted=float(mean), exact=float(true), spread=float(wide))
        for count, mean, true, wide in rows
    )
