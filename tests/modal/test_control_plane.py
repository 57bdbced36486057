"""The local control plane behaves as Modal's documentation says: the real client, real processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import modal
import pytest
from control_plane import ControlPlane
from modal_broken import app as broken
from modal_example import app, volume


@pytest.fixture(scope="module")
def plane(shared_plane: ControlPlane) -> Iterator[ControlPlane]:
    with pytest.MonkeyPatch.context() as patch:
        for name, text in shared_plane.environment.items():
            patch.setenv(name, text)
        patch.setenv("ONLY_HERE", "1")
        app.deploy()
        yield shared_plane
    shared_plane.reset()


@pytest.fixture
def act(plane: ControlPlane) -> modal.Function:
    """The example's function, called from afar."""
    return modal.Function.from_name("example", "act")


def test_a_function_runs_elsewhere_and_sees_only_what_it_was_given(plane: ControlPlane, act: modal.Function) -> None:
    assert act.remote("pid") != os.getpid()
    seen = act.remote("environment")
    assert seen["EXAMPLE_SECRET"] == "hush"
    assert "ONLY_HERE" not in seen
    assert "MODAL_TOKEN_ID" not in seen
    with pytest.raises(ModuleNotFoundError, match="forge_core"):
        act.remote("import", "forge_core")
    assert act.remote("import", "numpy") == "numpy"


def test_only_what_is_committed_is_on_the_volume(plane: ControlPlane, act: modal.Function) -> None:
    act.remote("commit", "kept.txt")
    act.remote("write", "not yet.txt")
    assert [path.name for path in (plane.volume_root / "example").iterdir()] == ["kept.txt"]
    assert b"".join(volume.read_file("kept.txt")) == b"kept.txt"
    plane.faults.conflicts = 1
    with pytest.raises(RuntimeError, match="conflict"):
        act.remote("commit", "late.txt")


def test_a_file_comes_down_though_the_line_breaks(plane: ControlPlane, tmp_path: Path) -> None:
    data = os.urandom(9_000_000)
    (tmp_path / "up").write_bytes(data)
    with volume.batch_upload(force=True) as batch:
        batch.put_file(tmp_path / "up", "big")
    plane.faults.cut = 2
    assert b"".join(volume.read_file("big")) == data
    assert {entry.path: entry.size for entry in volume.listdir("/")}["big"] == len(data)


def test_big_arguments_and_results_travel_as_blobs(plane: ControlPlane, act: modal.Function) -> None:
    data = os.urandom(3 << 20)
    assert act.remote("echo", data) == data
    assert {"BlobCreate", "BlobGet"} <= {call.name for call in plane.calls}


def test_errors_arrive_as_they_were_if_they_can_be_made_anew(act: modal.Function) -> None:
    with pytest.raises(ValueError, match="of no use"):
        act.remote("fail", "of no use")
    with pytest.raises(modal.exception.ExecutionError, match="Could not deserialize"):
        act.remote("fail unkindly")


def test_an_input_outlives_its_container(plane: ControlPlane, act: modal.Function) -> None:
    plane.faults.die = {len(plane.inputs()): 1}
    before = len(plane.containers())
    assert act.remote("sleep", 0.1) == 0.1
    assert len(plane.containers()) > before


def test_a_failed_attempt_is_retried_as_the_caller_asks(plane: ControlPlane, act: modal.Function) -> None:
    patient = act.with_options(retries=modal.Retries(max_retries=1, initial_delay=0.0))
    number = len(plane.inputs())
    plane.faults.fail = {number: 1, number + 1: 2}
    assert patient.remote("echo", 1) == 1
    with pytest.raises(modal.exception.RemoteError, match="told to fail"):
        patient.remote("echo", 2)


@pytest.mark.parametrize("fault", ["again", "twice"])
def test_a_preempted_input_runs_twice_and_answers_once(plane: ControlPlane, act: modal.Function, fault: str) -> None:
    setattr(plane.faults, fault, {len(plane.inputs())})
    call = act.spawn("append", fault)
    assert call.get() == fault
    plane.wait(lambda running: not running)
    written = [path.read_text() for path in plane.folder.glob(f"containers/*/volumes/example/{fault}")]
    assert len("".join(written).splitlines()) >= 2
    assert call.get() == fault


def test_what_takes_too_long_is_ended(act: modal.Function) -> None:
    with pytest.raises(modal.exception.FunctionTimeoutError):
        act.with_options(timeout=1).remote("sleep", 60)


def test_cancelling_ends_what_runs_and_what_waits(plane: ControlPlane, act: modal.Function) -> None:
    single = act.with_options(max_containers=1)
    calls = [single.spawn("sleep", 60) for _ in range(3)]
    running = plane.wait(lambda running: len(running.inputs) == 1 and len(running.waiting) == 2)
    pids = [container.process.pid for container in running.containers if container.input]
    for call in calls:
        call.cancel(terminate_containers=True)
    plane.wait(lambda running: not running)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(modal.exception.RemoteError, match="cancelled"):
        calls[0].get(timeout=5)
    gentle = single.spawn("sleep", 60)
    plane.wait(lambda running: len(running.inputs) == 1)
    gentle.cancel()  # the container lives on
    plane.wait(lambda running: not running)
    assert single.remote("echo", 1) == 1


def test_the_input_of_a_stopped_container_goes_to_another(plane: ControlPlane, act: modal.Function) -> None:
    call = act.spawn("sleep", 60)
    (busy,) = [one for one in plane.wait(lambda running: bool(running.inputs)).containers if one.input]
    command("container", "stop", busy.id, "--yes")
    running = plane.wait(lambda running: any(one.input and one is not busy for one in running.containers))
    assert busy.exit_code is not None
    assert len(running.inputs) == 1
    call.cancel(terminate_containers=True)


def test_containers_are_as_many_as_allowed(plane: ControlPlane, act: modal.Function) -> None:
    assert list(act.map(["echo"] * 60, range(60))) == list(range(60))
    assert len(plane.running().containers) <= 2


def test_unknown_gpu_is_refused(act: modal.Function) -> None:
    with pytest.raises(modal.exception.InvalidError, match="XYZ"):
        act.with_options(gpu="XYZ").spawn("echo")


def test_wrong_token_is_refused(plane: ControlPlane) -> None:
    with modal.Client.from_credentials("ak-wrong", "as-wrong") as client, pytest.raises(modal.exception.AuthError):
        modal.Function.from_name("example", "act", client=client).hydrate()


def test_module_left_out_of_the_image_fails(plane: ControlPlane) -> None:
    broken.deploy()
    with pytest.raises(ModuleNotFoundError, match="forge_core"):
        modal.Function.from_name("broken", "version").remote()
    assert modal.Function.from_name("broken", "whole").remote() == "forge_core"


def test_another_process_lists_and_stops_what_runs(plane: ControlPlane, act: modal.Function) -> None:
    call = act.spawn("sleep", 60)
    plane.wait(lambda running: bool(running.inputs))
    listed = {row["container_id"] for row in command("container", "list", "--json")}
    assert listed == {container.id for container in plane.running().containers}
    assert "example" in [row["description"] for row in command("app", "list", "--json")]
    command("app", "stop", "example", "--yes")
    plane.wait(lambda running: app.app_id not in [container.app_id for container in running.containers])
    with pytest.raises(modal.exception.RemoteError):
        call.get(timeout=5)
    app.deploy()


def command(*words: str) -> list[dict[str, str]]:
    """What `modal` prints as JSON."""
    answer = subprocess.run([sys.executable, "-m", "modal", *words], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout) if answer.stdout.startswith("[") else []


@pytest.mark.parametrize("gpu", ["T4", None])  # two kinds of Sandboxes, with interfaces of their own
def test_sandboxes_run_commands(plane: ControlPlane, gpu: str | None) -> None:
    where = {
        "app": modal.App.lookup("sandboxes", create_if_missing=True),
        "image": modal.Image.debian_slim(),
        "gpu": gpu,
    }
    told = modal.Sandbox.create("bash", "-c", "echo $WORD; echo oh >&2; exit 3", env={"WORD": "hi"}, **where)
    assert (told.stdout.read(), told.stderr.read()) == ("hi\n", "oh\n")
    told.wait()
    assert told.returncode == 3
    missing = modal.Sandbox.create("no-such-program", **where)
    missing.wait()
    assert missing.returncode == 127
    endless = modal.Sandbox.create("bash", "-c", "setsid sleep 61.75 & wait", tags={"kind": "endless"}, **where)
    (listed,) = modal.Sandbox.list(app_id=where["app"].app_id, tags={"kind": "endless"})
    assert listed.terminate(wait=True) == 137
    assert endless.poll() == 137
    assert not subprocess.run(["pgrep", "-f", "sleep 61.75"], capture_output=True, check=False).stdout
    late = modal.Sandbox.create("sleep", "60", timeout=1, **where)
    started = time.monotonic()
    with pytest.raises(modal.exception.SandboxTimeoutError):
        late.wait()
    assert time.monotonic() - started < 30
