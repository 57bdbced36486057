"""Data sets that grow by themselves: each run makes the next seeds that are missing, until there are enough."""

from pathlib import Path
from typing import cast

from prefect import flow
from prefect.states import Completed

from configs.operation import Growth, What
from flows import forms
from flows.backfill import BIDS, GAMES, SHARDS, fill, finish
from flows.context import executor_for
from flows.fillers import FILLERS, Asked
from flows.report import report_tokens
from forge_core.artifacts.reference import Reference
from forge_core.bids.settings import BidSettings
from forge_core.expected_q.settings import EqSettings
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings
from tasks.backfill import BackfillReport
from tasks.checkout import checkout
from tasks.devices import DeviceName
from tasks.steps import make_tokens

TOKENS = TokenSettings()
_OUTPUT = Path("data/tokens")


@flow(name="generate-oracle")
def grow_shards(
    growth: forms.Settings[Growth],
    shards: forms.Settings[ShardSettings] = SHARDS,
    device: DeviceName = "auto",
    tokens: forms.Settings[TokenSettings] = TOKENS,
    output: Path = _OUTPUT,
) -> Reference:
    """Solve the next missing deals of a data set, none when it is complete; then turn all into training arrays.

    growth  which seeds, how many of them
    shards  what is kept of a solved deal
    device  auto, cpu or cuda
    tokens  which states become samples
    output  the folder that gets the training arrays, besides the store

    Ends in the state `Enough` when the data set holds all its seeds.
    """
    report = fill(FILLERS["shards"](Asked(shards=shards, device=device)), growth.backfill("shards"))
    full = report.present + report.too_large >= growth.enough
    if not full:
        finish(report, growth.backfill("shards"))
    arrays = make_tokens(
        [growth.backfill("shards").place], tokens, executor_for()
    )  # from the store, if the data set is as it was
    checkout(arrays, output)
    report_tokens(arrays)
    return cast(Reference, Completed(name="Enough" if full else None, message=report.summary, data=arrays))


@flow(name="generate-eq")
def grow_games(
    growth: forms.Settings[Growth], games: forms.Settings[EqSettings] = GAMES, model: forms.Oracle = None
) -> BackfillReport:
    """Play the next missing E[Q] games of a data set; nothing once it is complete.

    growth  which seeds, how many of them
    games   how decisions are valued and games are played
    model   a model folder, an .onnx file or an object of the store as the oracle; none = the exact solver

    Ends in the state `Enough` when the data set holds all its seeds.
    """
    return _grow(growth, "games", Asked(games=games, model=model))


@flow(name="bids")
def grow_bids(growth: forms.Settings[Growth], bids: forms.Settings[BidSettings] = BIDS) -> BackfillReport:
    """Price the next missing hands of a data set; nothing once it is complete.

    growth  which seeds, how many of them
    bids    how the chances of a hand are found

    Ends in the state `Enough` when the data set holds all its seeds.
    """
    return _grow(growth, "bids", Asked(bids=bids))


def _grow(growth: Growth, make: What, asked: Asked) -> BackfillReport:
    seeds = growth.backfill(make)
    report = fill(FILLERS[make](asked), seeds)
    full = report.present >= growth.enough
    if not full:
        finish(report, seeds)
    return cast(BackfillReport, Completed(name="Enough" if full else None, message=report.summary, data=report))
