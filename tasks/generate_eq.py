"""Play a block of E[Q] games."""

from pathlib import Path

from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from tasks.blocks import cut
from tasks.console import progress
from tasks.oracles import EXACT_CODE, MODEL_CODE, exact_oracle, model_oracle
from tasks.stage import artifact, source, stage_task

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
        from forge_core.expected_q.generate import generate_games

        oracle = exact_oracle() if network is None else model_oracle(network.path)
        with progress(f"playing games {seeds.start}-{seeds.stop - 1}", len(seeds)) as advance:
            generate_games(folder, seeds, oracle, settings, on_game=lambda _: advance(1))

    return artifact(
        "generate-eq",
        make,
        kind="games",
        code=EXACT_CODE if network is None else MODEL_CODE,
        settings={"expected_q": settings, "seeds": list(seeds)},
        inputs=[] if network is None else [network.digest],
    )
