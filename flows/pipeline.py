"""The whole chain: solve, tokenize, train, evaluate, export, play."""

from prefect import flow

from flows import forms
from flows.evaluate import evaluate
from flows.export_onnx import export_onnx
from flows.generate_eq import generate_eq
from flows.generate_oracle import generate_oracle
from flows.tokenize import tokenize
from flows.train import train
from tasks.elsewhere import work_on
from tasks.report import PipelineResult, report_pipeline
from tasks.stage import tally


@flow(name="pipeline")
def pipeline(settings: forms.Pipeline, on: forms.On = None) -> PipelineResult:
    """From deals to a trained model to E[Q] games. The other flows' bodies run as parts of this run.

    settings  everything that decides what is made, stage by stage
    on        where deals are solved, networks trained and measured, and games played; none = here
    """
    with work_on(on), tally() as counts:
        shards = generate_oracle.fn(settings.deals, settings.shards)
        tokens = tokenize.fn([*shards], settings.tokens)
        model = train.fn(tokens, settings.train)
        evaluation = evaluate.fn(model, tokens=tokens)
        onnx = export_onnx.fn(model, tokens)
        oracle = model if settings.oracle == "model" else None
        games = generate_eq.fn(settings.games, settings.expected_q, oracle)
    result = PipelineResult(
        shards=tuple(shards),
        tokens=tokens,
        model=model,
        evaluation=evaluation,
        onnx=onnx,
        games=tuple(games),
        tally=counts,
    )
    report_pipeline(result)
    return result
