"""A network in training whose weights are averaged: what every training of ours has in common."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Generic, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

N = TypeVar("N", bound=nn.Module)


class AveragedModule(pl.LightningModule, Generic[N]):
    """A network in training, and the average of its weights, which follows it.

    network    what learns
    averaged   None where nothing is averaged
    ema_decay  what is left of the average after a late step; 0 = nothing is averaged
    """

    def __init__(self, network: N, ema_decay: float) -> None:
        super().__init__()
        self.network = network
        # processes that train together await the gradients of all weights that want them
        self.averaged = deepcopy(network).requires_grad_(False) if ema_decay else None
        self._ema_decay = ema_decay

    @property
    def kept(self) -> N:
        """The network that is validated and kept: the averaged one where there is one."""
        return self.network if self.averaged is None else self.averaged

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: torch.optim.Optimizer | LightningOptimizer,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """One step, and the averaged weights follow at once: no checkpoint can lie between the two."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        if self.averaged is not None:
            follow = get_ema_multi_avg_fn(decay_at(self.trainer.global_step, self._ema_decay))
            follow(list(self.averaged.parameters()), list(self.network.parameters()), 0)


def decay_at(step: int, decay: float) -> float:
    """What is left of the averaged weights after a step, counted from 0: it rises from 0 to `decay`, so that the first
    weights, which know nothing, are forgotten soon. Both numbers are the host's: no step waits for the device.
    """
    return min(decay, (1 + step) / (10 + step)) if step else 0.0
