"""Deals solved by the deployed App, in containers that see what the images hold and nothing else."""

from pathlib import Path

import pytest
from control_plane import ControlPlane

from configs.modal import Place
from deployments.modal_app import app
from forge_core.artifacts.collection import place_of
from forge_core.shards.generate import Outcome, write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from tasks.elsewhere import elsewhere, work_on
from tasks.remote import journal
from tasks.remote.shards import bring_shards, make_shards, recipe

SETTINGS = ShardSettings(states_per_deal=100)
REQUESTS = [DealRequest(seed, None, seed % 10) for seed in (0, 1, 900)]


@pytest.fixture
def deployed(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    app.deploy()
    return control_plane


def test_shards_from_modal_are_those_made_here_and_are_made_once(deployed: ControlPlane, tmp_path: Path) -> None:
    folder, here = tmp_path / "folder", tmp_path / "here"
    deployed.faults.again = {0}  # its container is preempted when everything is done
    deployed.faults.conflicts = 2  # others commit to the Volume at the same time
    with work_on(Place(agreed=True)):
        files = make_shards(REQUESTS, SETTINGS)
        assert len(deployed.running().containers) <= 1
        receipts = bring_shards(files, REQUESTS, folder)
        again = make_shards(REQUESTS, SETTINGS)
    assert [receipt.outcome for receipt in receipts] == [Outcome.WRITTEN] * 3
    assert again.by_path == files.by_path
    assert len(list(journal.runs())) == 1
    expected = write_block(REQUESTS, SETTINGS, here)
    for receipt, ours in zip(receipts, expected, strict=True):
        assert (receipt.rows, receipt.reachable_states) == (ours.rows, ours.reachable_states)
        assert (folder / receipt.relative_path).read_bytes() == (here / ours.relative_path).read_bytes()
    place = deployed.volume_root / "crystal-forge" / place_of(recipe(SETTINGS).key)
    assert len(list((place / "receipts").iterdir())) == 1
    assert len(list((place / "files").rglob("*.parquet"))) == 3


def test_slices_of_a_command_share_a_price_and_a_budget(
    deployed: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"), work_on(Place(agreed=True, budget=5.0), items=9):
        make_shards(REQUESTS[:2], SETTINGS)
        away = elsewhere()
        assert away is not None
        left = away.left
        make_shards(REQUESTS[2:], SETTINGS)
    assert "up to 9 deals in 2 inputs" in caplog.text
    assert "up to 7 deals in 2 inputs" in caplog.text
    assert left is not None
    assert 0 < left < 5
    assert [run.start["budget"] for run in journal.runs()] == [left, 5.0]
    assert away.spent == pytest.approx(sum(run.spent for run in journal.runs()))
