"""Which states of a deal are sampled: one strategy, or a weighted mixture of them, written as text.

    uniform    every reachable state is as likely as any other (four in five have few plays left)
    by_depth   the same number of states at every number of plays left, as far as there are so many
    played     states met in games between players who know every value but play any legal slot now and then

A mixture is written "uniform=2,played=1": two thirds of the states uniformly, one third from played games.
"""

from enum import StrEnum

from forge_core.errors import InputError


class Strategy(StrEnum):
    """One way of choosing states."""

    UNIFORM = "uniform"
    BY_DEPTH = "by_depth"
    PLAYED = "played"


def parse_mixture(text: str) -> dict[Strategy, float]:
    """The strategies that a text names and their weights (above 0), in the order of `Strategy`; else InputError."""
    weights: dict[Strategy, float] = {}
    for part in text.replace("-", "_").split(","):
        name, _, weight = part.strip().partition("=")
        try:
            strategy, share = Strategy(name.strip()), float(weight or "1")
        except ValueError:
            raise _not_a_mixture(text) from None
        if strategy in weights or not 0 < share < float("inf"):
            raise _not_a_mixture(text)
        weights[strategy] = share
    return {strategy: weights[strategy] for strategy in Strategy if strategy in weights}


def mixture_text(text: str) -> str:
    """The canonical way of writing a mixture, so that equal ones are equal text; InputError when it is none."""
    weights = parse_mixture(text)
    if len(weights) == 1:
        return next(iter(weights)).value
    return ",".join(f"{strategy.value}={share:g}" for strategy, share in weights.items())


def _not_a_mixture(text: str) -> InputError:
    return InputError.of(
        got=f"the sampling strategy {text!r}",
        expected=f"one of {', '.join(Strategy)}, or several once each with weights above 0, as in 'uniform=2,played=1'",
        remedy="choose one of these",
    )
