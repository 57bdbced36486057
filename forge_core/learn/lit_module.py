"""What a training step does: losses, optimiser, schedule, averaged weights, and the look at the validation split."""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from forge_core.learn.batches import Batch
from forge_core.learn.metrics import Metrics, measure_model
from forge_core.learn.network import POINTS_SCALE, Network
from forge_core.learn.settings import TrainSettings
from forge_core.tokens.dataset import TokenArrays

_NOT_LEGAL = -1e9


class ForgeModule(pl.LightningModule):
    """A network in training. `metrics` are those of the latest validation, of the weights that would be kept.

    validation   the samples that the validation batches hold, in their order
    total_steps  the step at which the learning rate reaches 0
    """

    metrics: Metrics

    def __init__(self, network: Network, settings: TrainSettings, *, validation: TokenArrays, total_steps: int) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.total_steps = total_steps
        # processes that train together await the gradients of all weights that want them
        self.averaged = deepcopy(network).requires_grad_(False) if settings.ema_decay else None
        self._validation = validation
        self._ask: Callable[..., tuple[Tensor, Tensor]] = network.forward
        self._answers: list[tuple[Tensor, Tensor]] = []

    @property
    def kept(self) -> Network:
        """The network that is validated and kept: the averaged one where there is one."""
        return self.network if self.averaged is None else self.averaged

    def setup(self, stage: str) -> None:
        """Compiles what the training steps run, where the settings ask for it; what is kept is the network itself."""
        wanted = self.settings.compile
        if wanted == "on" or (wanted == "auto" and self.trainer.strategy.root_device.type == "cuda"):
            self._ask = torch.compile(self.network.forward)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        slots, value = self._ask(batch.tokens, batch.mask)
        return loss_of(slots, value, batch, self.settings)

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
            follow = get_ema_multi_avg_fn(decay_at(self.trainer.global_step, self.settings.ema_decay))
            follow(list(self.averaged.parameters()), list(self.network.parameters()), 0)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collects what the kept network answers, in float32 as it will answer when it is trained."""
        with torch.autocast(self.device.type, enabled=False):
            slots, value = self.kept(batch.tokens, batch.mask)
        self._answers.append((slots.cpu(), value.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Measures the answers and logs the means over all samples as `val/<name>`."""
        slots, value = (torch.cat(part).numpy() for part in zip(*self._answers, strict=True))
        self._answers.clear()
        self.metrics = measure_model(slots, value, self._validation, predicts_q=self.network.kind == "qvalue")
        means = self.metrics.overall.model_dump(exclude={"samples"}, exclude_none=True)
        self.log_dict({f"val/{name}": mean for name, mean in means.items()}, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with weight decay on matrices only; warm-up and cosine by steps."""
        matrices = [parameter for parameter in self.network.parameters() if parameter.ndim > 1]
        vectors = [parameter for parameter in self.network.parameters() if parameter.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": self.settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        # Under float16 the fused kernel would scale the gradients back only after they are clipped.
        fused = self.trainer.precision != "16-mixed"
        optimizer = torch.optim.AdamW(groups, lr=self.settings.learning_rate, betas=(0.9, 0.99), fused=fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clips by norm. Lightning's own clipping refuses every fused optimiser, though only float16 needs it to."""
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_clip)

    def _rate(self, step: int) -> float:
        """The share of the peak learning rate at a step: a rising line, then half a cosine down to 0."""
        warm = math.ceil(self.settings.warmup * self.total_steps)
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - warm) / max(1, self.total_steps - warm)))


def decay_at(step: int, decay: float) -> float:
    """What is left of the averaged weights after a step, counted from 0: it rises from 0 to `decay`, so that the first
    weights, which know nothing, are forgotten soon. Both numbers are the host's: no step waits for the device.
    """
    return min(decay, (1 + step) / (10 + step)) if step else 0.0


def loss_of(
    slots: Float[Tensor, "batch 7"], value: Float[Tensor, "batch"], batch: Batch, settings: TrainSettings
) -> Float[Tensor, ""]:
    """The loss in units of POINTS_SCALE squared (and nats): the plays' part and the weighted value's."""
    of_slots = _q_loss(slots, batch, settings) if settings.kind == "qvalue" else _policy_loss(slots, batch, settings)
    return of_slots + settings.value_weight * functional.mse_loss(value / POINTS_SCALE, batch.v / POINTS_SCALE)


def _q_loss(slots: Tensor, batch: Batch, settings: TrainSettings) -> Tensor:
    """Mean squared error over legal slots, and once more, weighted, of what is left after each state's mean error.

    A choice depends on the differences between plays alone. They are a small part of the error of Q, most of which all
    plays of a state share, and easier to learn than the state's value: weighting them lowered q_gap at equal effort.
    """
    error = torch.where(batch.legal, slots - batch.q, 0.0) / POINTS_SCALE
    n_legal = batch.legal.sum(1, keepdim=True)
    difference = torch.where(batch.legal, error - error.sum(1, keepdim=True) / n_legal, 0.0)
    return (error.square().sum() + settings.difference_weight * difference.square().sum()) / n_legal.sum()


def _policy_loss(slots: Tensor, batch: Batch, settings: TrainSettings) -> Tensor:
    """Cross-entropy against the softmax over Q of the legal slots."""
    target = torch.where(batch.legal, batch.q / settings.temperature, _NOT_LEGAL).softmax(1)
    logits = torch.where(batch.legal, slots, _NOT_LEGAL)
    return functional.cross_entropy(logits, target)
