"""Play a block of E[Q] games."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.installation import Installation
from configs.pipeline import SeedRange
from forge_core.artifacts.listing import Source
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from forge_core.files import writing
from tasks.blocks import cut
from tasks.console import progress
from tasks.elsewhere import elsewhere
from tasks.oracles import EXACT_CODE, MODEL_CODE, exact_oracle, model_oracle
from tasks.pictures import publish_picture
from tasks.stage import artifact, key_of, source, stage_task, store

if TYPE_CHECKING:
    from forge_core.expected_q.games import Game
    from forge_core.expected_q.generate import GenerationReceipt
    from tasks.remote.volume import Files

logger = logging.getLogger(__name__)

BLOCK = 20
"""Games in a task: half a minute or more with the exact oracle."""


BLOCK_ELSEWHERE = 1000
"""Games that a folder is filled with at a time when they are played on Modal, where many machines share them."""


def fill_size() -> int:
    """Games that a folder is filled with at a time."""
    return BLOCK_ELSEWHERE if elsewhere() else BLOCK


def game_blocks(games: SeedRange) -> list[range]:
    """The seeds of the games, block by block."""
    return list(cut([games], BLOCK))


def generate_eq_all(
    blocks: Sequence[range], settings: EqSettings, model: Reference | Path | None = None
) -> list[Reference]:
    """The games of several blocks of seeds; on Modal, all that are missing at a time."""
    files = play_on_modal(blocks, settings, model) if elsewhere() else None
    return [generate_eq(seeds, settings, model, files) for seeds in blocks]


@stage_task(name="generate-eq", task_run_name="generate-eq {seeds.start}-{seeds.stop}")
def generate_eq(
    seeds: range, settings: EqSettings, model: Reference | Path | None = None, files: "Files | None" = None
) -> Reference:
    """The games of a block of seeds, with the exact solver or, when one is given, a model as the oracle.

    files  what Modal's Volume has, when the games are to be brought from there
    """
    network = None if model is None else source(model)

    def make(folder: Path) -> None:
        if files is None:
            _play(seeds, settings, None if network is None else network.path, folder)
        else:
            from tasks.remote.games import bring_games

            bring_games(files, seeds, folder)

    return artifact("generate-eq", make, kind="games", **_recipe(seeds, settings, network))


@stage_task(name="generate-eq on Modal")
def play_on_modal(blocks: Sequence[range], settings: EqSettings, model: Reference | Path | None) -> "Files | None":
    """See to it that Modal's Volume has the games of the blocks that the store lacks; None when it lacks none."""
    from tasks.remote.games import make_games

    network = None if model is None else source(model)
    lacking = [
        seeds for seeds in blocks if store().find(key_of("generate-eq", **_recipe(seeds, settings, network))) is None
    ]
    return make_games([seed for seeds in lacking for seed in seeds], settings, network) if lacking else None


def _recipe(seeds: range, settings: EqSettings, network: Source | None) -> dict[str, Any]:
    return {
        "code": EXACT_CODE if network is None else MODEL_CODE,
        "settings": {"expected_q": settings, "seeds": list(seeds)},
        "inputs": [] if network is None else [network.digest],
    }


@stage_task(name="fill games", task_run_name="fill {folder.name} from seed {seeds[0]}")
def fill_games(
    seeds: Sequence[int], settings: EqSettings, folder: Path, *, model: Reference | Path | None = None
) -> "GenerationReceipt":
    """Play missing games straight into a folder of the user's, beside other generators."""
    network = None if model is None else source(model)
    if elsewhere():
        receipt = _play_elsewhere(seeds, settings, network, folder)
    else:
        with writing(folder):
            receipt = _play(seeds, settings, None if network is None else network.path, folder)
    logger.info("%-12s seeds %d-%d: %d games in %s", "fill", seeds[0], seeds[-1], len(receipt.made), folder)
    return receipt


def _play_elsewhere(
    seeds: Sequence[int], settings: EqSettings, network: Source | None, folder: Path
) -> "GenerationReceipt":
    from forge_core.expected_q.generate import GenerationReceipt
    from tasks.remote.games import bring_games, make_games

    brought = bring_games(make_games(seeds, settings, network), seeds, folder)
    return GenerationReceipt(tuple(seeds), 0, len(seeds) - brought)


def _play(seeds: Sequence[int], settings: EqSettings, model: Path | None, folder: Path) -> "GenerationReceipt":
    """Write games with a progress bar; what they looked like goes to the run's page."""
    from forge_core.expected_q.generate import generate_games
    from forge_core.expected_q.summary import draw_summary, summarize

    oracle = exact_oracle() if model is None else model_oracle(model)
    games: list[Game] = []
    start = time.monotonic()
    with progress(f"playing games {seeds[0]}-{seeds[-1]}", len(seeds), "{games:.2f} games/s") as advance:

        def on_game(game: "Game") -> None:
            games.append(game)
            advance(1, games=1)

        receipt = generate_games(folder, seeds, oracle, settings, on_game=on_game)
    if games:
        rate = len(games) / (time.monotonic() - start)
        words = f"{len(games)} games, {rate:.2f} a second on {Installation().thread_count()} threads"
        publish_picture("games", words, lambda path: draw_summary(path, summarize(games)))
    return receipt
