"""The stage `bids`: price hands, a Parquet file of histograms each."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from forge_core.bids.settings import BidSettings
from tasks.stage import Context, Details, Machine, Stage


class HandsSettings(BaseModel):
    """Which hands are priced, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bids: BidSettings = Field(default_factory=BidSettings, description="How the chances of a hand are found.")
    seeds: tuple[int, ...] = Field(min_length=1, description="The hands that these seeds deal seat 0.")


def run(context: Context, folder: Path, settings: HandsSettings, inputs: Sequence[Path]) -> Details:
    """Write {train,val,test}/*.parquet; a hand that is there is kept. The input, if any, is the seat model's network.

    Returns:
        "made": the seeds priced now.
    """
    from forge_core.bids.dataset import generate_bids
    from forge_core.expected_q.oracle import Oracle
    from forge_core.players.registry import Means, make_player
    from tasks.oracles import seat_players

    def oracle(_name: str) -> Oracle:
        from tasks.oracles import model_oracle

        return model_oracle(inputs[0])

    player = make_player(
        settings.bids.seat_model, Means(context.threads, oracle, seat_players(lambda _name: inputs[0]))
    )
    seeds = settings.seeds
    with context.progress(f"pricing hands {seeds[0]}-{seeds[-1]}", len(seeds), "{hands:.2f} hands/s") as advance:
        made = generate_bids(
            folder, seeds, settings.bids, player, threads=context.threads, on_seed=lambda _seed: advance(1, hands=1)
        )
    return {"made": made}


STAGE = Stage(
    name="bids",
    settings=HandsSettings,
    kind="bids",
    run=run,
    machine=Machine(cores=4, memory=8, gpu=False),
    items="seeds",
    with_inputs=("tasks.oracles",),
)
