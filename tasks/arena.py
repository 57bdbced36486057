"""The stage `arena`: two players play mirrored contracts."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from forge_core.arena.settings import Deals, MatchSettings
from tasks.stage import Context, Details, Machine, Stage


class ArenaSettings(BaseModel):
    """Which contracts are played, by whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: MatchSettings = Field(description="The players, the bid, and who calls which trumps.")
    seeds: tuple[int, ...] = Field(min_length=1, description="The deals, consecutive; each is played twice.")


def run(context: Context, folder: Path, settings: ArenaSettings, inputs: Sequence[Path]) -> Details:
    """Write a record of the contracts (see `forge_core.arena.record`). The inputs are the players' models, A's first.

    Returns:
        "contracts": how many were played.
    """
    from forge_core.arena.run import played_blocks
    from forge_core.expected_q.oracle import Oracle
    from forge_core.players.registry import Means, model_of
    from tasks.oracles import seat_players

    names = [name for name in map(model_of, (settings.match.a, settings.match.b)) if name is not None]

    def oracle(name: str) -> Oracle:
        from tasks.oracles import model_oracle

        return model_oracle(inputs[names.index(name)])

    seat = seat_players(lambda name: inputs[names.index(f"seat:{name}")])
    seeds, means = settings.seeds, Means(context.threads, oracle, seat)
    deals = Deals(start=seeds[0], count=len(seeds))
    with context.progress(f"playing deals {seeds[0]}-{seeds[-1]}", len(seeds), "{deals:.1f} deals/s") as advance:
        blocks = played_blocks(deals, settings.match, means, record=folder, on_block=lambda n: advance(n, deals=n))
        return {"contracts": sum(block.contracts.height for block in blocks)}


STAGE = Stage(
    name="arena",
    settings=ArenaSettings,
    kind="contracts",
    run=run,
    machine=Machine(cores=4, memory=8, gpu=False),
    items="seeds",
    with_inputs=("tasks.oracles",),
)
