"""The stage `train`: train a network on training arrays, or on a stream of deals that it solves meanwhile."""

import logging
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from forge_core.learn.settings import TrainSettings
from tasks.devices import choose_device
from tasks.stage import Context, Details, Machine, Stage

logger = logging.getLogger(__name__)

METRICS = "metrics.json"
FILES = ("model.safetensors", "config.json", METRICS, "curves.png")


def run(context: Context, folder: Path, settings: TrainSettings, inputs: Sequence[Path]) -> Details:
    """Write the model; a run that was killed goes on from the checkpoint that it left in `context.work`.

    The inputs are the training arrays and, if there is a second one, the model whose weights it starts from.

    Returns:
        "history": all epochs, with times, which no digest may depend on.
    """
    import torch

    from forge_core.learn.model import sound_checkpoint
    from forge_core.learn.plots import read_history
    from forge_core.learn.report import EpochReport
    from forge_core.learn.train import HISTORY, TrainerConfig, train

    with nullcontext(str(context.work)) if context.work else TemporaryDirectory() as place:
        work = Path(place)
        resume = sound_checkpoint(work)
        if resume is not None:
            logger.info("%-12s goes on from the checkpoint of a run that was interrupted", "train")
        trainer_config = TrainerConfig(
            resume=resume,
            callbacks=[EpochReport(context.on_epoch)],
            console=context.console,
            accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[context.device],
            devices=context.hardware.devices,
            strategy=context.hardware.strategy,
            solver_threads=context.threads,
            solver_device=choose_device(context.device) if settings.source == "stream" else None,
        )
        initial = inputs[1] if len(inputs) > 1 else None
        try:
            with context.hold_gpu() if torch.cuda.is_available() and context.device != "cpu" else nullcontext():
                result = train(inputs[0], work, settings, trainer_config, initial=initial)
        except SystemExit as stop:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stop
        for name in FILES:
            shutil.copyfile(work / name, folder / name)
        epochs = [epoch.model_dump(mode="json") for epoch in read_history(work / HISTORY)]
    q_gap = result.val.model.overall.q_gap
    logger.info("%-12s kept epoch %d, q_gap on all of val %.3f", "train", result.best_epoch + 1, q_gap)
    return {"history": epochs}


STAGE = Stage(
    name="train",
    settings=TrainSettings,
    kind="model",
    run=run,
    machine=Machine(cores=4, memory=16, time_limit=86_400),
)
