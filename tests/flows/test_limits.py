"""What only one run may use at a time."""

import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("home")


def test_a_gpu_is_one_runs_at_a_time_and_is_given_back_after_a_failure(log: pytest.LogCaptureFixture) -> None:
    from tasks.limits import one_gpu

    present, most, done = 0, 0, []

    def use() -> None:
        nonlocal present, most
        with one_gpu(), one_gpu():
            present += 1
            most = max(most, present)
            time.sleep(7)  # longer than what is waited for without a word
            present -= 1
            done.append(time.monotonic())

    with pytest.raises(TimeoutError, match="own failure"), one_gpu():
        raise TimeoutError("the run's own failure")
    runs = [threading.Thread(target=use) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert most == 1
    assert len(done) == 2
    assert "which another run has" in log.text


def test_what_a_person_types_does_not_wait_for_the_writer_of_a_data_set(tmp_path: Path) -> None:
    from tasks.limits import one_writer

    with one_writer(tmp_path), one_writer(tmp_path):
        pass
