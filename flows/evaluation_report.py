"""What an evaluation found: on the run's page in the Prefect UI, in MLflow, and as rows for the terminal."""

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_table_artifact

from forge_view.pictures import publish_picture
from tasks import tracking
from tasks.evaluate import PLOTS
from tasks.evaluation import Evaluated, read_evaluation
from tasks.run import stage_task, store

if TYPE_CHECKING:
    from forge_core.learn.metrics import Metrics

_OPENING = 28
_DIGITS = {"q_gap": 3, "accuracy": 1, "label_accuracy": 1, "label_ceiling": 1}
_SHARES = ("accuracy", "blunder_rate", "label_accuracy", "label_ceiling")
_MEANS = ("q_gap", "accuracy", "blunder_rate", "q_mae", "value_mae", "label_accuracy", "label_ceiling")


def players(evaluated: Evaluated, states: str) -> "dict[str, Metrics]":
    """Everybody's metrics on some states, by who it is: the model, the champion if there is one, simple players."""
    found = read_evaluation(evaluated.model[states])
    _, *simple = found.players
    champion = {name: read_evaluation(evaluated.champion[states]).model for name in ["champion"] if evaluated.champion}
    return {"model": found.model, **champion, **{name.replace("_", " "): found.players[name] for name in simple}}


def metric_rows(evaluated: Evaluated, states: str) -> list[tuple[str, ...]]:
    """The means on some states with half their 95 % interval, a column for each of `players`."""
    everybody = players(evaluated, states).values()
    opening = [
        _number("q_gap", each.by_plays_left[_OPENING].q_gap, each.intervals_by_plays_left[_OPENING].get("q_gap"))
        if _OPENING in each.by_plays_left
        else "-"
        for each in everybody
    ]
    rows = [
        (name, *(_number(name, _mean(each, name), each.intervals.get(name)) for each in everybody)) for name in _MEANS
    ]
    if set(opening) != {"-"}:
        rows.insert(1, ("opening leads", *opening))
    return rows


def part_rows(evaluated: Evaluated, states: str) -> list[tuple[str, ...]]:
    """The regret of everybody by plays left and by declaration."""
    from forge_core.rules import Declaration, declaration_name

    everybody = list(players(evaluated, states).values())
    rows = [
        (f"{left} plays left", *(_part(each.by_plays_left, each.intervals_by_plays_left, left) for each in everybody))
        for left in sorted(everybody[0].by_plays_left, reverse=True)
    ]
    return rows + [
        (
            declaration_name(Declaration(called)),
            *(_part(each.by_declaration, each.intervals_by_declaration, called) for each in everybody),
        )
        for called in sorted(everybody[0].by_declaration)
    ]


def slot_rows(evaluated: Evaluated, states: str) -> list[tuple[str, ...]]:
    """Of the model's choices among several best plays, how many fell on each slot, and how many would by chance."""
    ties = players(evaluated, states)["model"].ties
    return [
        (f"slot {slot}", f"{chosen:.1%}", f"{expected:.1%}")
        for slot, (chosen, expected) in enumerate(zip(ties.chosen, ties.expected, strict=True))
    ]


@stage_task(name="report evaluation")
def report_evaluation(evaluated: Evaluated) -> None:
    """Metrics and plots on the run's page, and in MLflow unless they are there."""
    table: list[dict[str, Any]] = []
    for states in evaluated.model:
        names = ("states", "metric", *players(evaluated, states))
        table += [dict(zip(names, (states, *row), strict=True)) for row in metric_rows(evaluated, states)]
    create_table_artifact(table, key="metrics", description="Means ± half a 95 % interval, points and shares")
    for states, reference in evaluated.model.items():
        for file in PLOTS:
            picture = store().path(reference) / file
            words = f"{picture.stem} on states {states}"
            key = f"{picture.stem}-{states}".replace("_", "-")
            publish_picture(key, words, partial(_copy, picture))
    _track(evaluated)


def _track(evaluated: Evaluated) -> None:
    fresh = {states: each for states, each in evaluated.model.items() if tracking.recall(each) is None}
    if not fresh:
        return
    digests = {states: each.digest for states, each in fresh.items()}
    with tracking.tracked("evaluate", parameters=digests, tags={"stage": "evaluate"}) as run:
        for states, each in fresh.items():
            model = read_evaluation(each).model
            run.metrics({f"{states}/{name}": mean for name in _MEANS if (mean := _mean(model, name)) is not None})
            for file in PLOTS:
                run.file(store().path(each) / file, folder=states)
    if run.name is not None:
        for each in fresh.values():
            tracking.remember(each, run.name)


def _copy(picture: Path, to: Path) -> None:
    shutil.copyfile(picture, to)


def _mean(metrics: "Metrics", name: str) -> float | None:
    return getattr(metrics.ties if name.startswith("label") else metrics.overall, name)


def _part(parts: Any, intervals: Any, part: int) -> str:
    return _number("q_gap", parts[part].q_gap, intervals[part].get("q_gap"))


def _number(name: str, value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "-"
    factor, unit = (100, " %") if name in _SHARES else (1, "")
    digits = _DIGITS.get(name, 2)
    reach = "" if interval is None else f" ± {factor * (interval[1] - interval[0]) / 2:.{digits}f}"
    return f"{factor * value:.{digits}f}{reach}{unit}"
