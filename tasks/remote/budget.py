"""What work on Modal may cost: limits under which it cannot cost more than is left, and consent to it."""

import logging
import math
import sys
import time
from dataclasses import dataclass

from rich.console import Console

from configs.modal import Place
from forge_core.errors import BudgetReached, InputError
from tasks.remote.cost import IDLE, STARTUP_LIMIT, Estimate
from tasks.stage import Machine

logger = logging.getLogger(__name__)

HEARTBEAT_LIFE = 60.0
"""Seconds that Modal is taken to need until it stops an App whose program is gone; its documentation names none."""

_LEAST_TIME = 30  # seconds: with less an input has no chance


@dataclass(frozen=True, slots=True)
class Limits:
    """What a Function is declared with, so that it cannot cost more than is left.

    Attributes:
        containers: how many there may be at a time.
        time_limit: seconds that an input may take.
        rate: US dollars a second of one container, with the dearest GPU that may be given.
        seconds: wall time after which everything is stopped; None = there is no budget.
    """

    containers: int
    time_limit: int
    rate: float
    seconds: float | None

    @property
    def at_most(self) -> float | None:
        """US dollars that all containers cost until everything is stopped, and for as long as nobody notices."""
        return None if self.seconds is None else self.containers * self.rate * (self.seconds + HEARTBEAT_LIFE + IDLE)


def limits(place: Place, machine: Machine, rate: float, *, left: float | None, inputs: int) -> Limits:
    """Containers and times such that `containers x time x rate x attempts` is no more than what is left.

    First the number of containers is lowered, then the time limit; the log says so.

    Args:
        place: what was asked for.
        machine: of the stage.
        rate: US dollars a second of one container, with the dearest GPU that may be given.
        left: US dollars; None = there is no budget.
        inputs: how many there are.

    Raises:
        BudgetReached: when not even one container for half a minute can be paid.
    """
    containers, time_limit = min(place.max_containers, inputs), place.time_limit or machine.time_limit
    if left is None:
        return Limits(containers, time_limit, rate, None)
    attempts, overhead = place.retries + 1, STARTUP_LIMIT + IDLE + HEARTBEAT_LIFE
    one = left / rate  # seconds of one container that can be paid
    fitting = min(containers, math.floor(one / (attempts * time_limit + overhead)))
    if fitting < 1:
        fitting, time_limit = 1, math.floor((one - IDLE - HEARTBEAT_LIFE) / attempts)
    if time_limit < _LEAST_TIME:
        raise BudgetReached.of(
            got=f"${left:.4f} left, which pays one container of ${3600 * rate:.2f} an hour for {max(0.0, one):.0f} s",
            expected=f"enough for {attempts} attempts of {_LEAST_TIME} s, and {IDLE + HEARTBEAT_LIFE:.0f} s to end",
            remedy="what was finished is kept: run the same command again with a higher --budget, or fewer --retries",
        )
    if fitting < containers or time_limit < (place.time_limit or machine.time_limit):
        logger.info("%-12s for the budget: %d containers, %d s an input", "modal", fitting, time_limit)
    return Limits(fitting, time_limit, rate, one / fitting - HEARTBEAT_LIFE - IDLE)


class Budget:
    """What a command may spend, for all its stages together.

    Attributes:
        total: US dollars; None = there is no budget.
        spent: US dollars so far: never too low, as every container that there may be is counted from start to end.
    """

    def __init__(self, total: float | None, *, agreed: bool) -> None:
        self.total = total
        self.spent = 0.0
        self._agreed = agreed

    @property
    def left(self) -> float | None:
        """US dollars that may still be spent; None = there is no budget."""
        return None if self.total is None else max(0.0, self.total - self.spent)

    def agree(self, what: str, expected: Estimate) -> None:
        """Tell what work will cost, and ask whether it may start, once a command.

        Raises:
            InputError: without consent, or where nobody can be asked.
        """
        likely = "never measured" if expected.expected is None else f"about ${expected.expected:.2f}"
        hours = "" if expected.hours is None else f" in {60 * expected.hours:.0f} minutes"
        most = f"never above ${self.left:.2f}" if self.left is not None else f"${expected.at_most:.2f} by its limits"
        logger.info("%-12s %s", "modal", what)
        logger.info("%-12s cost: expected %s%s (%s); %s", "modal", likely, hours, expected.source, most)
        if self._agreed:
            return
        console = Console(stderr=True)
        if not (sys.stdin.isatty() and console.is_terminal):
            raise InputError.of(
                got="a run that costs money, and nobody to ask whether it may start",
                expected="consent",
                remedy="pass --yes (in a form of the Prefect UI: `agreed`), and a --budget to be safe",
            )
        if console.input("Start? [y/N] ", markup=False).strip().lower() not in ("y", "yes"):
            raise InputError.of(got="no consent", expected="y", remedy="nothing was started")
        self._agreed = True


class Clock:
    """The wall clock of a run: it goes on while the machine is suspended, as Modal's does."""

    def __init__(self, chosen: Limits) -> None:
        self._limits = chosen
        self._start = time.time()

    @property
    def spent(self) -> float:
        """US dollars, as if every container had run all the time."""
        return (time.time() - self._start + IDLE) * self._limits.containers * self._limits.rate

    def check(self) -> None:
        """Raises BudgetReached when it is time to stop."""
        if self._limits.seconds is not None and time.time() - self._start >= self._limits.seconds:
            raise BudgetReached.of(
                got=f"{time.time() - self._start:.0f} s of {self._limits.containers} containers",
                expected=f"less than the {self._limits.seconds:.0f} s that the budget pays",
                remedy="what was finished is kept: run the same command again with another --budget for the rest",
            )
