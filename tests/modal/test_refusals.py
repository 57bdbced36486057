"""What cannot be done on Modal is said in a sentence, within seconds, before anything starts."""

import socket
import time
from pathlib import Path

import pytest
from control_plane import ControlPlane
from test_executor import away, deals

from configs.modal import Place
from flows.cli.modal_options import place_of
from flows.modal_checks import modal_checks
from forge_core.errors import BudgetReached, InputError, RemoteError
from tasks.remote import connection


def test_a_server_that_is_not_there_is_told_within_five_seconds(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODAL_SERVER_URL", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(RemoteError, match=r"no connection to Modal at http://127.0.0.1:9 \(Connection refused\)"):
        away().run(deals(0), tmp_path)
    assert time.monotonic() - start < 5


def test_a_server_that_does_not_answer_is_told_within_five_seconds(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:  # its queue is full: the kernel answers no more connections
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        monkeypatch.setenv("MODAL_SERVER_URL", f"http://127.0.0.1:{port}")
        start = time.monotonic()
        with pytest.raises(RemoteError, match="no connection to Modal"):
            connection.check_reachable()
        assert time.monotonic() - start < 5
        for one in waiting:
            one.close()


def test_no_token(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODAL_TOKEN_SECRET")
    with pytest.raises(RemoteError, match=r"Got no Modal token.*modal token new"):
        away().run(deals(0), tmp_path)


def test_nobody_to_ask(control_plane: ControlPlane, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nobody to ask.*--yes"):
        away(agreed=False).run(deals(0), tmp_path)
    assert not [call for call in control_plane.calls if call.name == "AppCreate"]


def test_a_budget_that_pays_for_nothing(control_plane: ControlPlane, tmp_path: Path) -> None:
    with pytest.raises(BudgetReached, match="higher --budget"):
        away(budget=0.0001).run(deals(0), tmp_path)
    assert not [call for call in control_plane.calls if call.name == "AppCreate"]


@pytest.mark.parametrize("text", ["modal:H900", "modal:t4,nvidia", "moon", "modal-T4"])
def test_a_place_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(InputError, match=r"one of T4, L4|modal or modal:GPU"):
        Place.parse(text)


def test_every_limit_can_be_typed() -> None:
    typed = place_of(on="modal:T4", budget=2.0, max_containers=3, time_limit=60, retries=0, yes=True)
    assert typed == Place(gpus=("T4",), budget=2.0, max_containers=3, time_limit=60, retries=0, agreed=True)
    with pytest.raises(InputError, match="--retries or --yes without --on"):
        place_of(on=None, budget=None, max_containers=None, time_limit=None, retries=0, yes=False)


def test_the_doctor_says_what_is_missing_on_modal(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    def faults() -> dict[str, str]:
        return {check.name: check.remedy for check in modal_checks() if not check.sound}

    assert faults() == {}
    monkeypatch.setenv("MODAL_TOKEN_SECRET", "as-other")
    monkeypatch.setattr("modal.client._Client._client_from_env", None)
    assert "a token that Modal does not take" in faults()["modal server"]
    monkeypatch.setenv("MODAL_SERVER_URL", "http://127.0.0.1:9")
    assert "Check the network" in faults()["modal server"]
    monkeypatch.delenv("MODAL_TOKEN_ID")
    assert faults() == {}
