"""Fill a folder with E[Q] games: only what is missing, for as long as is asked."""

import logging
from pathlib import Path

from prefect import flow

from configs.installation import Installation
from configs.pipeline import SeedSeries
from flows import forms
from flows.context import executor_for
from flows.interrupt import finish_first
from forge_core.expected_q.files import missing
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.manifest import missing_blocks
from tasks.report import GamesReport, report_filled_games
from tasks.steps import FILLED_GAMES
from tasks.steps import fill_games as fill

logger = logging.getLogger(__name__)


@flow(name="fill-games")
def fill_games(
    folder: Path,
    games: forms.Settings[SeedSeries],
    settings: forms.Settings[EqSettings | None] = None,
    model: forms.Oracle = None,
    on: forms.On = None,
) -> GamesReport:
    """Play the games that a folder lacks, block by block; other generators may work on it at the same time.

    folder    gets {train,val,test}/*.pt; what is there and sound is left alone
    games     the seeds; without a count, on and on until Ctrl-C, which finishes the present block
    settings  how decisions are valued and games are played
    model     a model folder, an .onnx file or an object of the store as the oracle; none = the exact solver
    on        where they are played; none = here
    """
    folder = Installation().place(folder)
    report = GamesReport()
    executor = executor_for(on, items=games.most)
    size = FILLED_GAMES * executor.breadth
    with finish_first(logger.warning) as stopping:
        for seeds in missing_blocks(folder, games.seeds(), size=size, limit=games.limit, find=missing):
            receipt = fill(seeds, settings or EqSettings(), folder, executor, model)
            report.made += len(receipt.made)
            report.others += receipt.present + receipt.claimed
            if stopping():
                break
    report_filled_games(report, folder)
    return report
