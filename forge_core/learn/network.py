"""The interface of the networks."""

from abc import ABC, abstractmethod

from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn

from forge_core.learn.settings import ModelKind

POINTS_SCALE = 16.0
"""Points to one unit inside the networks, about the standard deviation of V: outputs and losses are near 1."""


class Network(nn.Module, ABC):
    """A network that sees a state as its mover does.

    Both outputs are equivariant by construction: another order of a hand's slots gives the same values in that order,
    so no order has to be learned and none can be preferred.
    """

    kind: ModelKind

    def __init__(self, kind: ModelKind) -> None:
        super().__init__()
        self.kind = kind

    def forward(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """What the mover's seven slots are worth, and the state.

        Returns (slots, value), mover's view. Slots: Q in points to go (kind qvalue) or logits (policy); illegal slots
        are left to the caller. Value: V in points to go.
        """
        slots, value = self.heads(tokens, mask)
        slots, value = slots.float(), value.float() * POINTS_SCALE  # half precision has no tenths of a point to spare
        return slots * POINTS_SCALE if self.kind == "qvalue" else slots, value

    @abstractmethod
    def heads(
        self, tokens: Integer[Tensor, "batch 32 12"], mask: Bool[Tensor, "batch 32"]
    ) -> tuple[Float[Tensor, "batch 7"], Float[Tensor, "batch"]]:
        """Both outputs in units of POINTS_SCALE."""
