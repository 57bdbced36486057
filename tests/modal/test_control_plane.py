"""The local control plane behaves as Modal's documentation says: the real client, real processes."""

import modal
from control_plane import ControlPlane
from modal_example import app


def test_a_function_runs_in_a_process_of_its_own(control_plane: ControlPlane) -> None:
    app.deploy()
    square = modal.Function.from_name("example", "square")
    assert square.remote(3) == 9
    assert (control_plane.volume_root / "example" / "3.txt").read_text() == "9"
