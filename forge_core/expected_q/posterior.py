"""How likely each world is, given that the other seats played the way they did.

In a world, the actor of a past play saw (so the model says) the open position and chose by a softmax of its
advantages at temperature tau, or, with probability `mix`, uniformly among its legal plays. A world's weight is the
product of these likelihoods over the last plays of the record. The seat's own plays say nothing about the others'
hands and are left out; so are plays that were forced in that world, whose likelihood is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

from forge_core.errors import ModelError
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.settings import PosteriorSettings
from forge_core.expected_q.states import hands_before, states_before


@dataclass(frozen=True, slots=True)
class ScoredPlay:
    """One past play of another seat, in n worlds.

    slot       which slot of the actor's original hand it was; -1 where the actor does not hold the domino
    legal      the slots that the actor could have played
    contested  the worlds in which the actor had a choice and the play was one of them
    states     the positions it was made in, of the contested worlds only
    """

    slot: Int64[np.ndarray, "n"]
    legal: Bool[np.ndarray, "n 7"]
    contested: Bool[np.ndarray, "n"]
    states: Int64[np.ndarray, "c"]

    def log_likelihood(self, q: Float32[np.ndarray, "c 7"], settings: PosteriorSettings) -> Float64[np.ndarray, "n"]:
        """Log-likelihood of the play in every world, from the actor's Q in the contested ones; -inf if impossible."""
        n_legal = self.legal.sum(axis=1)
        possible = (self.slot >= 0) & np.take_along_axis(self.legal, self.slot[:, None], axis=1)[:, 0]
        answer = np.where(possible, 0.0, -np.inf)
        q64 = np.where(self.legal[self.contested], q, -np.inf).astype(np.float64)
        scaled = np.exp((q64 - q64.max(axis=1, keepdims=True)) / settings.tau)
        chosen = np.take_along_axis(scaled, self.slot[self.contested, None], axis=1)[:, 0] / scaled.sum(axis=1)
        mixed = (1 - settings.mix) * chosen + settings.mix / n_legal[self.contested]
        with np.errstate(divide="ignore"):
            answer[self.contested] = np.log(mixed)
        return answer


@dataclass(frozen=True, slots=True)
class Weights:
    """Normalised weights of worlds and how concentrated they are.

    weights        sum to 1
    ess            effective sample size 1 / sum(w^2), before any mixing
    max_w          the largest weight, before any mixing
    entropy        of the weights, in nats, before any mixing
    low_ess        whether ess was so low that uniform weight was mixed in
    """

    weights: Float64[np.ndarray, "n"]
    ess: float
    max_w: float
    entropy: float
    low_ess: bool


def scored_plays(
    info: InformationSet, deals: UInt8[np.ndarray, "n 28"], settings: PosteriorSettings
) -> Iterator[ScoredPlay]:
    """The plays of the other seats among the last `settings.window` of the record, the newest first."""
    record = info.record
    for index in reversed(range(max(0, len(record.plays) - settings.window), len(record.plays))):
        seat = record.seats[index]
        if seat == info.seat:
            continue
        hand, legal = hands_before(deals, record, index, seat)
        is_it = hand == record.plays[index]
        slot = np.where(is_it.any(axis=1), is_it.argmax(axis=1), -1)
        contested = (is_it & legal).any(axis=1) & (legal.sum(axis=1) > 1)
        yield ScoredPlay(slot, legal, contested, states_before(deals[contested], record, index))


def uniform_weights(n: int) -> Weights:
    """Equal weights of n worlds."""
    return Weights(np.full(n, 1.0 / n), float(n), 1.0 / n, float(np.log(n)), low_ess=False)


def posterior_weights(log_likelihood: Float64[np.ndarray, "n"], settings: PosteriorSettings, *, exact: bool) -> Weights:
    """Weights proportional to the likelihoods, clipped from below; -inf gives weight 0.

    When the worlds are a sample (not `exact`) and their effective size is under `settings.min_ess`, just so much
    uniform weight over the possible worlds is mixed in that it comes up to it. All the worlds there are need no such
    help: their weights are the posterior, however concentrated. ModelError when no world is possible.
    """
    possible = np.isfinite(log_likelihood)
    n_possible = int(possible.sum())
    if n_possible == 0:
        raise ModelError.of(
            got="values under which no world could have produced the plays",
            expected="a finite likelihood in at least one world",
            remedy="check the oracle's values, or mix in uniform play",
        )
    log_w = np.where(possible, log_likelihood - log_likelihood[possible].max(), -np.inf)
    raw = np.where(possible, np.exp(np.maximum(log_w, -settings.log_clip)), 0.0)
    weights = raw / raw.sum()
    concentration = float((weights**2).sum())
    positive = weights[weights > 0]
    entropy = max(0.0, -float((positive * np.log(positive)).sum()))
    target = min(settings.min_ess, float(n_possible))
    low = not exact and concentration * target > 1.0 + 1e-9
    mixed = weights
    if low:
        keep = np.sqrt((1 / target - 1 / n_possible) / (concentration - 1 / n_possible))
        mixed = keep * weights + (1 - keep) * possible / n_possible
    return Weights(mixed, 1.0 / concentration, float(weights.max()), entropy, low)
