"""Seat networks as tasks: a training that is tracked and resumed, and a promotion that the arena decides."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from configs.installation import Installation
from forge_core.arena.result import MatchResult
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.arena.statistics import Sprt
from forge_core.artifacts.reference import Reference
from forge_core.files import write_text
from forge_core.learn.settings import CONFIG, WEIGHTS
from forge_core.seat.history import SeatEpoch
from forge_core.seat.settings import SeatMatch, SeatSettings
from tasks.promote import Promotion
from tasks.run import source, stage_task, store
from tasks.stage import Call, Details, Executor, TrainingPage
from tasks.steps import play_match
from tasks.tracking import TrackedRun
from tasks.train_seat import STAGE
from tasks.training import tracked_training

if TYPE_CHECKING:
    from forge_core.seat.catalog import SeatCatalog

logger = logging.getLogger(__name__)

_NEW = "proposed"


def seat_catalog() -> "SeatCatalog":
    """The seat networks of this installation's catalog."""
    from forge_core.seat.catalog import SeatCatalog

    return SeatCatalog(Installation().models)


def train_seat(settings: SeatSettings, executor: Executor, *, initial: Reference | Path | None = None) -> Reference:
    """The seat network that a training leads to; a run that was killed goes on where it was.

    Args:
        settings: the network and how it learns.
        executor: where it is trained.
        initial: the seat network whose weights it starts from; None = weights drawn by the seed.
    """
    call = Call(STAGE, settings, () if initial is None else (source(initial),))

    def make(folder: Path, work: Path, run: TrackedRun, page: TrainingPage) -> Details:
        told = 0

        def on_epoch(epochs: Sequence[SeatEpoch]) -> None:
            nonlocal told
            for epoch in epochs[told:]:
                figures = {name: float(value) for name, value in epoch._asdict().items() if name != "epoch"}
                run.metrics(figures, epoch.epoch)
            page.show(epochs)
            told = len(epochs)

        details = executor.run(call, folder, replace(executor.context, on_epoch=on_epoch, work=work))
        epochs = [SeatEpoch(**each) for each in details["history"]]
        if told < len(epochs):  # of a training elsewhere, all of it is told when it is over
            on_epoch(epochs)
        page.end()
        for name in (WEIGHTS, CONFIG):
            run.file(folder / name)
        return details

    return tracked_training(call, executor, make)


@stage_task(name="promote seat")
def promote_seat(
    network: Reference | Path, executor: Executor, *, match: SeatMatch, force: str | None = None
) -> Promotion:
    """Make a seat network the champion if it beats the present one in the arena, at the error rate of the match.

    Args:
        network: an object of the store, or a folder with the network and its ONNX file.
        executor: where the match is played.
        match: which deals, and when it is decided. Where there is no champion the match is against its `first_rival`,
            and the network is promoted whatever comes out.
        force: why it is promoted even if it is not better.

    Raises:
        ModelError: it is no seat network.
    """
    catalog = seat_catalog()
    champion = catalog.champion()
    rival = match.first_rival if champion is None else f"seat:{champion}"
    settings = MatchSettings(a=f"seat:{_NEW}", b=rival)
    sprt = None if champion is None else Sprt(match.null, match.alternative, match.error)
    deals = Deals(start=match.start, count=match.deals)
    _, result = play_match(settings, deals, executor, sprt=sprt, models={f"seat:{_NEW}": network})
    assert isinstance(result, MatchResult)
    better = champion is None or (result.sprt is not None and result.sprt.startswith("alternative"))
    words = f"{result.a.only} to {result.b.only} contracts that only one of them made, of {result.pairs} pairs"
    if not better and not force:
        return Promotion(promoted=False, name=None, reason=f"not better than {rival}: {words}")
    place = _add(network, result)
    reason = f"against {rival}: {words}" if better else f"forced: {force} (against {rival}: {words})"
    logger.info("%-12s %s is the seat champion", "promote", place.name)
    return Promotion(promoted=True, name=place.name, reason=reason, champion=True)


def _add(network: Reference | Path, result: MatchResult) -> Path:
    import json

    from forge_core.seat.catalog import FILES, MATCH
    from forge_core.seat.export import export_seat
    from forge_core.seat.folder import read_seat_network

    path = store().path(network) if isinstance(network, Reference) else network
    read, config = read_seat_network(path)
    parameters = sum(weights.numel() for weights in read.parameters())
    s = config.settings
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        export_seat(path, folder)
        for name in (WEIGHTS, CONFIG):
            shutil.copyfile(path / name, folder / name)
        write_text(folder / MATCH, json.dumps(result.as_json(), indent=1) + "\n")
        assert all((folder / name).exists() for name in FILES)
        return seat_catalog().add(folder, f"seat-{s.network}-{s.size}-{parameters / 1e6:.1f}M", champion=True)
