"""The executor of this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.stage import Call, Context, Details


class Here:
    """Runs calls in this process."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def context(self) -> Context:
        """See `Executor`."""
        return self._context

    @property
    def breadth(self) -> int:
        """See `Executor`."""
        return 1

    def prepare(self, calls: Sequence[Call[Any]]) -> None:
        """See `Executor`; there is nothing to prepare."""

    def run(self, call: Call[Any], folder: Path, context: Context | None = None) -> Details:
        """See `Executor`."""
        return call.run(context or self._context, folder)
