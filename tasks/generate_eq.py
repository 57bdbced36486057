"""Play a block of E[Q] games."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from configs.installation import Installation
from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from tasks.blocks import cut
from tasks.console import progress
from tasks.oracles import EXACT_CODE, MODEL_CODE, exact_oracle, model_oracle
from tasks.pictures import publish_picture
from tasks.stage import artifact, source, stage_task

if TYPE_CHECKING:
    from forge_core.expected_q.games import Game
    from forge_core.expected_q.generate import GenerationReceipt

logger = logging.getLogger(__name__)

BLOCK = 20
"""Games in a task: half a minute or more with the exact oracle."""


def game_blocks(games: SeedRange) -> list[range]:
    """The seeds of the games, block by block."""
    return list(cut([games], BLOCK))


@stage_task(name="generate-eq", task_run_name="generate-eq {seeds.start}-{seeds.stop}")
def generate_eq(seeds: range, settings: EqSettings, model: Reference | Path | None = None) -> Reference:
    """The games of a block of seeds, with the exact solver or, when one is given, a model as the oracle."""
    network = None if model is None else source(model)

    def make(folder: Path) -> None:
        _play(seeds, settings, None if network is None else network.path, folder)

    return artifact(
        "generate-eq",
        make,
        kind="games",
        code=EXACT_CODE if network is None else MODEL_CODE,
        settings={"expected_q": settings, "seeds": list(seeds)},
        inputs=[] if network is None else [network.digest],
    )


@stage_task(name="fill games", task_run_name="fill {folder.name} from seed {seeds[0]}")
def fill_games(
    seeds: Sequence[int], settings: EqSettings, folder: Path, *, model: Reference | Path | None = None
) -> "GenerationReceipt":
    """Play missing games straight into a folder of the user's, beside other generators."""
    receipt = _play(seeds, settings, None if model is None else source(model).path, folder)
    logger.info("%-12s seeds %d-%d: %d games in %s", "fill", seeds[0], seeds[-1], len(receipt.made), folder)
    return receipt


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
