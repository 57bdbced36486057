"""Train a network."""

import logging
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.installation import Installation
from forge_core.artifacts.listing import Source
from forge_core.artifacts.reference import Reference
from forge_core.learn.settings import TrainSettings
from tasks import tracking
from tasks.console import console
from tasks.devices import choose_device, hardware
from tasks.elsewhere import elsewhere
from tasks.limits import one_gpu
from tasks.pages import links
from tasks.stage import artifact, key_of, source, stage_task
from tasks.training_page import TrainingPage

if TYPE_CHECKING:
    from forge_core.learn.history import Epoch
    from forge_core.learn.metrics import Summary

logger = logging.getLogger(__name__)

CODE = ("forge_core.learn.train",)
MODEL_FILES = ("model.safetensors", "config.json", "metrics.json", "curves.png")
"""What is kept of a run in the store; its history holds times, which no digest may depend on, and goes to MLflow."""


@stage_task(name="train")
def train(tokens: Reference | Path, settings: TrainSettings, initial: Reference | Path | None = None) -> Reference:
    """The model that a training run on these tokens leads to; a run that was killed goes on where it was.

    initial  the model whose weights it starts from; None = weights drawn by the seed
    """
    data = source(tokens)
    start = None if initial is None else source(initial)
    inputs = [data] if start is None else [data, start]
    runs: list[tracking.TrackedRun] = []
    recipe: dict[str, Any] = {"code": CODE, "settings": {"train": settings}, "inputs": [each.digest for each in inputs]}
    # named by the run's key: the same run finds the checkpoint it left there when it was killed
    key = key_of("train", **recipe).digest
    work = Installation().home.absolute() / "training" / key

    def make(folder: Path) -> None:
        from forge_core.learn.train import LAST

        tags = {"dataset": data.digest, "stage": "train", "key": key}
        tags |= {} if start is None else {"initial": start.digest}
        goes_on = (work / LAST).exists()
        with tracking.tracked("train", parameters=settings.model_dump(), tags=tags, goes_on=goes_on) as run:
            runs.append(run)
            page = TrainingPage(settings, lambda: links(run.name, tokens))
            if elsewhere():
                _train_elsewhere(work, inputs, settings, run)
            else:
                _train(data.path, work, settings, run, page=page, initial=None if start is None else start.path)
            for name in (*MODEL_FILES, "history.json"):
                run.file(work / name)
        for name in MODEL_FILES:
            shutil.copyfile(work / name, folder / name)

    model = artifact("train", make, kind="model", **recipe)
    shutil.rmtree(work, ignore_errors=True)  # not before the model is in the store: until then a kill may come
    for run in runs:
        if run.name is not None:
            tracking.remember(model, run.name)
    return model


def _train(
    tokens: Path,
    work: Path,
    settings: TrainSettings,
    run: tracking.TrackedRun,
    *,
    page: TrainingPage,
    initial: Path | None,
) -> None:
    import torch

    from forge_core.learn.report import EpochReport
    from forge_core.learn.train import LAST, Surroundings, train

    resume = work / LAST if (work / LAST).exists() else None
    if resume is not None:
        logger.info("%-12s goes on from the checkpoint of a run that was interrupted", "train")

    def on_epoch(epochs: "Sequence[Epoch]") -> None:
        run.metrics(_epoch_metrics(epochs[-1]), epochs[-1].step)
        page.show(epochs)

    report = EpochReport(on_epoch)
    try:
        surroundings = Surroundings(
            resume=resume,
            callbacks=[report],
            console=console(),
            devices=hardware().devices,
            strategy=hardware().strategy,
            solver_threads=Installation().thread_count(),
            solver_device=choose_device("auto") if settings.source == "stream" else None,
        )
        with one_gpu() if torch.cuda.is_available() else nullcontext():
            result = train(tokens, work, settings, surroundings, initial=initial)
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stop
    page.end()
    overall = result.val.model.overall
    run.metrics({f"final/val/{name}": value for name, value in _numbers(overall).items()})
    logger.info("%-12s kept epoch %d, q_gap on all of val %.3f", "train", result.best_epoch + 1, overall.q_gap)


def _train_elsewhere(work: Path, inputs: Sequence[Source], settings: TrainSettings, run: tracking.TrackedRun) -> None:
    """Train on Modal; what there was to see of it is recorded when it is over."""
    from forge_core.learn.history import read_history
    from tasks.remote.single import make_there

    receipt = make_there("train", work, code=CODE, settings={"train": settings}, inputs=inputs)
    for epoch in read_history(work / "history.json"):
        run.metrics(_epoch_metrics(epoch), epoch.step)
    logger.info("%-12s trained on Modal (%s) in %.0f s", "train", receipt.device, receipt.seconds)


def _epoch_metrics(epoch: "Epoch") -> dict[str, float]:
    return {
        "train/loss": epoch.train_loss,
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
        **{f"val/{name}": value for name, value in _numbers(epoch.val).items()},
    }


def _numbers(summary: "Summary") -> dict[str, float]:
    return {name: value for name, value in summary.model_dump().items() if value is not None}
