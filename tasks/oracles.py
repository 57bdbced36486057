"""A trained network as the oracle of E[Q], and a seat network as a player or, by rollouts, as an oracle."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from forge_core.expected_q.oracle import FixedBatches, HiddenHandsOracle, Oracle

if TYPE_CHECKING:
    from forge_core.learn.model import Model
    from forge_core.players.decisions import AnyPlayer


@dataclass(frozen=True, slots=True)
class ModelOracle:
    """A network that predicts Q values, as an oracle.

    model   answers in points, mover's view
    digest  of its file
    name    what it is called in the games' metadata
    """

    model: "Model"
    digest: str
    name: str = "model"

    def q(
        self,
        deals: UInt8[np.ndarray, "n 28"],
        declarations: UInt8[np.ndarray, "n"],
        states: Int64[np.ndarray, "n"],
    ) -> Float32[np.ndarray, "n 7"]:
        """See `Oracle.q`."""
        from forge_core.tokens.encode import encode_states

        tokens, mask, legal = encode_states(deals, declarations, states)
        slots = self.model(tokens, mask).slots
        return np.where(legal, slots, np.float32(np.nan)).astype(np.float32)


def model_oracle(model: Path | str, *, catalog: Path | None = None) -> Oracle:
    """A model folder, an .onnx file or, as a string, a name of the catalog: torch where it is fastest, ONNX on the CPU.

    catalog  where names are looked up

    Raises ModelError, or WrongModelType for a policy.
    """
    from forge_core.learn.model import DEFAULT, fastest_device, load

    loaded = load(model, kind="qvalue", device=fastest_device(), catalog=catalog or DEFAULT)
    return FixedBatches(ModelOracle(loaded, loaded.digest))


def rollout_oracle(network: Path | str, *, exact: int, bid: int | None, threads: int) -> HiddenHandsOracle:
    """The rollouts of a seat network, a folder or an .onnx file, as an oracle (see `RolloutOracle`). ModelError."""
    from forge_core.seat.load import load_seat
    from forge_core.seat.oracle import RolloutOracle

    return RolloutOracle(load_seat(network, threads=threads), exact, bid, threads)


def seat_players(
    place: "Callable[[str], Path | str]", *, catalog: Path | None = None
) -> "Callable[[str, int], AnyPlayer]":
    """What makes players of seat networks (`Means.seat`).

    Args:
        place: where the network lies that a player's text names: a folder, a file or, as a string, a name.
        catalog: where names are looked up.
    """

    def make(text: str, threads: int) -> "AnyPlayer":
        from forge_core.seat.load import DEFAULT, load_seat
        from forge_core.seat.player import make_seat_player, seat_name

        return make_seat_player(
            text, load_seat(place(seat_name(text)), threads=threads, catalog=catalog or DEFAULT), threads
        )

    return make
