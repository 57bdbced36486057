"""The commands about bidding: what a hand is worth in the auction."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.filling import Filling, fill, filling_options
from flows.cli.modal_options import modal_options
from flows.cli.options import BIDS, Json, Sets, SettingsGroup, build, setting
from flows.cli.results import show_json

if TYPE_CHECKING:
    from forge_core.bids.advice import BidAdvice

app = typer.Typer(
    cls=SettingsGroup,
    help="What to bid: chances of a hand under every declaration and bid.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

Hand = Annotated[str | None, typer.Option(help='Seven dominoes, as in "6-4,5-5,4-2,3-1,2-0,1-1,0-0".')]
Declarations = Annotated[str, typer.Option("--declaration", help='all, or names or numbers, as in "sixes,fives".')]
SeatModel = Annotated[str, setting(BIDS, "seat_model")]


def _seed(number: int) -> int:
    from forge_core.rules.deal import check_seed

    return check_seed(number)


Seed = Annotated[int, typer.Option(callback=_seed, help="Of the worlds and the players, from 0 to 2^63 - 1.")]


@app.callback()
def bid(
    context: typer.Context,
    hand: Hand = None,
    declaration: Declarations = "all",
    samples: Annotated[int, setting(BIDS, "samples")] = 500,
    playouts: Annotated[int, setting(BIDS, "playouts")] = 100,
    play_for: Annotated[int, setting(BIDS, "play_for")] = 30,
    seat_model: SeatModel = "pimc:worlds=2",
    score: Annotated[str | None, typer.Option(help='Marks of the game, own first, as in "3-5".')] = None,
    bids: Annotated[str, typer.Option(help='The calls so far, left of the dealer first, as in "30,pass".')] = "",
    dealer: Annotated[int, typer.Option(help="The dealer's seat, 0-3.")] = 3,
    bidder_offs: Annotated[
        int | None,
        typer.Option(
            help="Assume that a seat which has bid holds at most so many offs (neither trump nor double), 0-6."
        ),
    ] = None,
    reshake: Annotated[bool, typer.Option("--reshake", help="The dealer may pass when all others have.")] = False,
    others_make: Annotated[
        float, typer.Option(help="Assumed chance of the contract that somebody else plays after a pass.")
    ] = 0.5,
    seed: Seed = 0,
    poster: Annotated[Path | None, typer.Option(help="A file .html, .pdf or .png: one page about the hand.")] = None,
    as_json: Json = False,
) -> None:
    """Chances of a hand under every declaration and bid, what to call, and what to lead."""
    if context.invoked_subcommand is not None:
        return
    from flows.oracle import player_means
    from forge_core.bids.advice import Stakes, advise_call
    from forge_core.bids.matrix import bid_matrix
    from forge_core.bids.open_hands import Bidders
    from forge_core.bids.settings import BidSettings
    from forge_core.players.registry import make_player
    from forge_core.rules import AllPass, Auction

    if hand is None:
        raise typer.BadParameter('Give --hand, as in --hand "6-4,5-5,4-2,3-1,2-0,1-1,0-0".')
    dominoes, declarations = parsed(hand, declaration)
    values = {"samples": samples, "playouts": playouts, "play_for": play_for, "seat_model": seat_model}
    settings = build(BidSettings, values)
    player = make_player(seat_model, player_means())
    stakes = Stakes(None if score is None else parse_score(score), others_make)
    auction = _auction(Auction(dealer, all_pass=AllPass.RESHAKE if reshake else AllPass.FORCED), bids)
    bidders = None if bidder_offs is None else Bidders.of(auction, bidder_offs)
    if poster is not None:
        from forge_view.poster import check_kind

        check_kind(poster)
    matrix = bid_matrix(dominoes, declarations, settings, player, seed=seed, bidders=bidders)
    advice = advise_call(matrix, auction, stakes)
    contract = advice.call or advice.at_30
    lead = best_lead(dominoes, contract.declaration, contract.bid.points, worlds=min(samples, 200), seed=seed)
    if as_json:
        typer.echo(json.dumps(matrix.as_json() | {"advice": _plain(advice, lead)}))
    else:
        from rich.console import Console

        from forge_view.bids import matrix_view

        console = Console(highlight=False)
        for part in matrix_view(matrix, advice, stakes, lead):
            console.print(part)
    if poster is not None:
        from forge_view.poster import write_poster

        write_poster(poster, matrix, advice, stakes, lead)


def parsed(hand: str, declaration: str) -> tuple[tuple[int, ...], list[int]]:
    """The hand and the declarations that were typed. InputError where they cannot be meant."""
    from forge_core.rules import Declaration, parse_declaration, parse_hand

    every = declaration.strip() == "all"
    names = dict.fromkeys(Declaration if every else (parse_declaration(word) for word in declaration.split(",")))
    return parse_hand(hand), [int(each) for each in names]


def parse_score(text: str) -> tuple[int, int]:
    """The marks (own, others') of "3-5". InputError otherwise."""
    from forge_core.errors import InputError

    match = re.fullmatch(r"\s*([0-9]{1,3})\s*-\s*([0-9]{1,3})\s*", text)
    if match is None:
        raise InputError.of(got=f"the score {text!r}", expected='own marks first, as in "3-5"', remedy="correct it")
    return int(match[1]), int(match[2])


def _auction(auction: Any, bids: str) -> Any:
    from forge_core.rules import parse_bid

    for word in bids.split(",") if bids.strip() else ():
        auction = auction.call(parse_bid(word))
    return auction


def best_lead(hand: tuple[int, ...], declaration: int, points: int, *, worlds: int, seed: int) -> int:
    """The opening lead that makes the bid most often, by `forge advise`; points decide among equals."""
    from flows.oracle import oracle_named
    from forge_core.expected_q.advise import advise
    from forge_core.expected_q.information_set import InformationSet
    from forge_core.expected_q.record import Record
    from forge_core.expected_q.settings import EqSettings

    info = InformationSet.of(Record.of(declaration, 0, ()), 0, hand)
    plays = advise(info, oracle_named(), EqSettings(n_worlds=max(2, worlds), bid=points), seed=seed).plays
    return max(plays, key=lambda play: (play.p_make or 0.0, play.mean)).domino


def _plain(advice: "BidAdvice", lead: int) -> dict[str, object]:
    from forge_core.bids.advice import Candidate
    from forge_core.rules import declaration_name, domino_name

    def told(each: Candidate | None) -> dict[str, object] | None:
        if each is None:
            return None
        name = declaration_name(each.declaration)
        return {"bid": str(each.bid), "declaration": name, **each.chance._asdict(), "value": each.value}

    return {
        "method": advice.method.value,
        "call": told(advice.call),
        "highest": told(advice.highest),
        "forced": advice.forced,
        "at_30": told(advice.at_30),
        "passing": advice.passing,
        "bids": [told(each) for each in advice.candidates],
        "lead": domino_name(lead),
    }


@app.command()
def why(
    hand: Annotated[str, typer.Option(help="Seven dominoes.")],
    declaration: Annotated[str, typer.Option(help="The contract's trumps, by name or number.")],
    below: Annotated[int, typer.Option(help="Hands that win fewer points than this are told.")] = 30,
    playouts: Annotated[int, typer.Option(min=1, help="Hands played out.")] = 200,
    show: Annotated[int, typer.Option(min=0, help="So many reasons, with a replay each.")] = 3,
    seat_model: SeatModel = "pimc:worlds=2",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Deals on which a contract fails, as replays, the usual reason first."""
    from rich.console import Console

    from flows.oracle import player_means
    from forge_core.bids.settings import BidSettings
    from forge_core.bids.why import why as find_failures
    from forge_core.players.registry import make_player
    from forge_core.rules import parse_declaration, parse_hand
    from forge_view.bids import why_lines

    trumps, dominoes = parse_declaration(declaration), parse_hand(hand)
    values = {"playouts": playouts, "play_for": below, "seat_model": seat_model}
    settings = build(BidSettings, values)
    found = find_failures(dominoes, int(trumps), below, settings, make_player(seat_model, player_means()), seed=seed)
    if as_json:
        show_json(found)
        return
    console = Console(highlight=False)
    for line in why_lines(found, show):
        console.print(line)


@app.command()
@modal_options
@filling_options
def generate(
    asked: Filling,
    samples: Annotated[int, setting(BIDS, "samples")] = 500,
    playouts: Annotated[int, setting(BIDS, "playouts")] = 0,
    seat_model: SeatModel = "pimc:worlds=2",
    sets: Sets = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Bid matrices of the hands that seeds deal seat 0, to {train,val,test}/seed_*.parquet."""
    from configs.pipeline import SeedSeries
    from flows.fillers import BidFiller
    from forge_core.bids.settings import BidSettings
    from tasks.steps import networks_of

    settings = build(BidSettings, {"samples": samples, "playouts": playouts, "seat_model": seat_model}, sets)
    series = build(SeedSeries, asked.seeds)
    networks_of((settings.seat_model,))  # a player that is none is told before anything starts
    fill(BidFiller(settings), series, asked, as_json=as_json, hands=series, settings=settings, on=on)


@app.command()
def collate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of bid matrices.")],
    output: Annotated[Path, typer.Option(help="The Parquet file to write.")],
) -> None:
    """Turn a folder of bid matrices into one Parquet training table."""
    from flows.cli.running import say
    from forge_core.bids.dataset import collate_bids

    say(f"{collate_bids(folder, output):,} rows in {output}")
