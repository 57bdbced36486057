"""Take a model into the catalog, if it is better than the champion."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from configs.evaluation import DEFAULT, EvaluationSettings
from forge_core.artifacts.reference import Reference
from forge_core.errors import InputError
from forge_core.files import sha256_of
from forge_core.learn.export_report import Precision
from forge_core.learn.settings import CONFIG, WEIGHTS, ModelConfig, read_config
from forge_core.shards.split import Split
from forge_core.shards.strategy import Strategy
from tasks import tracking
from tasks.evaluate import PLOTS
from tasks.evaluation import Evaluated, evaluate_beside_champion, read_evaluation, states_of
from tasks.models import catalog, network_of
from tasks.publish import STAGE, PublishSettings
from tasks.run import run_stage, stage_task, store
from tasks.stage import Call, Executor
from tasks.steps import export_model
from tasks.train import STAGE as TRAIN

if TYPE_CHECKING:
    from forge_core.learn.catalog import Card, Origin
    from forge_core.learn.metrics import Difference

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a model that was proposed as the champion of its kind.

    promoted  whether it is in the catalog now
    name      its name there; None when it was not taken in
    champion  whether it is the champion of its kind
    reason    why, for people
    """

    promoted: bool
    name: str | None
    reason: str
    champion: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a model compares with the champion of its kind.

    champion  the champion's name; None when there is none
    gain      the model's q_gap minus the champion's; None when there is no champion, or they are the same model
    """

    champion: str | None
    gain: "Difference | None"

    @property
    def better(self) -> bool:
        """Whether it is better beyond doubt (the whole interval of the difference is below 0), or has no rival."""
        return self.gain is None or self.gain.high < 0

    @property
    def reason(self) -> str:
        """The verdict in words."""
        if self.champion is None:
            return "the first of its kind"
        if self.gain is None:
            return "it is the champion already"
        gain = f"{self.gain.mean:+.4f} points, 95 % interval {self.gain.low:+.4f} to {self.gain.high:+.4f}"
        return f"q_gap on val against {self.champion}: {gain}"


@stage_task(name="promote")
def promote(
    model: Reference | Path,
    executor: Executor,
    *,
    force: str | None = None,
    beside: bool = False,
    trained_on: str | None = None,
    settings: EvaluationSettings = DEFAULT,
) -> Promotion:
    """Make a model the champion of its kind if it plays uniform states of val better than the present one.

    model       an object of the store, or a model folder
    executor    where it is measured and exported
    force       why it is promoted even if it is not better
    beside      take it into the catalog beside the champion, which stays: one for machines that this is too slow on
    trained_on  the device, for a model whose config does not say it
    settings    how many states it is compared on, and then measured on for its card

    A model that is not better changes nothing. Raises ModelError for what is no model or too large for the catalog.
    """
    published = run_stage(Call(STAGE, PublishSettings(), (network_of(model),)), executor)
    of_val = {"split": Split.VAL, "strategies": (Strategy.UNIFORM,)}
    val = states_of(settings.model_copy(update=of_val), executor)
    verdict = judge(published, evaluate_beside_champion(published, val, Split.VAL, executor))
    if not (verdict.better or force or beside):
        return Promotion(promoted=False, name=None, reason=f"not better: {verdict.reason}")
    config = read_config(store().path(published))
    device, origin = _device(config, trained_on), _origin(model, config, verdict, None if verdict.better else force)
    of_test = states_of(settings.model_copy(update={"split": Split.TEST}), executor)
    test = evaluate_beside_champion(published, of_test, Split.TEST, executor)
    card = _card(test, device, origin)
    onnx = export_model(published, val[Strategy.UNIFORM.value], executor)
    place = _add(published, onnx, config, card, champion=not beside)
    _register(place, config, card, test, champion=not beside)
    role = "beside the champion" if beside else "the champion"
    logger.info("%-12s %s is %s of kind %s", "promote", place.name, role, config.kind)
    reason = f"forced: {force} ({verdict.reason})" if force and not verdict.better else verdict.reason
    return Promotion(promoted=True, name=place.name, reason=reason, champion=not beside)


def judge(model: Reference, val: Evaluated) -> Verdict:
    """Compare a model with the champion on the states of val on which both were evaluated."""
    from forge_core.learn.metrics import difference

    champion = catalog().champions().get(read_config(store().path(model)).kind)
    if champion is None or val.champion_name != champion:  # evaluate_beside_champion leaves out the model itself
        return Verdict(champion, None)
    ours, theirs = (read_evaluation(*each.values()).model.by_deal for each in (val.model, val.champion))
    return Verdict(champion, difference(ours, theirs))


def _device(config: ModelConfig, trained_on: str | None) -> str:
    device = trained_on or config.trained_on
    if not device:
        raise InputError.of(
            got="a model whose config does not say what it was trained on",
            expected="the name of a device",
            remedy='say it with --trained-on, as in --trained-on "NVIDIA H100"',
        )
    return device


def _origin(model: Reference | Path, config: ModelConfig, verdict: Verdict, forced: str | None) -> "Origin":
    from forge_core.learn.catalog import Origin

    keys = [entry.key for entry in store().entries() if entry.reference == model]
    trained = (key.code for key in keys if key.stage == "train")
    return Origin(
        dataset=config.dataset_digest,
        code=next(trained, None) or TRAIN.code(),
        parent=config.initial_digest,
        champion=verdict.champion,
        gain=verdict.gain,
        forced=forced,
    )


def _card(test: Evaluated, trained_on: str, origin: "Origin") -> "Card":
    from forge_core.learn.catalog import Card, Scores

    scores = {states: Scores.of(read_evaluation(each).model) for states, each in test.model.items()}
    return Card(test=scores, trained_on=trained_on, origin=origin)


def _add(model: Reference, onnx: Reference, config: ModelConfig, card: "Card", *, champion: bool) -> Path:
    """Write the model into the catalog; does nothing twice. Returns its folder there."""
    from forge_core.learn import catalog as files
    from forge_core.learn.export import shrink_onnx

    with TemporaryDirectory() as temporary:
        folder, path = Path(temporary), store().path(model)
        for name in (WEIGHTS, CONFIG):
            shutil.copyfile(path / name, folder / name)
        shrink_onnx(store().path(onnx) / Precision.FP32.file, folder / files.ONNX)
        (folder / files.CARD).write_text(card.model_dump_json(indent=1) + "\n", "utf-8")
        return catalog().add(folder, card.name_of(config), champion=champion)


def _register(place: Path, config: ModelConfig, card: "Card", test: Evaluated, *, champion: bool) -> None:
    """Make a model of the catalog a version in MLflow's registry; the champion is called so there too."""
    origin, weights = card.origin, sha256_of(place / WEIGHTS)
    tags = {"name": place.name, "weights": weights, "trained_on": card.trained_on, "dataset": origin.dataset}
    tags |= {"code": origin.code, "parent": origin.parent or "none", "forced": origin.forced or "no"}
    with tracking.tracked("promote", parameters=config.settings.model_dump(), tags=tags) as run:
        for states, scores in card.test.items():
            run.metrics({f"test/{states}/{name}": value for name, value in scores.numbers().items()})
            for plot in PLOTS:
                run.file(store().path(test.model[states]) / plot, folder=states)
        run.register(f"domino-{config.kind}", place, tags, champion=champion)
