"""The flows of the stages, and `pipeline`, which composes them.

A flow makes an executor from its parameter `on`, asks the tasks for artifacts, and shows them on its run's page.
"""

from collections.abc import Mapping
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from configs.evaluation import DEFAULT, EvaluationSettings
from configs.pipeline import TRAINED, SeedRange
from flows import forms, report
from flows.context import executor_for
from flows.evaluation_report import report_evaluation
from forge_core.artifacts.reference import Reference
from forge_core.expected_q.settings import EqSettings
from forge_core.learn.export_report import DEFAULT as DEFAULT_EXPORT
from forge_core.learn.export_report import ExportSettings
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split
from forge_core.tokens.settings import TokenSettings
from forge_view.arena import contest_page
from forge_view.pages import publish
from tasks import steps
from tasks.checkout import checkout
from tasks.dataset import tokens_of
from tasks.devices import ONE_DEVICE, Hardware
from tasks.evaluation import Evaluated, evaluate_beside_champion, states_of
from tasks.promote import Promotion
from tasks.promote import promote as promote_model
from tasks.run import tally
from tasks.training import train as train_model

GIVEN = "given"
"""What states that were not made for an evaluation are called."""


@flow(name="generate")
def generate(
    deals: forms.Settings[tuple[SeedRange, ...]], shards: forms.Settings[ShardSettings], on: forms.On = None
) -> list[Reference]:
    """Solve the deals of all seeds, block by block; one object of shards a block.

    deals    the seeds; declaration = seed % 10
    shards   what is kept of a solved deal
    on       where they are solved; none = here
    """
    objects = steps.solve_deals(deals, shards, executor_for(on))
    report.report_shards(objects)
    return objects


@flow(name="tokenize")
def tokenize(
    shards: list[forms.Shards], tokens: forms.Settings[TokenSettings], output: forms.Output = None
) -> Reference:
    """Encode shards as training arrays, one object for all of them.

    shards   objects of the store, or folders with {train,val,test}/*.parquet
    tokens   which states become samples
    output   a folder that gets the arrays, besides the store
    """
    arrays = steps.make_tokens(shards, tokens, executor_for())
    checkout(arrays, output)
    report.report_tokens(arrays)
    return arrays


@flow(name="train")
def train(
    tokens: forms.Tokens,
    settings: forms.Train,
    output: forms.Output = None,
    initial: forms.Initial = None,
    on: forms.On = None,
    hardware: forms.Settings[Hardware] = ONE_DEVICE,
) -> Reference:
    """Train a network and keep the weights with the lowest q_gap on the val split.

    tokens    an object of the store, or a folder that the flow `tokenize` wrote; of a stream, its val split alone
    settings  the network, what it learns from, and how
    output    a folder that gets the model, besides the store
    initial   the model whose weights it starts from; none = weights drawn by the seed
    on        where it is trained; none = here
    hardware  the devices that it is trained on
    """
    model = train_model(tokens, settings, executor_for(on, hardware=hardware), initial=initial)
    checkout(model, output)
    report.report_model(model, tokens)
    return model


@flow(name="evaluate")
def evaluate(
    model: forms.Model,
    settings: forms.Settings[EvaluationSettings] = DEFAULT,
    tokens: forms.States = None,
    on: forms.On = None,
) -> Evaluated:
    """Measure a model beside the champion, highest-rank play and random play, on states that no network learns from.

    model     an object of the store, a model folder or an .onnx file
    settings  the split, and how many states are made by which strategies
    tokens    an object of the store, or a token folder, to measure on instead
    on        where deals are solved and models measured; none = here
    """
    executor = executor_for(on)
    states: Mapping[str, Reference | Path] = states_of(settings, executor) if tokens is None else {GIVEN: tokens}
    evaluated = evaluate_beside_champion(model, states, settings.split, executor)
    report_evaluation(evaluated)
    return evaluated


@flow(name="promote")
def promote(
    model: forms.Model,
    force: str | None = None,
    beside: bool = False,
    trained_on: str | None = None,
    settings: forms.Settings[EvaluationSettings] = DEFAULT,
) -> Promotion:
    """Take a model into the catalog as the champion of its kind, if it plays better than the present one on val.

    model       an object of the store, or a model folder
    force       why it is promoted even if it is not better
    beside      take it into the catalog beside the champion, which stays
    trained_on  the device, for a model whose config does not say it
    settings    how many states it is compared on, and measured on for its card
    """
    promotion = promote_model(
        model, executor_for(), force=force, beside=beside, trained_on=trained_on, settings=settings
    )
    words = f"# {promotion.name or 'Not promoted'}\n\n{promotion.reason}"
    create_markdown_artifact(words, key="promotion", description="What became of the model")
    return promotion


@flow(name="export")
def export(
    model: forms.Model,
    tokens: forms.ModelTokens = None,
    output: forms.Output = None,
    settings: forms.Settings[ExportSettings] = DEFAULT_EXPORT,
    on: forms.On = None,
) -> Reference:
    """Export a model to ONNX in float32, float16 and int8, and check each against torch on real samples.

    model     an object of the store, or a model folder
    tokens    where the samples come from: an object of the store, or a token folder; none = those that the model
              learned from, if the store has them
    output    a folder that gets the files, besides the store
    settings  how the files are checked
    on        where it is exported; none = here
    """
    onnx = steps.export_model(model, tokens or tokens_of(model), executor_for(on), settings)
    checkout(onnx, output)
    report.report_onnx(onnx, model)
    return onnx


@flow(name="generate-games")
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
    objects = steps.play_games(games, settings, executor_for(on), model)
    report.report_games(objects)
    return objects


@flow(name="run-pipeline")
def pipeline(settings: forms.Pipeline, on: forms.On = None) -> report.PipelineResult:
    """From deals to a trained model to E[Q] games and a match, as tasks of one run with one executor.

    settings  everything that decides what is made, stage by stage
    on        where deals are solved, networks trained and measured, and games played; none = here
    """
    executor = executor_for(on)
    with tally() as counts:
        shards = steps.solve_deals(settings.deals, settings.shards, executor)
        report.report_shards(shards)
        tokens = steps.make_tokens(shards, settings.tokens, executor)
        report.report_tokens(tokens)
        model = train_model(tokens, settings.train, executor)
        report.report_model(model, tokens)
        evaluation = evaluate_beside_champion(model, {GIVEN: tokens}, Split.TEST, executor)
        report_evaluation(evaluation)
        onnx = steps.export_model(model, tokens, executor)
        report.report_onnx(onnx, model)
        oracle = model if settings.oracle == "model" else None
        games = steps.play_games(settings.games, settings.expected_q, executor, oracle)
        report.report_games(games)
        contracts, match = steps.play_match(settings.match, settings.match_deals, executor, models={TRAINED: model})
        publish("match", contest_page(match), "Who is better")
    result = report.PipelineResult(
        shards=tuple(shards),
        tokens=tokens,
        model=model,
        evaluation=evaluation,
        onnx=onnx,
        games=tuple(games),
        contracts=tuple(contracts),
        match=match,
        tally=counts,
    )
    report.report_pipeline(result)
    return result
