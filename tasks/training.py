"""A training as a task: tracked by MLflow, shown on its page, and gone on with after a kill."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    tags = {"dataset": inputs[0].digest} | ({"initial": inputs[1].digest} if initial is not None else {})

    def make(folder: Path, work: Path, run: tracking.TrackedRun, page: TrainingPage) -> Details:
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

    return tracked_training(call, executor, make, tokens=tokens, tags=tags)


def tracked_training(
    call: Call[Any],
    executor: Executor,
    make: Callable[[Path, Path, tracking.TrackedRun, TrainingPage], Details],
    *,
    tokens: Reference | Path | None = None,
    tags: Mapping[str, str] | None = None,
) -> Reference:
    """What a training leads to, from the store or made now under the eyes of MLflow; killed, it goes on where it was.

    Args:
        call: the training; MLflow's run has the name of its stage.
        executor: where it is trained.
        make: trains, of (the folder of its files, a folder that outlives a kill, the run and the page to tell of it).
        tokens: what it learns from, for its page; None = nothing that could be shown.
        tags: of the run, beside those of every training.
    """
    # named by the call's key: the same call finds the checkpoint it left there when it was killed
    work = Installation().home.absolute() / "training" / call.key.digest
    runs: list[tracking.TrackedRun] = []

    def make_tracked(folder: Path) -> Details:
        stage, goes_on = call.stage.name, any(work.glob("*.ckpt"))
        known = {**(tags or {}), "stage": stage, "key": call.key.digest}
        with tracking.tracked(stage, parameters=call.settings.model_dump(), tags=known, goes_on=goes_on) as run:
            runs.append(run)
            page = executor.context.training_page(call.settings, tokens, lambda: tracking.address_of(run.name))
            return make(folder, work, run, page)

    made = run_stage(call, executor, make=make_tracked)
    shutil.rmtree(work, ignore_errors=True)  # not before it is in the store: until then a kill may come
    for run in runs:
        if run.name is not None:
            tracking.remember(made, run.name)
    return made


def _epoch_metrics(epoch: "Epoch") -> dict[str, float]:
    return {
        "train/loss": epoch.train_loss,
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
        **{f"val/{name}": value for name, value in _numbers(epoch.val).items()},
    }


def _numbers(summary: "Summary") -> dict[str, float]:
    return {name: value for name, value in summary.model_dump().items() if value is not None}
