"""The stage `generate-eq`: play E[Q] games, with the exact solver, a network or its rollouts as the oracle."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from forge_core.errors import InputError
from forge_core.expected_q.settings import EqSettings
from tasks.stage import Context, Details, Machine, Stage


class GamesSettings(BaseModel):
    """Which games are played, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expected_q: EqSettings = Field(default_factory=EqSettings, description="How decisions are valued.")
    seeds: tuple[int, ...] = Field(description="The games; declaration = seed % 10.")


def check_oracle(settings: EqSettings, *, has_model: bool) -> None:
    """InputError where the settings ask for rollouts and there is no network to play them."""
    if settings.rollout_exact is not None and not has_model:
        raise InputError.of(
            got=f"rollout_exact {settings.rollout_exact} without a model",
            expected="a seat network, which plays the worlds to the end",
            remedy="name one as the model, or use `forge eq generate --oracle rollout`",
        )


def run(context: Context, folder: Path, settings: GamesSettings, inputs: Sequence[Path]) -> Details:
    """Write {train,val,test}/*.pt; a game that is there is kept. The input, if there is one, is a model.

    Returns:
        "made": the seeds played now, in the order in which the games ended.
        "present", "claimed": how many were there, and how many another generator was at.
    """
    from forge_core.expected_q.generate import generate_games

    asked = settings.expected_q
    check_oracle(asked, has_model=bool(inputs))
    if inputs:
        from tasks.oracles import model_oracle, rollout_oracle

        exact, network = asked.rollout_exact, inputs[0]
        oracle = (
            model_oracle(network)
            if exact is None
            else rollout_oracle(network, exact=exact, bid=asked.bid, threads=context.threads)
        )
    else:
        from tasks.exact_oracle import exact_oracle

        oracle = exact_oracle(context.threads)
    seeds = settings.seeds
    with context.progress(f"playing games {seeds[0]}-{seeds[-1]}", len(seeds), "{games:.2f} games/s") as advance:
        receipt = generate_games(folder, seeds, oracle, asked, on_game=lambda _game: advance(1, games=1))
    return {"made": list(receipt.made), "present": receipt.present, "claimed": receipt.claimed}


STAGE = Stage(
    name="generate-eq",
    settings=GamesSettings,
    kind="games",
    run=run,
    machine=Machine(cores=4, memory=8),
    items="seeds",
    with_inputs=("tasks.oracles",),
)
