"""Play E[Q] games."""

from prefect import flow

from configs.pipeline import SeedRange
from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from tasks.elsewhere import work_on
from tasks.generate_eq import game_blocks, generate_eq_all
from tasks.report import report_games


@flow(name="generate-eq")
def generate_eq(
    games: forms.Settings[SeedRange],
    settings: forms.Settings[EqSettings],
    model: forms.Oracle = None,
    on: forms.On = None,
) -> list[Reference]:
    """Play games in which every seat values its plays over the worlds it cannot tell apart; one object a block.

    games     the seeds; declaration = seed % 10
    settings  how decisions are valued and games are played
    model     a model folder, an .onnx file or an object of the store as the oracle; none = the exact solver
    on        where they are played; none = here
    """
    with work_on(on):
        objects = generate_eq_all(game_blocks(games), settings, model)
    report_games(objects)
    return objects
