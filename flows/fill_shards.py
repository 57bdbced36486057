"""Fill a folder with shards: only what is missing, for as long as is asked."""

import logging
from functools import partial
from pathlib import Path

from prefect import flow

from configs.installation import Installation
from configs.pipeline import DealSeries
from flows import forms
from flows.context import executor_for
from flows.interrupt import finish_first
from forge_core.shards.generate import check_folder
from forge_core.shards.manifest import missing, missing_blocks
from forge_core.shards.settings import ShardSettings
from tasks.devices import DeviceName
from tasks.report import FillReport, report_fill
from tasks.steps import FILLED_DEALS, fill_deals

logger = logging.getLogger(__name__)


@flow(name="fill-shards")
def fill_shards(
    folder: Path,
    deals: forms.Settings[DealSeries],
    shards: forms.Settings[ShardSettings | None] = None,
    device: DeviceName = "auto",
    on: forms.On = None,
) -> FillReport:
    """Make the shards that a folder lacks, block by block; other generators may work on it at the same time.

    folder   gets {train,val,test}/*.parquet; what is there and sound is left alone
    deals    the deals that it is to hold; without a count, on and on until Ctrl-C, which finishes the present block
    shards   what is kept of a solved deal
    device   auto, cpu or cuda
    on       where they are solved; none = here
    """
    settings = shards or ShardSettings()
    folder = Installation().place(folder)
    check_folder(folder, settings)
    report, find = FillReport(), partial(missing, max_states=settings.max_states)
    executor = executor_for(on, device=device, items=deals.most)
    size = FILLED_DEALS * executor.breadth
    with finish_first(logger.warning) as stopping:
        for block in missing_blocks(folder, deals.requests(), size=size, limit=deals.limit, find=find):
            report.add(fill_deals(block, settings, folder, executor))
            if stopping():
                break
    report_fill(report, folder)
    return report
