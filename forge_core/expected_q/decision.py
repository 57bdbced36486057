"""One decision by perfect information Monte Carlo (PIMC): draw worlds, ask the oracle about them, weigh them, average.

A decision never calls the oracle. It is a generator that yields the positions it wants valued and is sent their
values, so that whoever drives it can put the requests of many games into one call.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from forge_core.errors import ModelError
from forge_core.expected_q.estimate import Estimate, estimate, final_points
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import AnyOracle, EvaluationRequest, HiddenHandsOracle
from forge_core.expected_q.posterior import Weights, posterior_weights, scored_plays, uniform_weights
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.states import states_before
from forge_core.expected_q.worlds import Worlds

MOST_ROWS = 1 << 14
"""Rows of an oracle call: enough for every core or a GPU, few enough for a large network's activations."""

T = TypeVar("T")
OracleCoroutine: TypeAlias = Generator[EvaluationRequest, Float32[np.ndarray, "n 7"], T]
"""A computation that asks an oracle: yields requests, is sent the mover's Q of each row, returns a T."""


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a decision's plays are worth and how that was found.

    estimate    per slot of the mover's original hand
    weights     of the worlds evaluated
    n_worlds    the number of consistent worlds
    n_samples   the number evaluated
    exact       whether these are all of them
    converged   whether the largest SEM over the legal plays is at most the settings' threshold
    """

    estimate: Estimate
    weights: Weights
    n_worlds: int
    n_samples: int
    exact: bool
    converged: bool


def value_plays(info: InformationSet, settings: EqSettings, rng: np.random.Generator) -> OracleCoroutine[Valuation]:
    """Value the legal plays of an information set; `rng` draws the worlds unless all of them are taken.

    RecordError when no world is consistent with it.
    """
    worlds = Worlds.of(info)
    exact = worlds.count <= settings.enumerate_up_to
    if exact:
        q, scores = yield from _request_values(info, worlds.enumerate(settings.enumerate_up_to), settings)
        return _value(info, settings, worlds, q, scores)
    adaptive = settings.adaptive
    batch, most = settings.n_worlds, settings.n_worlds
    if adaptive.enabled:
        batch, most = adaptive.min_samples, adaptive.max_samples
    q, scores = yield from _request_values(info, worlds.draw(batch, rng), settings)
    valuation = _value(info, settings, worlds, q, scores)
    while not valuation.converged and len(q) < most:
        more = min(adaptive.batch_samples, most - len(q))
        new_q, new_scores = yield from _request_values(info, worlds.draw(more, rng), settings)
        q, scores = np.concatenate([q, new_q]), np.concatenate([scores, new_scores])
        valuation = _value(info, settings, worlds, q, scores)
    return valuation


def run_coroutine(coroutine: OracleCoroutine[T], oracle: AnyOracle) -> T:
    """Run one computation, putting each of its requests to the oracle as it comes."""
    try:
        request = next(coroutine)
        while True:
            request = coroutine.send(evaluate([request], oracle)[0])
    except StopIteration as done:
        return done.value


def evaluate(requests: list[EvaluationRequest], oracle: AnyOracle) -> list[Float32[np.ndarray, "n 7"]]:
    """Put several requests to the oracle at once, `MOST_ROWS` rows a call; the answer to each."""
    if isinstance(oracle, HiddenHandsOracle):
        return oracle.values(requests)
    sizes = [len(request.states) for request in requests]
    deals = np.concatenate([request.deals for request in requests])
    declarations = np.repeat(np.array([request.declaration for request in requests], np.uint8), sizes)
    states = np.concatenate([request.states for request in requests])
    calls = [slice(start, start + MOST_ROWS) for start in range(0, len(states), MOST_ROWS)]
    q = np.concatenate([oracle.q(deals[rows], declarations[rows], states[rows]) for rows in calls])
    return np.split(q, np.cumsum(sizes)[:-1])


def _request_values(
    info: InformationSet, deals: UInt8[np.ndarray, "n 28"], settings: EqSettings
) -> OracleCoroutine[tuple[Float32[np.ndarray, "n 7"], Float64[np.ndarray, "n"]]]:
    """The mover's Q in these worlds, and the log-likelihood there of the others' last plays; one request in all."""
    scored = list(scored_plays(info, deals, settings.posterior)) if settings.posterior.enabled else []
    world = np.concatenate([np.arange(len(deals)), *(np.flatnonzero(play.contested) for play in scored)])
    states = np.concatenate([states_before(deals, info.record), *(play.states for play in scored)])
    # rows of one world side by side, the latest position first: a search remembers what it learns about a deal
    order = np.argsort(world, kind="stable")
    q = np.empty((len(world), 7), np.float32)
    q[order] = yield EvaluationRequest(deals[world[order]], info.record.declaration, states[order], info)
    mine, *theirs = np.split(q, np.cumsum([len(deals), *(len(play.states) for play in scored)])[:-1])
    log_likelihood = np.zeros(len(deals))
    for play, answers in zip(scored, theirs, strict=True):
        log_likelihood += play.log_likelihood(answers, settings.posterior)
    return mine, log_likelihood


def _value(
    info: InformationSet,
    settings: EqSettings,
    worlds: Worlds,
    q: Float32[np.ndarray, "n 7"],
    log_likelihood: Float64[np.ndarray, "n"],
) -> Valuation:
    exact = worlds.count <= settings.enumerate_up_to
    weights = (
        posterior_weights(log_likelihood, settings.posterior, exact=exact)
        if settings.posterior.enabled
        else uniform_weights(len(q))
    )
    final = final_points(q, info.record, info.seat)
    values = estimate(q, weights.weights, final=final, bid=settings.bid, exact=exact)
    _check_legal(info, values)
    converged = bool(np.nanmax(values.sem) <= settings.adaptive.sem_threshold)
    return Valuation(values, weights, worlds.count, len(q), exact, converged)


def _check_legal(info: InformationSet, values: Estimate) -> None:
    """An oracle that disagrees about the rules or the slots must not go unnoticed."""
    valued, legal = tuple(values.legal.nonzero()[0].tolist()), info.legal_slots()
    if valued != legal:
        raise ModelError.of(
            got=f"values for the slots {valued} of seat {info.seat}",
            expected=f"values for its legal slots {legal} and NaN for the others, in every world",
            remedy="check that the oracle reads states as forge_core.solver.state writes them",
        )
