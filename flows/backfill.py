"""Fill a range of seeds, however long: by blocks, each a run of its own that may fail and be tried again alone."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from prefect import flow
from prefect.states import Completed

from configs.installation import Installation
from configs.operation import Backfill
from flows import forms
from flows.fill import FLOWS
from flows.fillers import FILLERS, Asked, Filler
from flows.interrupt import Stopping, finish_first
from flows.pool_runs import PoolRuns
from forge_core.bids.settings import BidSettings
from forge_core.errors import ForgeError
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.settings import ShardSettings
from forge_view.console import progress
from tasks.backfill import BackfillReport, report_backfill
from tasks.devices import DeviceName
from tasks.limits import one_writer

logger = logging.getLogger(__name__)

SHARDS, GAMES, BIDS = ShardSettings(), EqSettings(), BidSettings()


@flow(name="backfill")
def backfill(
    seeds: forms.Settings[Backfill],
    shards: forms.Settings[ShardSettings] = SHARDS,
    device: DeviceName = "auto",
    games: forms.Settings[EqSettings] = GAMES,
    model: forms.Oracle = None,
    bids: forms.Settings[BidSettings] = BIDS,
) -> BackfillReport:
    """Make what a folder lacks of a range of seeds; it may be killed at any moment, started again, or run twice.

    seeds   which seeds, what of them, and how the work is divided
    shards  what is kept of a solved deal (for shards and tables)
    device  auto, cpu or cuda (for shards and tables)
    games   how decisions are valued and games are played (for games)
    model   a model folder, an .onnx file or an object of the store as the oracle; none = the exact solver (for games)
    bids    how the chances of a hand are found (for bids)

    Raises ForgeError when blocks failed in every attempt.
    """
    filler = FILLERS[seeds.make](Asked(shards=shards, device=device, games=games, model=model, bids=bids))
    report = fill(filler, seeds)
    finish(report, seeds)
    return cast(BackfillReport, Completed(message=report.summary, data=report))


def finish(report: BackfillReport, seeds: Backfill) -> None:
    """Show on the run's page what a backfill came to; ForgeError when blocks failed in every attempt."""
    report_backfill(report, seeds.make, seeds.place)
    if report.failed:
        raise ForgeError.of(
            got="; ".join(f"seeds {block.start}-{block.stop - 1}: {why}" for block, why in report.failed.items()),
            expected=f"every block to succeed within {seeds.attempts} attempts ({report.summary})",
            remedy="mend the cause and start the same backfill again: it makes what is missing",
        )


def fill(filler: Filler[Any], settings: Backfill) -> BackfillReport:
    """Make what is missing, block by block, in this process or on a work pool. Ctrl-C finishes what is under way."""
    with one_writer(settings.place):
        return _fill(filler, settings)


def _fill(filler: Filler[Any], settings: Backfill) -> BackfillReport:
    folder = Installation().place(settings.place)
    filler.dataset.check_folder(folder)
    gaps = _missing(filler, folder, settings.seeds)
    report = BackfillReport(too_large=_too_large(filler, folder, settings.seeds))
    report.present = len(settings.seeds) - len(gaps) - report.too_large
    wanted = gaps[: settings.limit]
    within = settings.seeds if len(wanted) == len(gaps) else range(settings.start, wanted[-1] + 1)
    blocks = cut(wanted, within, settings.block_size)
    logger.info("%-12s %d missing in %s: %d blocks", "backfill", len(wanted), folder, len(blocks))
    if not blocks:
        return report
    with finish_first(logger.warning) as stopping, progress(f"filling {settings.place}", len(blocks)) as advance:
        if settings.where == "here":
            report.failed = _fill_here(filler, settings, blocks, stopping=stopping, on_block=lambda: advance(1))
        else:
            runs = PoolRuns(filler, settings)
            runs.fill(blocks, stopping=stopping, on_block=lambda: advance(1))
            report.failed = runs.failed
    report.missing, too_large = len(_missing(filler, folder, gaps)), _too_large(filler, folder, gaps)
    report.made = len(gaps) - report.missing - too_large
    report.too_large += too_large
    return report


def _missing(filler: Filler[Any], folder: Path, seeds: Iterable[int]) -> list[int]:
    """The seeds whose files the folder lacks, in their order, but for those known as too large."""
    dataset = filler.dataset
    return [dataset.seed_of(item) for item in dataset.missing(folder, dataset.items(seeds))]


def _too_large(filler: Filler[Any], folder: Path, seeds: Iterable[int]) -> int:
    return len(filler.dataset.unwanted(folder, filler.dataset.items(seeds)))


def cut(gaps: Sequence[int], within: range, size: int) -> list[range]:
    """The blocks in which there are gaps: `within` cut at the multiples of `size`. `gaps` is in order."""
    firsts = (number * size for number in dict.fromkeys(seed // size for seed in gaps))
    return [range(max(first, within.start), min(first + size, within.stop)) for first in firsts]


def _fill_here(
    filler: Filler[Any],
    settings: Backfill,
    blocks: Sequence[range],
    *,
    stopping: Stopping,
    on_block: Callable[[], None],
) -> dict[range, str]:
    """Fill the blocks one after the other in this process; those that failed in every attempt, and why."""
    failed: dict[range, str] = {}
    for block in blocks:
        for attempt in range(1, settings.attempts + 1):
            if stopping():
                return failed
            state = FLOWS[filler.flow](**filler.parameters(settings.place, block), return_state=True)
            if state.is_completed():
                failed.pop(block, None)
                break
            failed[block] = f"{state.name}: {state.message}"
            logger.warning("seeds %d-%d, attempt %d: %s", block.start, block.stop - 1, attempt, state.message)
        on_block()
    return failed
