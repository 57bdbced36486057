"""Measure a model beside the champion, on states that were made for it or given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from configs.evaluation import EvaluationSettings
from configs.pipeline import SeedRange
from forge_core.artifacts.reference import Reference
from forge_core.shards.split import Split
from forge_core.tokens.settings import TokenSettings
from tasks.evaluate import EVALUATION, STAGE, EvaluateSettings
from tasks.models import catalog, kind_of, network_of
from tasks.run import run_stage, source, store
from tasks.stage import Call, Executor
from tasks.steps import make_tokens, solve_deals

if TYPE_CHECKING:
    from forge_core.learn.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Evaluations by the name of the states that they are of.

    champion       of the catalog's champion on the same states; empty when there is none, or it is the model
    champion_name  its name
    """

    model: Mapping[str, Reference]
    champion: Mapping[str, Reference] = field(default_factory=dict[str, Reference])
    champion_name: str | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """All evaluations."""
        return (*self.model.values(), *self.champion.values())


def states_of(settings: EvaluationSettings, executor: Executor) -> dict[str, Reference]:
    """The states that an evaluation looks at, as tokens by the name of their strategy: from the store, or made."""
    ranges = [SeedRange(start=seeds.start, count=len(seeds)) for seeds in _runs(settings.seeds())]
    found: dict[str, Reference] = {}
    for strategy in settings.strategies:
        shards = solve_deals(ranges, settings.shards(strategy), executor)
        found[strategy.value] = make_tokens(shards, TokenSettings(), executor)
    return found


def evaluate(
    model: Reference | Path, tokens: Reference | Path, split: Split, executor: Executor, *, name: str = "states"
) -> Reference:
    """A model, highest-rank play and random play on one split of some tokens; `name` is what the states are called."""
    settings = EvaluateSettings(split=split, name=name)
    return run_stage(Call(STAGE, settings, (network_of(model), source(tokens))), executor)


def evaluate_beside_champion(
    model: Reference | Path, states: Mapping[str, Reference | Path], split: Split, executor: Executor
) -> Evaluated:
    """Evaluate a model, and the champion of its kind unless that is the model, on the same states by their names."""
    champion = catalog().champions().get(kind_of(model))

    def all_states(each: Reference | Path) -> dict[str, Reference]:
        return {name: evaluate(each, tokens, split, executor, name=name) for name, tokens in states.items()}

    ours = all_states(model)
    if champion is None or network_of(catalog().root / champion).digest == network_of(model).digest:
        return Evaluated(ours)
    return Evaluated(ours, all_states(catalog().root / champion), champion)


def read_evaluation(evaluation: Reference) -> "Evaluation":
    """What an evaluation found."""
    from forge_core.learn.evaluation import Evaluation

    return Evaluation.model_validate_json((store().path(evaluation) / EVALUATION).read_bytes())


def _runs(seeds: list[int]) -> list[range]:
    present = set(seeds)
    starts = [seed for seed in seeds if seed - 1 not in present]
    ends = [seed + 1 for seed in seeds if seed + 1 not in present]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]
