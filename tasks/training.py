"""A training as a task: tracked by MLflow, shown on its page, and gone on with after a kill."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from configs.installation import Installation
from forge_core.artifacts.reference import Reference
from forge_core.learn.settings import TrainSettings
from tasks import tracking
from tasks.run import run_stage, source
from tasks.stage import Call, Details, Executor, TrainingPage
from tasks.train import FILES, METRICS, STAGE

if TYPE_CHECKING:
    from forge_core.learn.metrics import Summary
    from forge_core.learn.plots import Epoch


def train(
    tokens: Reference | Path, settings: TrainSettings, executor: Executor, *, initial: Reference | Path | None = None
) -> Reference:
    """The model that a training run on these tokens leads to; a run that was killed goes on where it was.

    Args:
        tokens: training arrays.
        settings: the network and how it learns.
        executor: where it is trained.
        initial: the model whose weights it starts from; None = weights drawn by the seed.
    """
    inputs = [source(each) for each in (tokens, initial) if each is not None]
    call = Call(STAGE, settings, tuple(inputs))
    runs: list[tracking.TrackedRun] = []
    # named by the run's key: the same run finds the checkpoint it left there when it was killed
    work = Installation().home.absolute() / "training" / call.key.digest

    def make(folder: Path) -> Details:
        tags = {"dataset": inputs[0].digest, "stage": STAGE.name, "key": call.key.digest}
        tags |= {"initial": inputs[1].digest} if initial is not None else {}
        goes_on = any(work.glob("*.ckpt"))
        with tracking.tracked("train", parameters=settings.model_dump(), tags=tags, goes_on=goes_on) as run:
            runs.append(run)
            page = executor.context.training_page(settings, tokens, lambda: tracking.address_of(run.name))
            return _train(call, executor, folder, work, run=run, page=page)

    model = run_stage(call, executor, make=make)
    shutil.rmtree(work, ignore_errors=True)  # not before the model is in the store: until then a kill may come
    for run in runs:
        if run.name is not None:
            tracking.remember(model, run.name)
    return model


def _train(
    call: Call[TrainSettings],
    executor: Executor,
    folder: Path,
    work: Path,
    *,
    run: tracking.TrackedRun,
    page: TrainingPage,
) -> Details:
    from forge_core.learn.plots import Epoch, write_history

    told = 0

    def on_epoch(epochs: "Sequence[Epoch]") -> None:
        nonlocal told
        told = len(epochs)
        run.metrics(_epoch_metrics(epochs[-1]), epochs[-1].step)
        page.show(epochs)

    details = executor.run(call, folder, replace(executor.context, on_epoch=on_epoch, work=work))
    epochs = [Epoch.model_validate(each) for each in details["history"]]
    for number in range(told, len(epochs)):  # of a training elsewhere, all of it is told when it is over
        on_epoch(epochs[: number + 1])
    page.end()
    final = json.loads((folder / METRICS).read_bytes())["model"]["overall"]
    run.metrics({f"final/val/{name}": value for name, value in final.items() if value is not None})
    work.mkdir(parents=True, exist_ok=True)
    write_history(work / "history.json", epochs)
    for path in (*(folder / name for name in FILES), work / "history.json"):
        run.file(path)
    return details


def _epoch_metrics(epoch: "Epoch") -> dict[str, float]:
    return {
        "train/loss": epoch.train_loss,
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
        **{f"val/{name}": value for name, value in _numbers(epoch.val).items()},
    }


def _numbers(summary: "Summary") -> dict[str, float]:
    return {name: value for name, value in summary.model_dump().items() if value is not None}
