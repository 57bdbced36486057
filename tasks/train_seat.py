"""The stage `train-seat`: train a seat network on deals that it plays meanwhile, and export it."""

import logging
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from forge_core.seat.settings import SeatSettings
from tasks.stage import Context, Details, Machine, Stage

logger = logging.getLogger(__name__)

FILES = ("model.safetensors", "config.json")


def run(context: Context, folder: Path, settings: SeatSettings, inputs: Sequence[Path]) -> Details:
    """Write the network and its ONNX files; a run that was killed goes on from the checkpoint in `context.work`.

    The input, if there is one, is the seat network whose weights it starts from.

    Returns:
        "history": all epochs, with times, which no digest may depend on.
    """
    from forge_core.seat.export import export_seat
    from forge_core.seat.train import SeatTrainerConfig, train_seat

    with nullcontext(str(context.work)) if context.work else TemporaryDirectory() as place:
        work = Path(place)
        config = SeatTrainerConfig(
            on_epoch=context.on_epoch,
            bar=context.console is not None and context.console.is_terminal,
            threads=context.threads,
            accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[context.device],
        )
        try:
            epochs = train_seat(work, settings, config, initial=inputs[0] if inputs else None)
        except SystemExit as stop:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stop
        for name in FILES:
            shutil.copyfile(work / name, folder / name)
    report = export_seat(folder, folder, threads=context.threads)
    for precision, parity in report.files.items():
        if parity.refused:
            logger.warning("%s is left out: %s", precision.file, parity.refused)
    return {"history": [epoch._asdict() for epoch in epochs]}


STAGE = Stage(
    name="train-seat",
    settings=SeatSettings,
    kind="seat",
    run=run,
    machine=Machine(cores=8, memory=16, time_limit=86_400),
)
