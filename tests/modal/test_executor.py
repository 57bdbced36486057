"""Stages on Modal make what they make here, byte by byte, in containers that see what was named and nothing else."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from cloud import App
from control_plane import ControlPlane
from modal_proto import api_pb2

from configs.modal import Place
from forge_core.artifacts.listing import foreign_source, list_folder
from forge_core.errors import InputError, RemoteError
from forge_core.expected_q.settings import EqSettings
from forge_core.learn.export_report import REPORT, ExportReport, ExportSettings
from forge_core.learn.model import load
from forge_core.learn.settings import TrainSettings
from forge_core.shards.settings import ShardSettings
from forge_core.shards.split import Split
from forge_core.tokens.settings import TokenSettings
from tasks import evaluate, export, generate, generate_eq, tokenize, train
from tasks.generate import GenerateSettings
from tasks.here import Here
from tasks.remote.executor import ModalExecutor
from tasks.stage import Call, Context

HERE = Here(Context(threads=2, device="cpu"))


def away(**fields: Any) -> ModalExecutor:
    return ModalExecutor(Place.model_validate({"agreed": True} | fields), Context(threads=2))


def deals(*seeds: int, states: int = 100, **shards: Any) -> Call[GenerateSettings]:
    settings = ShardSettings.model_validate({"states_per_deal": states} | shards)
    asked = tuple((seed, None, seed % 10) for seed in seeds)
    return Call(generate.STAGE, GenerateSettings(shards=settings, deals=asked))


def requests(plane: ControlPlane, name: str) -> list[Any]:
    return [call.request for call in plane.calls if call.name == name]


def apps(plane: ControlPlane) -> list[App]:
    return list(plane._cloud.apps.values())


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    HERE.run(deals(0, 900, 950, states=50), folder / "shards")
    (folder / "tokens").mkdir()
    HERE.run(Call(tokenize.STAGE, TokenSettings(), (foreign_source(folder / "shards"),)), folder / "tokens")
    return folder / "tokens"


def test_shards_are_those_made_here_and_are_made_once(control_plane: ControlPlane, tmp_path: Path) -> None:
    control_plane.faults.again = {0}  # its container is preempted when everything is done
    control_plane.faults.conflicts = 2  # others commit to the Volume at the same time
    call = deals(0, 1, 900)
    details = away().run(call, tmp_path / "there")
    assert details == HERE.run(call, tmp_path / "here")
    assert list_folder(tmp_path / "there") == list_folder(tmp_path / "here")
    assert away().run(call, tmp_path / "again") == details
    (app,) = apps(control_plane)
    assert app.state == api_pb2.APP_STATE_STOPPED
    assert app.name.startswith("crystal-forge.generate.")
    assert app.tags == {"project": "crystal-forge", "stage": "generate", "budget": "none"}
    assert not control_plane.running()


def test_a_call_is_cut_into_blocks_and_its_details_put_together(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.remote.executor.block_size_at", lambda place, stage: 2)
    call = deals(0, 1, 2, 3, 4, states=10)
    assert away().run(call, tmp_path / "there") == HERE.run(call, tmp_path / "here")
    assert list_folder(tmp_path / "there") == list_folder(tmp_path / "here")
    assert len(control_plane.inputs()) == 3


def test_no_receipt_is_read_twice(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the slices of a data set that come after its own, nor when what was prepared is brought."""
    monkeypatch.setattr("tasks.remote.executor.block_size_at", lambda place, stage: 1)
    first, second = deals(0, 1, states=10), deals(2, 3, states=10)
    executor = away()
    executor.run(first, tmp_path)
    executor.prepare([second])
    executor.run(second, tmp_path)
    assert not _receipts_read(control_plane), "the answers of the blocks were receipts"
    again = away()
    again.prepare([first, second])
    again.run(first, tmp_path)
    again.run(second, tmp_path)
    assert len(_receipts_read(control_plane)) == len(set(_receipts_read(control_plane))) == 4


def _receipts_read(plane: ControlPlane) -> list[str]:
    return [call.path for call in requests(plane, "VolumeGetFile2") if call.path.endswith(".json")]


def test_deals_that_are_too_large_fail_no_block(control_plane: ControlPlane, tmp_path: Path) -> None:
    call = deals(0, 1, states=10, max_states=6_000_000)
    assert [deal[3] for deal in away().run(call, tmp_path / "there")["deals"]] == ["skipped", "written"]


def test_what_was_damaged_on_the_volume_is_made_again(control_plane: ControlPlane, tmp_path: Path) -> None:
    call = deals(0, states=10)
    away().run(call, tmp_path / "one")
    (receipt,) = (control_plane.volume_root / "crystal-forge" / "generate").glob("*/" + "?" * 24 + ".json")
    for damage in (b"", b'{"block": "x", "files": []}'):
        receipt.write_bytes(damage)
        away().run(call, tmp_path / f"after {len(damage)}")
        assert list_folder(tmp_path / f"after {len(damage)}") == list_folder(tmp_path / "one")
    assert len(apps(control_plane)) == 3


def test_a_receipt_that_names_files_elsewhere_is_not_believed(control_plane: ControlPlane, tmp_path: Path) -> None:
    call = deals(0, states=10)
    away().run(call, tmp_path / "one")
    (receipt,) = (control_plane.volume_root / "crystal-forge" / "generate").glob("*/" + "?" * 24 + ".json")
    receipt.write_text(receipt.read_text().replace("train/seed", "../../seed"))
    away().run(call, tmp_path / "folder" / "two")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["two"]
    assert list_folder(tmp_path / "folder" / "two") == list_folder(tmp_path / "one")


def test_a_gpu_that_the_machine_does_not_have_is_refused_not_replaced(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="On Modal: Got device cuda"):
        away(gpus=("T4", "L4")).run(deals(0), tmp_path)
    (asked,) = requests(control_plane, "FunctionCreate")
    ranked = [each.function.resources for each in asked.function_data.ranked_functions]
    assert [each.gpu_config.gpu_type for each in ranked] == ["T4", "L4"]
    assert not control_plane.running()


def test_a_function_has_hard_limits(control_plane: ControlPlane, tmp_path: Path) -> None:
    away(retries=1, max_containers=3, time_limit=77).run(deals(0, states=10), tmp_path)
    asked = requests(control_plane, "FunctionCreate")[0].function
    assert (asked.resources.milli_cpu, asked.resources.milli_cpu_max) == (4000, 4000)
    assert (asked.resources.memory_mb, asked.resources.memory_mb_max) == (4096, 4096)
    assert (asked.timeout_secs, asked.retry_policy.retries) == (77, 1)
    assert 0 < asked.startup_timeout_secs <= 300
    assert asked.autoscaler_settings.max_containers == 1  # there is one input


def test_a_block_that_always_fails_is_given_up_and_the_others_are_brought(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.remote.executor.block_size_at", lambda place, stage: 1)
    control_plane.faults.fail = {1: 99}
    with pytest.raises(RemoteError, match="Got 1 blocks that failed 2 times"):
        away(retries=1).run(deals(0, 1, 2, states=10), tmp_path)
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    made = len(control_plane.inputs())
    away().run(deals(0, 1, 2, states=10), tmp_path)
    assert len(control_plane.inputs()) == made + 1
    assert len(list(tmp_path.rglob("*.parquet"))) == 3


def test_where_all_blocks_fail_most_are_not_tried(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.remote.executor.block_size_at", lambda place, stage: 1)
    control_plane.faults.fail = dict.fromkeys(range(3), 99)
    control_plane.faults.delay = dict.fromkeys(range(3, 20), 60)
    with pytest.raises(RemoteError, match="Got 3 blocks that failed"):
        away(retries=0).run(deals(*range(20), states=10), tmp_path)
    assert not control_plane.running()


def test_a_container_sees_no_secrets_of_this_machine(control_plane: ControlPlane, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    secret = root / "deployments" / ".env"
    assert not secret.exists(), "the test would overwrite it"
    secret.write_text("MODAL_TOKEN_SECRET=hush")
    hidden = root / "tasks" / ".env"
    hidden.write_text("MODAL_TOKEN_SECRET=hush")
    try:
        away().run(deals(0, states=10), tmp_path)
    finally:
        secret.unlink()
        hidden.unlink()
    names = {file.filename for files in control_plane._cloud.mounts.values() for file in files}
    assert "/root/tasks/registry.py" in names
    assert "/root/forge_core/solver/value_table.cu" in names
    assert not [name for name in names if ".env" in name or "/deployments/" in name or name.endswith(".pyc")]


def test_what_has_no_machine_runs_here(control_plane: ControlPlane, tokens: Path, tmp_path: Path) -> None:
    call = Call(tokenize.STAGE, TokenSettings(), (foreign_source(tokens.parent / "shards"),))
    away().run(call, tmp_path)
    assert list_folder(tmp_path) == list_folder(tokens)
    assert not apps(control_plane)


def test_a_model_is_trained_and_asked(control_plane: ControlPlane, tokens: Path, tmp_path: Path) -> None:
    settings = TrainSettings(epochs=2, batch_size=32, validation_samples=10).quick_check()
    control_plane.faults.die = {0: 1}  # in the middle of it
    call = Call(train.STAGE, settings, (foreign_source(tokens),))
    (tmp_path / "model").mkdir()
    details = away().run(call, tmp_path / "model")
    assert [epoch["epoch"] for epoch in details["history"]] == list(range(settings.epochs))
    assert load(tmp_path / "model").kind == "qvalue"
    left = (control_plane.volume_root / "crystal-forge" / "training").rglob("*")
    assert not [path for path in left if path.is_file()]
    model = foreign_source(tmp_path / "model")
    games = Call(
        generate_eq.STAGE, generate_eq.GamesSettings(expected_q=EqSettings(n_worlds=2), seeds=(0, 1)), (model,)
    )
    assert sorted(away().run(games, tmp_path / "games")["made"]) == [0, 1]
    uploads = [call for call in control_plane.calls if call.name.startswith("VolumePutFiles")]
    away().run(call, tmp_path / "again")
    assert list_folder(tmp_path / "again") == list_folder(tmp_path / "model")
    assert len([call for call in control_plane.calls if call.name.startswith("VolumePutFiles")]) == len(uploads)


@pytest.mark.slow
def test_a_model_is_evaluated_and_exported(
    control_plane: ControlPlane, tokens: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = TrainSettings(epochs=2, batch_size=32, validation_samples=10).quick_check()
    (tmp_path / "model").mkdir()
    HERE.run(Call(train.STAGE, settings, (foreign_source(tokens),)), tmp_path / "model")
    inputs = (foreign_source(tmp_path / "model"), foreign_source(tokens))
    call = Call(evaluate.STAGE, evaluate.EvaluateSettings(split=Split.VAL), inputs)
    for name, executor in (("here", HERE), ("there", away())):
        (tmp_path / name).mkdir()
        executor.run(call, tmp_path / name)
    one, two = ((tmp_path / name / evaluate.EVALUATION).read_text() for name in ("here", "there"))
    number = r"-?\d+\.?\d*(?:e-?\d+)?"
    assert re.sub(number, "", one) == re.sub(number, "", two)
    numbers = [[float(each) for each in re.findall(number, text)] for text in (one, two)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-5, abs=1e-4), "the last bits depend on the number of threads"
    with caplog.at_level(logging.INFO):
        away(gpus=("T4",)).run(Call(export.STAGE, ExportSettings(), inputs), tmp_path / "onnx")
    assert "no GPU is rented" in caplog.text
    report = ExportReport.model_validate_json((tmp_path / "onnx" / REPORT).read_bytes())
    assert all((tmp_path / "onnx" / each.file).exists() for each, parity in report.files.items() if not parity.refused)
