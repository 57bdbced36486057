import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import psutil
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from safetensors.torch import load_file

from forge_core.errors import EmptySplit, InputError, ModelError, WrongModelType
from forge_core.learn import model as models
from forge_core.learn.averages import decay_at
from forge_core.learn.batches import take
from forge_core.learn.ddp import leader
from forge_core.learn.model import load, read_checkpoint, sound_checkpoint, write_model
from forge_core.learn.network import build_network, count_parameters
from forge_core.learn.plots import Epoch
from forge_core.learn.report import EpochReport
from forge_core.learn.settings import Architecture, ModelConfig, StreamSettings, TrainSettings
from forge_core.learn.train import TrainerConfig, TrainResult, can_grow, first_network, grown, train
from forge_core.shards.generate import write_block
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.dataset import TokenArrays, tokenize
from forge_core.tokens.settings import TokenSettings

Trained = tuple[Path, TrainResult]


def config_of(folder: Path) -> ModelConfig:
    config = load(folder).config
    assert config is not None
    return config


class Killed(Exception):
    pass


class KillAfter(Callback):
    """Ends the run like a power cut: nothing is saved any more."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any, **__: Any) -> None:
        if trainer.global_step == self._steps:
            raise Killed


def _numbers(epochs: tuple[Epoch, ...]) -> list[dict[str, object]]:
    return [epoch.model_dump(exclude={"seconds"}) for epoch in epochs]


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_training_beats_random_play_and_the_untrained_network(trained: Trained) -> None:
    val = trained[1].val
    assert val.model.overall.q_gap < 0.9 * val.random_play.overall.q_gap
    assert val.model.overall.q_gap < 0.9 * val.untrained.overall.q_gap
    trained_mae, untrained_mae = val.model.overall.value_mae, val.untrained.overall.value_mae
    assert trained_mae is not None
    assert untrained_mae is not None
    assert trained_mae < untrained_mae


def test_the_folder_holds_the_run(trained: Trained) -> None:
    folder, result = trained
    names = {path.name for path in folder.iterdir()}
    files = {"model.safetensors", "config.json", "metrics.json", "history.json", "curves.png"}
    assert names == files | {"last.ckpt", "previous.ckpt"}
    history = json.loads((folder / "history.json").read_text())
    assert [row["epoch"] for row in history] == [0, 1, 2, 3]
    assert [row["samples"] for row in history] == [2560, 5120, 7680, 10240]
    assert history[-1]["learning_rate"] < history[0]["learning_rate"]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["model"]["overall"]["q_gap"] == result.val.model.overall.q_gap


def test_the_best_epochs_weights_are_kept(trained: Trained) -> None:
    folder, result = trained
    gaps = [epoch.val.q_gap for epoch in result.epochs]
    assert result.best_epoch == gaps.index(min(gaps))
    assert result.val.model.overall.q_gap == pytest.approx(min(gaps), abs=1e-6)
    assert config_of(folder).best_epoch == result.best_epoch


def test_the_same_seed_gives_the_same_run(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    again = train(tokens, tmp_path, settings)
    assert _numbers(again.epochs) == _numbers(trained[1].epochs)
    assert (tmp_path / "model.safetensors").read_bytes() == (trained[0] / "model.safetensors").read_bytes()


@pytest.mark.parametrize("steps", [1, 20, 27, 41, 60], ids="killed after {} steps".format)
def test_a_killed_run_resumes_as_if_nothing_had_happened(
    steps: int, tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    surroundings = TrainerConfig(callbacks=[KillAfter(steps + 1)], checkpoint_seconds=0)
    with pytest.raises(Killed):
        train(tokens, tmp_path / "killed", settings, surroundings)
    checkpoint = tmp_path / "killed" / "last.ckpt"
    resumed = train(tokens, tmp_path / "resumed", settings, TrainerConfig(resume=checkpoint))
    assert _numbers(resumed.epochs) == _numbers(trained[1].epochs)
    ours, theirs = _weights(tmp_path / "resumed"), _weights(trained[0])
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.fixture(scope="module")
def streaming(settings: TrainSettings) -> TrainSettings:
    stream = StreamSettings(deals_per_block=3, shards=ShardSettings(states_per_deal=300))
    return settings.model_copy(
        update={"source": "stream", "stream": stream, "epochs": 2, "batch_size": 64, "samples_per_epoch": 1280}
    )


def test_a_killed_stream_resumes_as_if_nothing_had_happened(
    tokens: Path, streaming: TrainSettings, tmp_path: Path
) -> None:
    whole = train(tokens, tmp_path / "whole", streaming)
    surroundings = TrainerConfig(callbacks=[KillAfter(28)], checkpoint_seconds=0, solver_threads=2)
    with pytest.raises(Killed):
        train(tokens, tmp_path / "killed", streaming, surroundings)
    resumed = train(tokens, tmp_path / "resumed", streaming, TrainerConfig(resume=tmp_path / "killed" / "last.ckpt"))
    assert _numbers(resumed.epochs) == _numbers(whole.epochs)
    ours, theirs = _weights(tmp_path / "resumed"), _weights(tmp_path / "whole")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_training_can_start_from_another_model(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    still = settings.model_copy(update={"learning_rate": 1e-12, "epochs": 1, "ema_decay": 0.0})
    result = train(tokens, tmp_path, still, initial=trained[0])
    assert result.val.model.overall.q_gap == pytest.approx(trained[1].val.model.overall.q_gap, abs=1e-3)
    config = config_of(tmp_path)
    assert config.initial_digest == load(trained[0]).digest
    assert config.trained_on
    other = still.model_copy(update={"size": "small" if still.size != "small" else "tiny", "network": "transformer"})
    with pytest.raises(WrongModelType, match="to start from"):
        train(tokens, tmp_path / "other", other, initial=trained[0])
    begun = train(tokens, tmp_path / "begun", still, initial=trained[0] / "last.ckpt")
    assert begun.val.model.overall == result.val.model.overall
    with pytest.raises(ModelError, match="another run: other weights to start from"):
        train(tokens, tmp_path / "anew", still, TrainerConfig(resume=tmp_path / "last.ckpt"))


def test_a_checkpoint_of_another_run_is_refused(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    other = settings.model_copy(update={"learning_rate": 1e-4})
    with pytest.raises(ModelError, match=r"learning_rate 0.002 instead of 0.0001"):
        train(tokens, tmp_path / "out", other, TrainerConfig(resume=trained[0] / "last.ckpt"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 truncated"])
def test_what_is_no_checkpoint_is_refused(
    content: bytes, tokens: Path, settings: TrainSettings, tmp_path: Path
) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="no checkpoint of a training run"):
        train(tokens, tmp_path / "out", settings, TrainerConfig(resume=path))
    assert not (tmp_path / "out").exists()


def test_no_changed_byte_of_a_checkpoint_is_believed(trained: Trained, tmp_path: Path) -> None:
    whole, path = (trained[0] / "last.ckpt").read_bytes(), tmp_path / "last.ckpt"
    expected = repr(torch.load(trained[0] / "last.ckpt", weights_only=True))
    refused = 0
    for place in range(7, len(whole), len(whole) // 100):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            read_checkpoint(path)
        except ModelError:
            refused += 1
        else:  # between the records there are bytes that nobody reads
            assert repr(torch.load(path, weights_only=True)) == expected
    assert refused > 80


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 truncated", None], ids=["empty", "cut", "flipped"])
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(
    damage: bytes | None, trained: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray((trained[0] / "last.ckpt").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "last.ckpt").write_bytes(bytes(content) if damage is None else damage)
    shutil.copy(trained[0] / "previous.ckpt", tmp_path)
    assert sound_checkpoint(tmp_path) == tmp_path / "previous.ckpt"
    assert "was set aside" in caplog.text
    (tmp_path / "previous.ckpt").write_bytes(damage or b"")
    assert sound_checkpoint(tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt.damaged", "previous.ckpt.damaged"]


def test_a_run_goes_on_from_the_checkpoint_before_the_last(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    resumed = train(tokens, tmp_path, settings, TrainerConfig(resume=trained[0] / "previous.ckpt"))
    assert _numbers(resumed.epochs) == _numbers(trained[1].epochs)
    assert (tmp_path / "model.safetensors").read_bytes() == (trained[0] / "model.safetensors").read_bytes()


def test_a_run_stops_early_without_progress(tokens: Path, settings: TrainSettings, tmp_path: Path) -> None:
    still = settings.model_copy(update={"learning_rate": 1e-12, "patience": 1, "epochs": 20, "ema_decay": 0.0})
    result = train(tokens, tmp_path, still)
    assert len(result.epochs) == 2
    assert result.best_epoch == 0
    resumed = train(tokens, tmp_path / "resumed", still, TrainerConfig(resume=tmp_path / "last.ckpt"))
    assert resumed.epochs == result.epochs


def test_a_finished_run_resumes_to_its_end(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    resumed = train(tokens, tmp_path, settings, TrainerConfig(resume=trained[0] / "last.ckpt"))
    assert resumed.epochs == trained[1].epochs
    assert (tmp_path / "model.safetensors").read_bytes() == (trained[0] / "model.safetensors").read_bytes()


@pytest.mark.parametrize(("network", "kind"), [("transformer", "qvalue"), ("mlp", "policy")])
def test_every_network_and_kind_passes_the_quick_check(network: str, kind: str, tokens: Path, tmp_path: Path) -> None:
    settings = TrainSettings.model_validate({"network": network, "kind": kind}).quick_check()
    result = train(tokens, tmp_path, settings)
    assert len(result.epochs) == 2
    assert load(tmp_path).kind == kind
    assert (result.val.model.overall.q_mae is None) == (kind == "policy")


def test_epochs_are_told_while_the_run_goes_on(tokens: Path, settings: TrainSettings, tmp_path: Path) -> None:
    told: list[Epoch] = []
    report = EpochReport(lambda epochs: told.append(epochs[-1]))
    result = train(tokens, tmp_path, settings.quick_check(), TrainerConfig(callbacks=[report]))
    assert tuple(told) == result.epochs


def test_the_bar_shows_on_a_terminal(tokens: Path, settings: TrainSettings, tmp_path: Path) -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    train(tokens, tmp_path, settings.quick_check(), TrainerConfig(console=console))
    assert "val q_gap" in screen.getvalue()


def test_nothing_is_said_where_there_is_no_terminal(
    tokens: Path, settings: TrainSettings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(tokens, tmp_path, settings.quick_check())
    assert capfd.readouterr() == ("", "")


def test_a_job_of_slurm_without_srun_is_one_process(
    tokens: Path, settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"JOB_ID": "7", "JOB_NAME": "night", "NTASKS": "4", "NTASKS_PER_NODE": "4", "PROCID": "0", "LOCALID": "0"}
    for name, text in job.items():
        monkeypatch.setenv(f"SLURM_{name}", text)
    assert len(train(tokens, tmp_path, settings.quick_check()).epochs) == 2
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    assert leader() is None


def test_the_averaged_weights_forget_the_first_ones_soon() -> None:
    assert [decay_at(step, 0.9) for step in (0, 1, 8, 10**6)] == [0, 2 / 11, 0.5, 0.9]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["tokens", "stream"])
def test_one_call_trains_on_two_devices(
    source: str, tokens: Path, settings: TrainSettings, streaming: TrainSettings, tmp_path: Path
) -> None:
    asked = settings if source == "tokens" else streaming
    two, before = TrainerConfig(accelerator="cpu", devices=2), dict(os.environ)
    once, again = (train(tokens, tmp_path / name, asked, two) for name in ("once", "again"))
    assert again.epochs[-1].val == once.epochs[-1].val
    alone = train(tokens, tmp_path / "alone", asked, TrainerConfig(accelerator="cpu"))
    for ours, theirs in zip(once.epochs, alone.epochs, strict=True):
        assert (ours.step, ours.samples) == (theirs.step, theirs.samples)
        assert ours.val.q_gap == pytest.approx(theirs.val.q_gap, rel=0.1)
    assert config_of(tmp_path / "once").trained_on == config_of(tmp_path / "alone").trained_on != ""
    assert dict(os.environ) == before


@pytest.mark.slow
def test_a_run_on_two_devices_that_fails_leaves_nobody_behind(
    tokens: Path, settings: TrainSettings, tmp_path: Path
) -> None:
    two = TrainerConfig(accelerator="cpu", devices=2, callbacks=[KillAfter(25)])
    before = set(psutil.Process().children(recursive=True))  # other tests may have left some in this process
    with pytest.raises(Killed):
        train(tokens, tmp_path, settings, two)
    assert set(psutil.Process().children(recursive=True)) <= before
    resumed = train(tokens, tmp_path, settings, replace(two, callbacks=(), resume=tmp_path / "last.ckpt"))
    assert len(resumed.epochs) == settings.epochs


def test_devices_that_are_not_there_are_refused(tokens: Path, settings: TrainSettings, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(InputError, match="2 devices of the kind gpu"):
        train(tokens, tmp_path / "out", settings, TrainerConfig(accelerator="gpu", devices=2))
    assert not (tmp_path / "out").exists()


@pytest.mark.gpu
def test_a_gpu_trains_and_judges_and_is_named(tokens: Path, settings: TrainSettings, tmp_path: Path) -> None:
    asked = settings.model_copy(update={"compile": "off"})
    result = train(tokens, tmp_path, asked, TrainerConfig(accelerator="gpu"))
    assert config_of(tmp_path).trained_on == torch.cuda.get_device_name()
    assert result.val.model.overall.q_gap == pytest.approx(result.epochs[result.best_epoch].val.q_gap, abs=1e-3)


TOGETHER = """
import sys
from pathlib import Path

import torch

from forge_core.learn.settings import TrainSettings
from forge_core.learn.train import TrainerConfig, train

torch.set_num_threads(1)
tokens, output, settings = sys.argv[1:]
surroundings = TrainerConfig(accelerator="cpu", devices=2, strategy="ddp")
train(Path(tokens), Path(output), TrainSettings.model_validate_json(settings), surroundings)
"""


@pytest.mark.slow
def test_processes_that_share_each_batch_learn_the_same(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "together.py").write_text(TOGETHER)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launch, str(tmp_path / "together.py"), str(tokens), str(tmp_path / "out"), settings.model_dump_json()]
    subprocess.run(command, check=True, timeout=300)
    found = json.loads((tmp_path / "out" / "history.json").read_text())
    for ours, theirs in zip(found, trained[1].epochs, strict=True):
        assert (ours["step"], ours["samples"]) == (theirs.step, theirs.samples)
        assert ours["val"]["q_gap"] == pytest.approx(theirs.val.q_gap, rel=0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # within its own compiler
def test_a_compiled_step_learns_the_same(
    tokens: Path, settings: TrainSettings, trained: Trained, tmp_path: Path
) -> None:
    result = train(tokens, tmp_path, settings.model_copy(update={"compile": "on"}))
    for ours, theirs in zip(result.epochs, trained[1].epochs, strict=True):
        assert ours.val.q_gap == pytest.approx(theirs.val.q_gap, rel=0.02)
    assert _weights(tmp_path).keys() == _weights(trained[0]).keys()


def test_a_policy_learns(tokens: Path, settings: TrainSettings, tmp_path: Path) -> None:
    result = train(tokens, tmp_path, settings.model_copy(update={"kind": "policy", "epochs": 8}))
    assert result.epochs[-1].train_loss < 0.8 * result.epochs[0].train_loss
    assert result.val.model.overall.q_gap < 0.95 * result.val.random_play.overall.q_gap


def test_an_empty_split_is_said_before_anything_is_written(settings: TrainSettings, tmp_path: Path) -> None:
    write_block([DealRequest(1, None, 1)], ShardSettings(states_per_deal=50), tmp_path / "shards")
    tokenize([tmp_path / "shards"], tmp_path / "tokens", TokenSettings())
    with pytest.raises(EmptySplit, match="val"):
        train(tmp_path / "tokens", tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


SMALL = Architecture(network="mlp", width=128, layers=2, heads=1, feedforward=128, features="ownership")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"features": "tricks"},
        {"layers": 3},
        {"width": 256, "feedforward": 256},
        {"width": 256, "feedforward": 256, "layers": 4, "features": "tricks"},
    ],
)
def test_a_grown_network_answers_as_before_and_learns_on(
    change: dict[str, object], val_arrays: TokenArrays, tmp_path: Path
) -> None:
    large = Architecture.model_validate(SMALL.model_dump() | change)
    network = build_network(SMALL, "qvalue", 1).eval()
    assert can_grow(SMALL, large)
    wide = grown(network, SMALL, large, "qvalue", 3)
    batch = take(val_arrays, slice(0, 50))
    with torch.inference_mode():
        before, after = network(batch.tokens, batch.mask), wide(batch.tokens, batch.mask)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-3)
    if large.width > SMALL.width:  # two units that are equal part at the first step
        slots, value = wide(batch.tokens, batch.mask)
        (slots.square().mean() + value.square().mean()).backward()
        gradient = dict(wide.named_parameters())["blocks.0.body.1.weight"].grad
        assert gradient is not None
        assert not torch.allclose(gradient[:128], gradient[128:])


@pytest.mark.parametrize(
    "change",
    [{"width": 64, "feedforward": 64}, {"width": 384, "feedforward": 384}, {"layers": 1}, {"feedforward": 256}],
)
def test_what_cannot_be_grown(change: dict[str, object]) -> None:
    assert not can_grow(SMALL, Architecture.model_validate(SMALL.model_dump() | change))


def test_a_run_begins_with_a_smaller_model(tmp_path: Path) -> None:
    settings = TrainSettings.model_validate({"size": "tiny"})
    older = settings.architecture.model_copy(update={"features": "ownership"})
    network = build_network(older, "qvalue", 1)
    config = ModelConfig(
        kind="qvalue",
        architecture=older,
        parameters=count_parameters(network),
        dataset_digest="0",
        best_epoch=0,
        settings=settings,
    )
    write_model(tmp_path, network, config)
    assert count_parameters(first_network(settings, tmp_path)) > count_parameters(network)
    with pytest.raises(WrongModelType, match="half as wide"):
        first_network(settings.model_copy(update={"network": "transformer"}), tmp_path)


@pytest.mark.parametrize("network", ["mlp", "transformer"])
def test_a_policy_begins_as_a_softened_q_value_network(network: str, val_arrays: TokenArrays, tmp_path: Path) -> None:
    settings = TrainSettings.model_validate({"size": "tiny", "network": network})
    q_value = build_network(settings.architecture, "qvalue", 1).eval()
    write_model(tmp_path, q_value, models.config_of(q_value, settings, best_epoch=0, dataset_digest="0"))
    policy = settings.model_copy(update={"kind": "policy", "temperature": 3.0})
    batch = take(val_arrays, slice(0, 50))
    with torch.inference_mode():
        q, value = q_value(batch.tokens, batch.mask)
        logits, same = first_network(policy, tmp_path).eval()(batch.tokens, batch.mask)
    torch.testing.assert_close(logits * 3.0, q, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(same, value)
