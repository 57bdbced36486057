"""What the pages of a run show, on a real server; how often, is a matter of time."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.artifacts import MarkdownArtifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.sorting import ArtifactSort

from configs.pipeline import PipelineSettings, load_preset
from forge_core.artifacts.reference import Reference
from forge_core.seat.settings import SeatSettings
from forge_view import live, pages, pictures
from forge_view.console import progress

TINY = {
    "deals": [{"start": 0, "count": 4}, {"start": 900, "count": 1}, {"start": 950, "count": 1}],
    "shards": {"states_per_deal": 200},
    "train": {"epochs": 3, "samples_per_epoch": 512, "batch_size": 128},
    "games": {"count": 1},
    "match_deals": {"count": 2},
    "expected_q": {"n_worlds": 2},
}


def shown(run: Any) -> dict[str, list[Any]]:
    """The artifacts of a run by their keys."""
    with get_client(sync_client=True) as client:
        mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        found = client.read_artifacts(artifact_filter=mine, sort=ArtifactSort.CREATED_DESC)
    by_key: dict[str, list[Any]] = {}
    for each in found:
        if each.key is not None:
            by_key.setdefault(each.key, []).append(each)
    return by_key


def test_a_pipeline_tells_what_it_made(home: Path) -> None:
    from flows.stages import pipeline

    settings = PipelineSettings.model_validate(load_preset("demo").model_dump(exclude_unset=True) | TINY)
    state = pipeline(settings, return_state=True)
    result = state.result()
    found = shown(state.state_details.flow_run_id)
    model, tokens = pages.key_of(result.model), pages.key_of(result.tokens)
    assert {"shards", tokens, model, pages.key_of(result.onnx), "pipeline", "training", "epochs"} <= set(found)
    (games,) = (key for key in found if key.startswith("games-of-"))
    assert "](data:image/png;base64," in found[games][0].data
    assert {len(each) for key, each in found.items() if key != "metrics"} == {1}

    text = found[model][0].data
    assert f"(/artifacts/key/{tokens})" in text
    assert "[MLflow run](http" in text
    assert "](data:image/png;base64," in text
    assert str(home) not in text
    assert "3 of 3" in found["training"][0].data
    assert [row["epoch"] for row in json.loads(found["epochs"][0].data)] == [3, 2, 1]

    again = shown(pipeline(settings, return_state=True).state_details.flow_run_id)  # all of it is in the store
    assert again[games][0].data == found[games][0].data


def test_a_live_page_costs_a_twentieth_of_the_time(api_url: str) -> None:
    drawn: list[float] = []

    def draw() -> MarkdownArtifact:
        drawn.append(time.monotonic())
        time.sleep(0.05)
        return MarkdownArtifact(key="live", markdown=f"{len(drawn)}")

    @flow(name="live")
    def work() -> None:
        shown = live.Live(draw, every=0)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            shown.show()
        shown.show(last=True)

    state = work(return_state=True)
    (page,) = shown(state.state_details.flow_run_id)["live"]
    assert page.data == f"{len(drawn)}"
    assert 2 <= len(drawn) <= 2 + 3 / (20 * 0.05)
    assert all(later - earlier >= 20 * 0.05 for earlier, later in pairwise(drawn[:-1]))


def test_only_long_work_gets_a_bar(api_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(steps: int) -> None:
        with progress("counting", 10, "{things:.0f} things/s") as advance:
            for _ in range(steps):
                advance(1, things=1)

    assert "progress" not in run_in_flow(work, 10)
    monkeypatch.setattr(live, "_LONG", 0)
    (bar,) = run_in_flow(work, 10)["progress"]
    assert bar.description.startswith("counting: 10 of 10")
    assert float(bar.data) == 100


def run_in_flow(work: Callable[[int], None], steps: int) -> dict[str, list[Any]]:
    state = flow(name="bar")(work)(steps, return_state=True)
    return shown(state.state_details.flow_run_id)


def test_what_prefect_cannot_record_is_told_once_and_the_work_goes_on(
    api_url: str, log: pytest.LogCaptureFixture
) -> None:
    @flow(name="cut off")
    def work() -> int:
        page = live.Live(lambda: MarkdownArtifact(key="lost", markdown="x"), every=0)
        page._id = uuid4()  # the server knows none of that id
        for _ in range(3):
            page._next = 0
            page.show()
        return 7

    assert work() == 7
    assert [record.getMessage()[:28] for record in log.records] == ["Prefect did not record how f"]


def test_outside_a_run_nothing_is_shown() -> None:
    page = live.Live(lambda: pytest.fail("nobody could see it"))
    page.show()
    page.show(last=True)


def test_a_page_in_markdown(tmp_path: Path) -> None:
    reference = Reference(kind="model", digest="ab" * 32, size=1, files=1)
    assert pages.link_to(reference) == "[model abababababab](/artifacts/key/model-abababababab)"
    assert pages.named(tmp_path) == f"`{tmp_path}`"
    text = pages.page("Title", [("rows", "1,000")], "more", columns=("what", "how many"))
    assert text == "# Title\n\n| what | how many |\n| :--- | ---: |\n| rows | 1,000 |\n\nmore"
    (tmp_path / "a.png").write_bytes(b"png")
    assert pictures.read_picture(tmp_path / "a.png") == "![a](data:image/png;base64,cG5n)"


def test_a_training_of_a_seat_shows_its_epochs_and_curves(home: Path) -> None:
    from flows.seat import train_seat

    state = train_seat(SeatSettings(size="tiny").quick_check(), return_state=True)
    found = shown(state.state_details.flow_run_id)
    assert "2 of 2" in found["training"][0].data
    assert "](data:image/png;base64," in found["training"][0].data
    rows = json.loads(found["epochs"][0].data)
    assert [row["epoch"] for row in rows] == [2, 1]
    assert set(rows[0]) == {"epoch", "nats", "make or set", "points", "loss", "samples", "seconds"}


def test_of_a_seat_training_elsewhere_all_epochs_are_shown_at_its_end(home: Path) -> None:
    """As Modal does, this executor tells of no epoch before it is over."""
    from flows.context import executor_for
    from tasks.here import Here
    from tasks.seat import train_seat

    class Silent(Here):
        def run(self, call: Any, folder: Path, context: Any = None) -> Any:
            return super().run(call, folder, replace(context, on_epoch=lambda _epochs: None))

    @flow(name="elsewhere")
    def train() -> None:
        train_seat(SeatSettings(size="tiny").quick_check(), Silent(executor_for().context))

    found = shown(train(return_state=True).state_details.flow_run_id)
    assert [row["epoch"] for row in json.loads(found["epochs"][0].data)] == [2, 1]
