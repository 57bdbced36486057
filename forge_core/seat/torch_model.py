"""A seat network in torch, ready to be asked."""

import numpy as np
import torch

from forge_core.seat.encode import Inputs
from forge_core.seat.model import AskedInRows
from forge_core.seat.network import SeatNetwork


def torch_seat(network: SeatNetwork, *, threads: int, digest: str = "") -> AskedInRows:
    """A network in torch as a `SeatModel`, on whatever device it lies."""

    def ask(asked: Inputs) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            device = next(network.parameters()).device
            inputs, slots = torch.from_numpy(asked.inputs), torch.from_numpy(asked.slots)
            answer = network(inputs.to(device), slots.to(device))
            return answer.points.softmax(-1).cpu().numpy(), answer.belief.cpu().numpy()

    return AskedInRows(ask, digest, threads)
