"""Commands about trained models."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.cli import inputs
from flows.cli.modal_options import modal_options
from flows.cli.options import EVALUATION, EXPORT, Data, Json, Model, Output, Sets, build, setting
from flows.cli.results import evaluation_json, show_evaluation, show_json, show_parts, show_rows
from flows.cli.running import run_flow, say
from forge_core.errors import ForgeError, InputError

if TYPE_CHECKING:
    from configs.evaluation import EvaluationSettings
    from tasks.promote import Promotion

Quick = Annotated[bool, typer.Option("--quick", help="A few thousand states, to see that it works.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(modal_options(evaluate))
    app.command()(promote)
    app.command()(modal_options(export))
    app.command()(models)


def evaluate(
    checkpoint: Model,
    data: Annotated[
        Path | None, typer.Option(exists=True, help="A token folder to measure on, instead of states made for it.")
    ] = None,
    split: Annotated[Literal["val", "test"], setting(EVALUATION, "split")] = "test",
    quick: Quick = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="Also the regret by plays left and by declaration, and the slots of ties.")
    ] = False,
    sets: Sets = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Measure a model beside the champion, highest-rank play and random play."""
    settings = _settings({"split": split}, sets, quick=quick)
    parameters = {
        "model": inputs.model(checkpoint),
        "settings": settings,
        "tokens": inputs.tokens(data, [settings.split]),
    }
    evaluated = run_flow("stages:evaluate", **parameters, on=on).value
    if as_json:
        show_json(evaluation_json(evaluated))
        return
    show_evaluation(f"{split} split, points in the mover's view, ± half a 95 % interval over deals", evaluated)
    if parts:
        show_parts(evaluated)


def promote(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_CHECKPOINT",
            help="A model folder, the first digits of its digest in the store, latest, or the MLflow run that made it.",
        ),
    ],
    force: Annotated[str | None, typer.Option(help="Why it is promoted even if it is not better.")] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Take it into the catalog beside the champion, which stays.")
    ] = False,
    trained_on: Annotated[
        str | None, typer.Option(help="The device it was trained on, if its config does not say it.")
    ] = None,
    quick: Quick = False,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Make a model the champion of its kind, if it plays better than the present one on val.

    A seat network, which sees one hand, is judged by a match against the present seat champion instead; `--set` changes
    the match, as in `--set deals=1000`.
    """
    if inputs.is_seat(model):
        _promote_seat(model, force, sets, as_json=as_json, others=beside or trained_on is not None or quick)
        return
    parameters: dict[str, Any] = {"model": inputs.model(model, trained=True), "force": force, "beside": beside}
    parameters |= {"trained_on": trained_on}
    promotion = run_flow("stages:promote", settings=_settings({}, sets, quick=quick), **parameters).value
    if as_json:
        fields = ("promoted", "name", "champion", "reason")
        typer.echo(json.dumps({field: getattr(promotion, field) for field in fields}))
    elif promotion.promoted:
        say(f"{promotion.name} is {'the' if promotion.champion else 'beside the'} champion: {promotion.reason}")
    if not promotion.promoted:
        raise _refused(promotion, "model", "a lower q_gap on val, with the whole interval of the difference below 0")


def _promote_seat(model: str, force: str | None, sets: list[str] | None, *, as_json: bool, others: bool) -> None:
    from forge_core.seat.settings import SeatMatch

    if others:
        raise InputError.of(
            got="--beside, --trained-on or --quick with a seat network",
            expected="none of them: it is promoted by a match",
            remedy="leave them out",
        )
    network, match = inputs.seat(model), build(SeatMatch, {}, sets)
    promotion = run_flow("seat:promote_seat", network=network, match=match, force=force).value
    if as_json:
        typer.echo(json.dumps({field: getattr(promotion, field) for field in ("promoted", "name", "reason")}))
    elif promotion.promoted:
        say(f"{promotion.name} is the seat champion: {promotion.reason}")
    if not promotion.promoted:
        raise _refused(promotion, "seat network", "one that beats the champion in the arena")


def _refused(promotion: "Promotion", what: str, expected: str) -> ForgeError:
    return ForgeError.of(
        got=f"a {what} that is {promotion.reason}",
        expected=expected,
        remedy='train a better one, or say why it should be promoted all the same with --force "why"',
    )


def export(
    checkpoint: Model,
    data: Data = None,
    output: Output = None,
    samples: Annotated[int | None, setting(EXPORT, "samples")] = None,
    as_json: Json = False,
    on: Any = None,
) -> None:
    """Export a model to ONNX in float32, float16 and int8, each checked against torch on real samples."""
    from forge_core.learn.export_report import ExportSettings
    from forge_core.shards.split import Split
    from tasks.dataset import tokens_of

    settings = build(ExportSettings, {"samples": samples})
    trained = inputs.model(checkpoint, trained=True)
    arrays = inputs.tokens(data, [Split.VAL]) or tokens_of(trained)
    outcome = run_flow(
        "stages:export",
        model=trained,
        tokens=arrays,
        output=inputs.output(output),
        settings=settings,
        on=on,
    )
    from flows.report import FILE_COLUMNS, file_rows, place_rows, read_export

    if as_json:
        show_json({"object": outcome.value, "report": read_export(outcome.value)})
        return
    show_rows("ONNX against torch", file_rows(outcome.value), FILE_COLUMNS)
    show_rows("", place_rows([outcome.value]))


def models(as_json: Json = False) -> None:
    """List the promoted models."""
    from forge_core.learn.catalog import COLUMNS, row_of
    from tasks.models import catalog
    from tasks.seat import seat_catalog

    listed, seats = catalog().listed(), seat_catalog()
    if as_json:
        rows = [{"name": each.name, "champion": each.champion, **each.card.model_dump()} for each in listed]
        rows += [{"name": f"seat/{name}", "champion": name == seats.champion()} for name in seats.names()]
        typer.echo(json.dumps(rows))
    elif listed or seats.names():
        for each in listed:
            name, *facts = row_of(each)
            typer.echo(f"{name}\n    {', '.join(map(' '.join, zip(COLUMNS[1:], facts, strict=True)))}")
        for name in seats.names():
            typer.echo(f"seat/{name}\n    sees one hand{', champion' if name == seats.champion() else ''}")
    else:
        say(f"No model has been promoted yet ({catalog().root} is empty): forge promote RUN_OR_CHECKPOINT")


def _settings(values: dict[str, Any], sets: list[str] | None, *, quick: bool) -> "EvaluationSettings":
    from configs.evaluation import EvaluationSettings

    settings = build(EvaluationSettings, values, sets)
    return settings.quick() if quick else settings
