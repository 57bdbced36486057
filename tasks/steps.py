"""What flows ask for, stage by stage: each makes the calls of a stage and runs them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.pipeline import SeedRange
from forge_core.arena.games import GamesResult, games_result
from forge_core.arena.match import Block
from forge_core.arena.record import read_all
from forge_core.arena.result import MatchResult, result_of
from forge_core.arena.run import is_decided
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.arena.statistics import Sprt
from forge_core.artifacts.listing import Source
from forge_core.artifacts.reference import Reference
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.expected_q.settings import EqSettings
from forge_core.files import writing
from forge_core.learn.export_report import DEFAULT, ExportSettings
from forge_core.players.registry import make_player, model_of
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings
from tasks import arena, bids, export, generate, generate_eq, tokenize
from tasks.blocks import cut
from tasks.models import find_network, network_of
from tasks.run import run_stage, run_stages, source, stage_task, store
from tasks.stage import Call, Details, Executor

logger = logging.getLogger(__name__)

DEALS, GAMES, CONTRACTS = 50, 20, 100
"""Deals, E[Q] games and deals of a match in a task: it should last half a minute or more, so that what Prefect needs
for it does not count."""

ROUND = 4
"""Tasks between two looks of a sequential test."""


def solve_deals(deals: Sequence[SeedRange], settings: ShardSettings, executor: Executor) -> list[Reference]:
    """The shards of all seeds, declaration = seed % 10: an object a block."""
    return run_stages([deals_call(_standard(seeds), settings) for seeds in cut(deals, DEALS)], executor)


def fill(call: Call[Any], executor: Executor, folder: Path | None) -> Details:
    """Make what a call makes in a folder of the user's, beside other processes, or as an object of the store (None).

    Returns:
        What the stage says of it; nothing when the store had it.
    """
    found: dict[str, Any] = {}

    def make(target: Path) -> Details:
        found.update(executor.run(call, target))
        return found

    if folder is None:
        run_stage(call, executor, make=make)
        return found

    def work() -> None:
        with writing(folder):
            make(folder)
        logger.info("%-12s %s into %s", "fill", call.title, folder)

    stage_task(name="fill", task_run_name=f"fill {folder.name}: {call.title}")(work)()
    return found


def make_tokens(shards: Sequence[Reference | Path], settings: TokenSettings, executor: Executor) -> Reference:
    """The training arrays of all shards in the folders and objects given."""
    sources = [source(where) for where in shards]
    outside = [(where, found.digest) for where, found in zip(shards, sources, strict=True) if isinstance(where, Path)]
    call = Call(tokenize.STAGE, settings, tuple(sources))

    def make(folder: Path) -> Details:
        details = executor.run(call, folder)
        if any(source(where).digest != digest for where, digest in outside):
            raise InputError.of(
                got="a folder of shards that changed while it was being read",
                expected="a folder to which nobody adds shards meanwhile: the arrays are known by what it holds",
                remedy="run the same again",
            )
        return details

    return run_stage(call, executor, make=make)


def export_model(
    model: Reference | Path, tokens: Reference | Path, executor: Executor, settings: ExportSettings = DEFAULT
) -> Reference:
    """The model as ONNX, checked on samples of the val split of some training arrays. Raises ParityError."""
    return run_stage(Call(export.STAGE, settings, (source(model), source(tokens))), executor)


def play_games(
    games: SeedRange, settings: EqSettings, executor: Executor, model: Reference | Path | None = None
) -> list[Reference]:
    """The games of all seeds: an object a block. The oracle is a model or, if there is none, the exact solver."""
    return run_stages([games_call(list(seeds), settings, model) for seeds in cut([games], GAMES)], executor)


def play_match(
    match: MatchSettings,
    deals: Deals,
    executor: Executor,
    *,
    sprt: Sprt | None = None,
    models: Mapping[str, Reference | Path] | None = None,
) -> tuple[list[Reference], MatchResult | GamesResult]:
    """The contracts or games of two players, an object a block, and what they say.

    Args:
        match: who plays, and for what.
        deals: the seeds.
        executor: where they are played.
        sprt: stop after the round of blocks in which this test is decided.
        models: networks by names that the players' texts may use, besides those of the catalog.
    """
    inputs = networks_of((match.a, match.b), models)
    calls = [
        Call(arena.STAGE, arena.ArenaSettings(match=match, seeds=tuple(seeds)), inputs, title=f"arena {seeds.start}")
        for seeds in cut([SeedRange(start=deals.start, count=deals.count)], CONTRACTS)
    ]
    objects: list[Reference] = []
    blocks: list[Block] = []
    size = len(calls) if sprt is None else ROUND
    for first in range(0, len(calls), size):
        found = run_stages(calls[first : first + size], executor)
        objects += found
        blocks += [block for each in found for block in read_all(store().path(each))]
        if sprt is not None and is_decided(blocks, sprt):
            break
    return objects, games_result(blocks, match) if match.bidders else result_of(blocks, match, sprt=sprt)


def _standard(seeds: range) -> list[DealRequest]:
    return [DealRequest.standard(seed) for seed in seeds]


def deals_call(requests: Sequence[DealRequest], settings: ShardSettings) -> Call[generate.GenerateSettings]:
    """The call that makes the shards of some deals."""
    deals = tuple((each.seed, each.opponent_seed, each.declaration) for each in requests)
    title = f"generate {requests[0].seed}-{requests[-1].seed}"
    return Call(generate.STAGE, generate.GenerateSettings(shards=settings, deals=deals), title=title)


def games_call(
    seeds: Sequence[int], settings: EqSettings, model: Reference | Path | None
) -> Call[generate_eq.GamesSettings]:
    """The call that plays the games of some seeds."""
    inputs = () if model is None else (source(model),)
    title = f"generate-eq {seeds[0]}-{seeds[-1]}"
    return Call(
        generate_eq.STAGE, generate_eq.GamesSettings(expected_q=settings, seeds=tuple(seeds)), inputs, title=title
    )


def bids_call(seeds: Sequence[int], settings: BidSettings) -> Call[bids.HandsSettings]:
    """The call that prices the hands of some seeds. InputError for a seat model that does not exist."""
    title = f"bids {seeds[0]}-{seeds[-1]}"
    inputs = networks_of((settings.seat_model,))
    return Call(bids.STAGE, bids.HandsSettings(bids=settings, seeds=tuple(seeds)), inputs, title=title)


def networks_of(players: Sequence[str], models: Mapping[str, Reference | Path] | None = None) -> tuple[Source, ...]:
    """The networks that players by text name, in their order: of `models`, else of the catalog or a path.

    InputError for a player or a model that is none.
    """
    known, names = models or {}, [model_of(text) for text in players]
    for text, name in zip(players, names, strict=True):
        if name is None:
            make_player(text)
    return tuple(
        source(known[name]) if name in known else network_of(find_network(name)) for name in names if name is not None
    )
