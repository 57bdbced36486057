"""Flows of the seat: a training, a promotion by the arena, and the two together once a week."""

from pathlib import Path
from typing import cast

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows import forms
from flows.context import executor_for
from flows.flywheel import stands
from forge_core.artifacts.reference import Reference
from forge_core.seat.folder import read_seat_config
from forge_core.seat.settings import SeatMatch, SeatSettings
from tasks.checkout import checkout
from tasks.promote import Promotion
from tasks.seat import promote_seat as promote_network
from tasks.seat import seat_catalog
from tasks.seat import train_seat as train_network

_MATCH = SeatMatch()


@flow(name="train-seat")
def train_seat(
    settings: forms.Settings[SeatSettings],
    output: forms.Output = None,
    initial: forms.InitialSeat = None,
    on: forms.On = None,
) -> Reference:
    """Train a network that sees one hand, on deals that it plays meanwhile.

    settings  the network, how deals are played and labelled, and how it learns
    output    a folder that gets the network and its ONNX files, besides the store
    initial   the seat network whose weights it starts from; none = weights drawn by the seed
    on        where it is trained; none = here
    """
    network = train_network(settings, executor_for(on), initial=initial)
    checkout(network, output)
    return network


@flow(name="promote-seat")
def promote_seat(
    network: forms.Seat,
    match: forms.Settings[SeatMatch] = _MATCH,
    force: str | None = None,
    on: forms.On = None,
) -> Promotion:
    """Make a seat network the champion if it beats the present one in the arena.

    network  an object of the store, or a folder
    match    the deals, and when the match is decided
    force    why it is promoted even if it is not better
    on       where the match is played; none = here
    """
    promotion = promote_network(network, executor_for(on), match=match, force=force)
    words = f"# {promotion.name or 'Not promoted'}\n\n{promotion.reason}"
    create_markdown_artifact(words, key="promotion", description="What became of the network")
    return promotion


@flow(name="seat")
def weekly_seat(
    settings: forms.Settings[SeatSettings], match: forms.Settings[SeatMatch] = _MATCH, on: forms.On = None
) -> Promotion:
    """One turn of policy iteration: the champion plays fresh deals and learns from them, the arena judges the result.

    settings  how deals are played and labelled, and how it learns; once there is a champion, its shape, its weights to
              begin, and the deals behind those that it has seen
    match     the deals of the match, and when it is decided
    on        where it trains and plays; none = here

    Its state says where it stands: Training, Comparing, in the end Promoted or NotBetter.
    """
    name = seat_catalog().champion()
    champion = None if name is None else seat_catalog().find(name)
    how = settings if champion is None else _after(champion, settings)
    stands("Training", f"from {name or 'weights drawn by the seed'}, deals from seed {how.first_seed:,}")
    network = train_seat.fn(how, initial=champion, on=on)
    stands("Comparing", f"{network.short} with {name or match.first_rival}")
    promotion = promote_seat.fn(network, match, on=on)
    words = f"{network.short}: {promotion.name or ''} {promotion.reason}"
    state = Completed(name="Promoted" if promotion.promoted else "NotBetter", message=words, data=promotion)
    return cast(Promotion, state)


def _after(champion: Path, settings: SeatSettings) -> SeatSettings:
    """The settings with the champion's network, and deals that it has not seen."""
    seen = read_seat_config((champion / "config.json").read_bytes(), champion).settings
    last = seen.first_seed + seen.epochs * seen.games_per_epoch * 1000 // 900 + 1000
    return settings.model_copy(
        update={"network": seen.network, "size": seen.size, "first_seed": max(settings.first_seed, last)}
    )
