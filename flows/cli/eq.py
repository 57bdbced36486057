"""Commands about E[Q]: what each play is worth to a seat that sees its own hand and the plays so far."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli import inputs
from flows.cli.errors import ForgeGroup
from flows.cli.filling import Filling, fill, filling_options
from flows.cli.modal_options import modal_options
from flows.cli.options import EQ, ORACLES, Json, Sets, build, setting
from flows.cli.results import show_json
from flows.cli.running import say

app = typer.Typer(cls=ForgeGroup, help="E[Q] games.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
@modal_options
@filling_options
def generate(
    asked: Filling,
    oracle: Annotated[str, typer.Option(help=ORACLES)] = "exact",
    n_worlds: Annotated[int | None, setting(EQ, "n_worlds")] = None,
    bid: Annotated[int | None, setting(EQ, "bid")] = None,
    objective: Annotated[str | None, setting(EQ, "objective")] = None,
    posterior: Annotated[bool, setting(EQ, "posterior.enabled", "--posterior")] = False,
    posterior_window: Annotated[int | None, setting(EQ, "posterior.window")] = None,
    posterior_tau: Annotated[float | None, setting(EQ, "posterior.tau")] = None,
    posterior_mix: Annotated[float | None, setting(EQ, "posterior.mix")] = None,
    adaptive: Annotated[bool, setting(EQ, "adaptive.enabled", "--adaptive")] = False,
    min_samples: Annotated[int | None, setting(EQ, "adaptive.min_samples")] = None,
    max_samples: Annotated[int | None, setting(EQ, "adaptive.max_samples")] = None,
    sem_threshold: Annotated[float | None, setting(EQ, "adaptive.sem_threshold")] = None,
    exploration: Annotated[str | None, setting(EQ, "exploration.mode")] = None,
    epsilon: Annotated[float | None, setting(EQ, "exploration.epsilon")] = None,
    temperature: Annotated[float | None, setting(EQ, "exploration.temperature")] = None,
    sets: Sets = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Play games; write them to {train,val,test}/seed_*.pt."""
    from configs.pipeline import SeedSeries
    from flows.fillers import GameFiller
    from forge_core.expected_q.settings import EqSettings

    values = {
        "n_worlds": n_worlds,
        "bid": bid,
        "objective": objective,
        "posterior": _given(enabled=posterior or None, window=posterior_window, tau=posterior_tau, mix=posterior_mix),
        "adaptive": _given(
            enabled=adaptive or None, min_samples=min_samples, max_samples=max_samples, sem_threshold=sem_threshold
        ),
        "exploration": _given(mode=exploration, epsilon=epsilon, temperature=temperature),
    }
    model, of_oracle = inputs.oracle(oracle)
    settings = build(EqSettings, of_oracle | values, sets)
    series = build(SeedSeries, asked.seeds)
    filler = GameFiller(settings, model)
    fill(filler, series, asked, as_json=as_json, games=series, settings=settings, model=model, on=on)


@app.command()
def view(
    path: Annotated[Path, typer.Argument(exists=True, help="A game, or a folder that forge arena --record wrote.")],
    html: Annotated[Path | None, typer.Option(help="Write a page that stands alone instead.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write a picture instead: the whole game on a sheet.")] = None,
    play: Annotated[int | None, typer.Option(min=1, max=28, help="The decision that --svg shows alone.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of a recorded match: which deal.")] = None,
    declarer: Annotated[str, typer.Option(help="Of a recorded match: who declared, a or b.")] = "a",
    as_json: Json = False,
) -> None:
    """Step through a game: hands, trick, history, E[Q] with its uncertainty; or show a contract of a recorded match."""
    from rich.console import Console

    from forge_core.expected_q.files import read_game
    from forge_view.game_frames import frames
    from forge_view.game_page import write_page
    from forge_view.game_terminal import decision_view

    console = Console(highlight=False)
    if path.is_dir():
        from forge_core.arena.record import find_contract, read_settings
        from forge_view.contract_terminal import contract_view

        contract, settings = find_contract(path, seed, declarer), read_settings(path)
        if as_json:
            show_json({"settings": settings, "contract": contract})
        else:
            console.print(contract_view(contract, settings))
        return
    game = read_game(path)
    if html is not None:
        write_page(game, html)
        say(f"{html}")
        return
    if svg is not None:
        from forge_core.files import write_text
        from forge_view.domino_svg import whole_game
        from forge_view.game_svg import picture

        write_text(svg, whole_game(game) if play is None else picture(game, play))
        say(f"{svg}")
        return
    if as_json:
        show_json({"seed": game.seed, "declaration": game.declaration, "decisions": frames(game)})
        return
    for frame in frames(game):
        console.print(decision_view(game, frame))
        if console.is_terminal and console.input("[dim]Enter: next play, q: end [/dim]").strip().lower() == "q":
            return


@app.command()
def collate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of games.")],
    output: Annotated[Path, typer.Option(help="The Parquet file to write.")],
) -> None:
    """Turn a folder of games into one Parquet training set."""
    from forge_core.expected_q.collate import collate as collate_games

    say(f"{collate_games(folder, output):,} decisions in {output}")


def _given(**values: Any) -> dict[str, Any] | None:
    return {name: value for name, value in values.items() if value is not None} or None
