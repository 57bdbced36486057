"""The networks of a seat: the residual MLP for CPUs, the transformer over the dominoes for GPUs."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from forge_core.learn.network import Block, Layer
from forge_core.learn.settings import Architecture
from forge_core.seat.encode import LEFT, N_BINS, N_DOMINOES, N_INPUTS, N_PLANES, N_STATE
from forge_core.seat.settings import SeatArchitecture

_IMPOSSIBLE = -1e4


class SeatAnswer(NamedTuple):
    """What a network says of n information sets.

    points  per slot the logits of the points that the bidding team still wins after that play, 0-42, those on the
            table included; what is no longer there to be won has no chance
    belief  per canonical domino the logits of relative seat 1, 2, 3 holding it, before voids and hand sizes
    """

    points: Float[Tensor, "n 7 43"]
    belief: Float[Tensor, "n 28 3"]


class SeatNetwork(nn.Module, ABC):
    """Inputs of `encode` in, a `SeatAnswer` out."""

    bins: Tensor

    def __init__(self, architecture: SeatArchitecture) -> None:
        super().__init__()
        a = architecture
        self.architecture = a
        self.to_bins = nn.Sequential(nn.Linear(a.play_width + a.state_width, 64), nn.ReLU(), nn.Linear(64, N_BINS))
        self.register_buffer("bins", torch.arange(N_BINS, dtype=torch.float32), persistent=False)

    def forward(self, inputs: Float[Tensor, "n 711"], slots: Int64[Tensor, "n 7"]) -> SeatAnswer:
        """See `SeatAnswer`; `slots` are the canonical places of the mover's seven dealt dominoes."""
        plays, state, belief = self.heads(inputs)
        mine = plays.gather(1, slots.unsqueeze(-1).expand(-1, -1, plays.shape[-1]))
        joined = torch.cat((mine, state.unsqueeze(1).expand(-1, 7, -1)), dim=-1)
        left = inputs[:, LEFT, None, None] * 42 + 0.5
        logits = self.to_bins(joined).float()
        return SeatAnswer(torch.where(self.bins <= left, logits, _IMPOSSIBLE), belief.float())

    @abstractmethod
    def heads(
        self, inputs: Float[Tensor, "n 711"]
    ) -> tuple[Float[Tensor, "n 28 play"], Float[Tensor, "n state"], Float[Tensor, "n 28 3"]]:
        """What it says of each domino, of the state, and of who holds each domino."""


class SeatMLP(SeatNetwork):
    """Residual blocks over all inputs."""

    def __init__(self, architecture: SeatArchitecture) -> None:
        super().__init__(architecture)
        a = architecture
        self.embed = nn.Linear(N_INPUTS, a.width)
        self.blocks = nn.Sequential(*(Block(a.width, a.width) for _ in range(a.layers)))
        self.norm = nn.LayerNorm(a.width)
        self.head = nn.Linear(a.width, N_DOMINOES * (a.play_width + 3) + a.state_width)

    def heads(
        self, inputs: Float[Tensor, "n 711"]
    ) -> tuple[Float[Tensor, "n 28 play"], Float[Tensor, "n state"], Float[Tensor, "n 28 3"]]:
        """See `SeatNetwork.heads`."""
        a = self.architecture
        out = self.head(self.norm(self.blocks(self.embed(inputs))))
        plays, state, belief = out.split((N_DOMINOES * a.play_width, a.state_width, N_DOMINOES * 3), dim=1)
        return plays.unflatten(1, (N_DOMINOES, a.play_width)), state, belief.unflatten(1, (N_DOMINOES, 3))


class SeatTransformer(SeatNetwork):
    """A token a domino and one for the state; who played what, and in which trick, are features of the dominoes."""

    def __init__(self, architecture: SeatArchitecture) -> None:
        super().__init__(architecture)
        a = architecture
        self.embed = nn.Linear(N_PLANES, a.width)
        self.identity = nn.Parameter(torch.randn(N_DOMINOES, a.width) * 0.1)
        self.embed_state = nn.Linear(N_STATE, a.width)
        shape = Architecture(
            network="transformer", width=a.width, layers=a.layers, heads=a.heads, feedforward=4 * a.width
        )
        self.layers = nn.Sequential(*(Layer(shape) for _ in range(a.layers)))
        self.norm = nn.LayerNorm(a.width)
        self.of_domino = nn.Linear(a.width, a.play_width + 3)
        self.of_state = nn.Linear(a.width, a.state_width)

    def heads(
        self, inputs: Float[Tensor, "n 711"]
    ) -> tuple[Float[Tensor, "n 28 play"], Float[Tensor, "n state"], Float[Tensor, "n 28 3"]]:
        """See `SeatNetwork.heads`."""
        planes, state = inputs.split((N_DOMINOES * N_PLANES, N_STATE), dim=1)
        dominoes = self.embed(planes.unflatten(1, (N_DOMINOES, N_PLANES))) + self.identity
        x = self.norm(self.layers(torch.cat((dominoes, self.embed_state(state).unsqueeze(1)), dim=1)))
        of_domino = self.of_domino(x[:, :N_DOMINOES])
        plays, belief = of_domino.split((self.architecture.play_width, 3), dim=-1)
        return plays, self.of_state(x[:, N_DOMINOES]), belief


def build_seat_network(architecture: SeatArchitecture, seed: int) -> SeatNetwork:
    """A network with first weights drawn by the seed; torch's own random stream is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return (SeatMLP if architecture.network == "mlp" else SeatTransformer)(architecture)
