"""Checkpoints of a training in a container, while the Volume refuses to take them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks import train
from tasks.remote import container


class Volume:
    """Takes the third checkpoint, and fails at those before it as often as it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.refused = 0
        self.taken = 0

    def commit(self) -> None:
        if self.refused < 2 * (container._COMMITS if isinstance(self.error, RuntimeError) else 1):
            self.refused += 1
            raise self.error
        self.taken += 1


@pytest.mark.parametrize("error", [RuntimeError("a conflict"), ConnectionError("the network is down")])
def test_a_failed_commit_does_not_end_checkpointing(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(container, "_EVERY", 0.0)
    monkeypatch.setattr("tasks.remote.container.time.sleep", lambda _: None)
    volume: Any = Volume(error)
    on_epoch: Callable[[list[Any]], None] = container._context(train.STAGE, tmp_path, volume, gpu=False).on_epoch
    for _ in range(3):
        on_epoch([])
    assert volume.taken == 1
    assert caplog.text.count("a checkpoint could not be kept") == 2
