"""Play E[Q] games."""

from prefect import flow

from configs.pipeline import SeedRange
from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from tasks.generate_eq import game_blocks
from tasks.generate_eq import generate_eq as generate_block
from tasks.report import report_games


@flow(name="generate-eq")
def generate_eq(
    games: forms.Settings[SeedRange], settings: forms.Settings[EqSettings], model: forms.Oracle = None
) -> list[Reference]:
    """Play games in which every seat values its plays over the worlds it cannot tell apart; one object a block.

    games     the seeds; declaration = seed % 10
    settings  how decisions are valued and games are played
    model     a model folder, an .onnx file or an object of the store as the oracle; none = the exact solver
    """
    objects = [generate_block(seeds, settings, model) for seeds in game_blocks(games)]
    report_games(objects)
    return objects
