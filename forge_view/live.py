"""What the page of a run shows while its work goes on.

Prefect is imported by what runs in it, not by this module: commands that need no Prefect show progress, too.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.artifacts import Artifact, ProgressArtifact

logger = logging.getLogger(__name__)

_SHARE = 0.05
_LONG = 10  # seconds; what takes less needs no bar


class Interval:
    """Says when it is time again: at once, and then whenever so many seconds have passed."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether it is time; the next time begins now."""
        if (now := time.monotonic()) < self._next:
            return False
        self._next = now + self._seconds
        return True


class Live:
    """An artifact that is shown anew as the work goes on, for at most a twentieth of the time.

    What Prefect cannot record is logged, once; the work goes on. Outside a run nothing is shown.
    """

    def __init__(self, draw: "Callable[[], Artifact]", *, after: float = 0, every: float = 5) -> None:
        """An artifact of the run that is under way.

        Args:
            draw: makes the artifact, anew for every showing.
            after: seconds from now until it is shown at all.
            every: seconds between two showings, at least.
        """
        self._draw = draw
        self._every = every
        self._next = time.monotonic() + after if _in_run() else float("inf")
        self._id: UUID | None = None
        self._failed = False

    def show(self, *, last: bool = False) -> None:
        """Show it if it is time; at the end, what is shown is brought up to date in any case."""
        start = time.monotonic()
        if start < self._next and not (last and self._id is not None):
            return
        from httpx import HTTPError
        from prefect.exceptions import PrefectException

        try:
            self._record(self._draw())
        except (HTTPError, PrefectException) as error:
            if not self._failed:
                logger.warning("Prefect did not record how far this is: %s", error)
            self._failed = True
        end = time.monotonic()
        self._next = end + max(self._every, (end - start) / _SHARE)

    def _record(self, artifact: "Artifact") -> None:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import ArtifactUpdate

        if self._id is None:
            self._id = cast(Any, artifact).create(_sync=True).id
        else:
            data = cast(Any, artifact).format(_sync=True)
            update = ArtifactUpdate(data=data, description=artifact.description)
            get_client(sync_client=True).update_artifact(self._id, update)


class LiveBar(Live):
    """How far a piece of work is, from 0 to `total` steps; shown if it takes long."""

    def __init__(self, description: str, total: int) -> None:
        super().__init__(self._bar, after=_LONG)
        self._description = description
        self._total = total
        self._done = 0
        self._rates = ""

    def advance(self, steps: int, rates: str = "") -> None:
        """Count steps that were done."""
        self._done += steps
        self._rates = rates
        self.show()

    def _bar(self) -> "ProgressArtifact":
        from prefect.artifacts import ProgressArtifact

        words = f"{self._description}: {self._done:,} of {self._total:,}"
        share = 100 * min(1.0, self._done / self._total)
        return ProgressArtifact(key="progress", description=f"{words}, {self._rates}".rstrip(", "), progress=share)


def _in_run() -> bool:
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext, TaskRunContext

    return FlowRunContext.get() is not None or TaskRunContext.get() is not None
