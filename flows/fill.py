"""Fill a data set: make only what a folder, or the store, lacks, for as long as is asked."""

import logging
from itertools import islice
from pathlib import Path
from typing import Any

from prefect import flow

from configs.installation import Installation
from configs.pipeline import DealSeries, SeedSeries
from flows import forms
from flows.context import executor_for
from flows.fillers import BidFiller, Filler, GameFiller, ShardFiller, gaps
from flows.interrupt import finish_first
from flows.report import FillReport, report_fill
from forge_core.bids.settings import BidSettings
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.settings import ShardSettings
from tasks.devices import DeviceName
from tasks.stage import Executor
from tasks.steps import fill

logger = logging.getLogger(__name__)


@flow(name="fill-shards")
def fill_shards(
    folder: forms.Folder,
    deals: forms.Settings[DealSeries],
    shards: forms.Settings[ShardSettings | None] = None,
    device: DeviceName = "auto",
    on: forms.On = None,
) -> FillReport:
    """Make the shards that a folder or the store lacks, block by block; others may work on it at the same time.

    folder   gets {train,val,test}/*.parquet; what is there and sound is left alone; none = objects of the store
    deals    the deals that it is to hold; without a count, on and on until Ctrl-C, which finishes the present block
    shards   what is kept of a solved deal
    device   auto, cpu or cuda
    on       where they are solved; none = here
    """
    filler = ShardFiller.of(deals, shards or ShardSettings(), device)
    return fill_up(filler, deals, executor_for(on, device=device, items=deals.most), folder)


@flow(name="fill-games")
def fill_games(
    folder: forms.Folder,
    games: forms.Settings[SeedSeries],
    settings: forms.Settings[EqSettings | None] = None,
    model: forms.Oracle = None,
    on: forms.On = None,
) -> FillReport:
    """Play the games that a folder or the store lacks, block by block; others may work on it at the same time.

    folder    gets {train,val,test}/*.pt; what is there and sound is left alone; none = objects of the store
    games     the seeds; without a count, on and on until Ctrl-C, which finishes the present block
    settings  how decisions are valued and games are played
    model     a model folder, an .onnx file or an object of the store as the oracle; none = the exact solver
    on        where they are played; none = here
    """
    filler = GameFiller(settings or EqSettings(), model)
    return fill_up(filler, games, executor_for(on, items=games.most), folder)


@flow(name="fill-bids")
def fill_bids(
    folder: forms.Folder,
    hands: forms.Settings[SeedSeries],
    settings: forms.Settings[BidSettings | None] = None,
    on: forms.On = None,
) -> FillReport:
    """Price the hands that a folder or the store lacks, block by block; others may work on it at the same time.

    folder    gets {train,val,test}/*.parquet; what is there and sound is left alone; none = objects of the store
    hands     the seeds that deal them to seat 0; without a count, on and on until Ctrl-C, which finishes the present
              block
    settings  how the chances of a hand are found
    on        where they are priced; none = here
    """
    return fill_up(BidFiller(settings or BidSettings()), hands, executor_for(on, items=hands.most), folder)


FLOWS = {each.name: each for each in (fill_shards, fill_games, fill_bids)}
"""The flows that fill a block, by the name that a `Filler` gives."""


def fill_up(filler: Filler[Any], series: SeedSeries, executor: Executor, folder: Path | None) -> FillReport:
    """Make what is missing. Ctrl-C finishes the present block.

    Args:
        filler: what is made.
        series: of which seeds, and how much at most.
        executor: where it is made.
        folder: gets the files, from the home folder if it is relative; None = the store gets an object a block.
    """
    folder = None if folder is None else Installation().place(folder)
    if folder is not None:
        filler.dataset.check_folder(folder)
    report = FillReport(filler.title, filler.unit)
    blocks = gaps(filler, series, folder, breadth=executor.breadth)
    with finish_first(logger.warning) as stopping:
        while group := list(islice(blocks, 1 if folder is not None else executor.breadth)):
            calls = [filler.call(items) for items in group]
            if folder is None:
                executor.prepare(calls)
            for call, items in zip(calls, group, strict=True):
                details = fill(call, executor, folder)
                report.add(filler.receipts(items, details) if details else filler.kept(items))
            if stopping():
                break
    report_fill(report, folder)
    return report
