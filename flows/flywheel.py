"""The flywheel: more data, a model trained on from the champion, measured, and promoted if it is better."""

from pathlib import Path
from typing import cast

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.states import Completed, Running

from configs.evaluation import DEFAULT, EvaluationSettings
from configs.operation import Growth
from flows import forms
from flows.backfill import SHARDS, fill, finish
from flows.context import executor_for
from flows.fillers import FILLERS, Asked
from flows.nightly import TOKENS
from flows.stages import evaluate, promote, train
from forge_core.learn.settings import TrainSettings, read_config
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings
from tasks.models import catalog
from tasks.promote import Promotion
from tasks.steps import make_tokens


@flow(name="pipeline")
def flywheel(
    growth: forms.Settings[Growth],
    settings: forms.Train,
    shards: forms.Settings[ShardSettings] = SHARDS,
    tokens: forms.Settings[TokenSettings] = TOKENS,
    evaluation: forms.Settings[EvaluationSettings] = DEFAULT,
) -> Promotion:
    """One turn: let the data set grow, train from the champion, evaluate, promote if better.

    growth      the data set, and how many seeds it gains before the training
    settings    the network and how it learns; once there is a champion of this kind, its shape and its weights to begin
    shards      what is kept of a solved deal
    tokens      which states become samples; the network learns from the train split alone, and `val` chooses its epoch
    evaluation  how many states it is measured on, beside the champion

    Its state says where it stands: Generating, Training, Evaluating, Comparing, in the end Promoted or NotBetter.
    """
    stands("Generating", f"up to {growth.seeds:,} more seeds")
    work = growth.backfill("shards")
    report = fill(FILLERS["shards"](Asked(shards=shards)), work)
    finish(report, work)
    arrays = make_tokens([work.place], tokens, executor_for())
    champion = _champion(settings)
    how = settings if champion is None else _shaped_like(champion, settings)
    start = "the seed's weights" if champion is None else champion.name
    stands("Training", f"on {report.made + report.present:,} seeds, from {start}")
    model = train.fn(arrays, how, initial=champion)
    stands("Evaluating", f"{model.short} on the {evaluation.split} split")
    evaluate.fn(model, evaluation)
    stands("Comparing", f"{model.short} with the champion")
    promotion = promote.fn(model, settings=evaluation)
    name = "Promoted" if promotion.promoted else "NotBetter"
    words = f"{model.short} from {start}: {promotion.name or ''} {promotion.reason}; seeds: {report.summary}"
    return cast(Promotion, Completed(name=name, message=words, data=promotion))


def _champion(settings: TrainSettings) -> Path | None:
    """The champion of this kind of model, if there is one."""
    name = catalog().champions().get(settings.kind)
    return None if name is None else catalog().find(name)


def _shaped_like(champion: Path, settings: TrainSettings) -> TrainSettings:
    """The settings with the champion's network, whose weights fit no other."""
    config = read_config(champion)
    return settings.model_copy(update={"network": config.settings.network, "size": config.settings.size})


def stands(name: str, message: str) -> None:
    """Say in the run's state what it is doing."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run.id, Running(name=name, message=message))
