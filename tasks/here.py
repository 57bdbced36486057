"""The executor of this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.stage import Call, Context, Details


class Here:
    """Runs calls in this process."""

    breadth = 1

    def __init__(self, context: Context) -> None:
        self.context = context

    def prepare(self, calls: Sequence[Call[Any]]) -> None:
        """See `Executor`; there is nothing to prepare."""

    def run(self, call: Call[Any], folder: Path, context: Context | None = None) -> Details:
        """See `Executor`."""
        return call.run(context or self.context, folder)
