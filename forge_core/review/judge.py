"""What every decision of a played hand gave up: with all hands open, and as E[Q] from what the seat saw."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forge_core.expected_q.advise import Advice, advise
from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.oracle import Oracle
from forge_core.expected_q.settings import EqSettings
from forge_core.expected_q.states import states_before
from forge_core.review.played import PlayedHand
from forge_core.rules import domino_name


@dataclass(frozen=True, slots=True)
class Judgement:
    """One decision. Losses are points, 0 or more; None where the hands that they need are unknown.

    Attributes:
        play: 1-28.
        seat: who played.
        domino: what it played.
        choices: how many plays were legal.
        open_best: a best play with all hands open, and
        open_loss: the points that the play gave up against it.
        seen_best: the play with the highest E[Q] from what the seat saw,
        seen_loss: the expected points given up against it, and
        sem: the standard errors of the two means together; they share their worlds, so it is rather too large.
        make_loss: by how much P(make) fell against the play with the highest E[Q] (for the bidder's opponents: rose).
    """

    play: int
    seat: int
    domino: str
    choices: int
    open_best: str | None
    open_loss: float | None
    seen_best: str | None
    seen_loss: float | None
    sem: float | None
    make_loss: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """A played hand and its decisions, those of seats whose hand is unknown left out."""

    hand: PlayedHand
    judgements: tuple[Judgement, ...]

    def as_json(self) -> dict[str, Any]:
        """{"hand": the record, "decisions": [a `Judgement` each], "seats": the sums}."""
        return {
            "hand": self.hand.as_json(),
            "decisions": [asdict(each) for each in self.judgements],
            "seats": self.losses(),
        }

    def losses(self) -> list[dict[str, Any]]:
        """Per seat: its decisions with a choice, and the sums of what they gave up."""
        sums: list[dict[str, Any]] = []
        for seat in sorted({each.seat for each in self.judgements}):
            mine = [each for each in self.judgements if each.seat == seat]
            opened = [each.open_loss for each in mine if each.open_loss is not None]
            row: dict[str, Any] = {"seat": seat, "decisions": sum(each.choices > 1 for each in mine)}
            row["open_loss"] = sum(opened) if opened else None
            row["seen_loss"] = sum(each.seen_loss or 0.0 for each in mine)
            sums.append(row)
        return sums


def review(hand: PlayedHand, oracle: Oracle, *, n_worlds: int = 200) -> Review:
    """Judge every decision of the seats whose hands are known.

    Args:
        hand: what was played.
        oracle: values open deals; the exact solver makes the judgements with open hands exact.
        n_worlds: worlds drawn for what a seat could expect; all are taken where there are at most ten times as many.

    Raises:
        RecordError: no deal fits what a seat saw; it names the play.
    """
    settings = EqSettings(n_worlds=n_worlds, enumerate_up_to=10 * n_worlds, bid=hand.bid)
    judgements = [
        _judge(hand, index, oracle, settings)
        for index in range(len(hand.record.plays))
        if hand.hands[hand.record.seats[index]] is not None
    ]
    return Review(hand, tuple(judgements))


def _judge(hand: PlayedHand, index: int, oracle: Oracle, settings: EqSettings) -> Judgement:
    record, seat = hand.record.prefix(index), hand.record.seats[index]
    held = hand.hands[seat] or ()
    info = InformationSet.of(record, seat, [domino for domino in held if domino not in record.plays])
    domino, choices = hand.record.plays[index], len(info.legal_dominoes())
    opened = _open_values(hand, info, oracle)
    open_best = None if opened is None else max(opened, key=lambda each: (opened[each], each == domino))
    if choices == 1:
        name, opened_loss = domino_name(domino), None if opened is None else 0.0
        return Judgement(index + 1, seat, name, 1, None if opened is None else name, opened_loss, name, 0.0, 0.0, None)
    advice = advise(info, oracle, settings, seed=index)
    plays = {each.domino: each for each in advice.plays}
    chosen, best = plays[domino], _best(advice, domino)
    make = None
    if chosen.p_make is not None and best.p_make is not None:
        make = (best.p_make - chosen.p_make) * (1 if (seat - record.first_leader) % 2 == 0 else -1)
    return Judgement(
        play=index + 1,
        seat=seat,
        domino=domino_name(domino),
        choices=choices,
        open_best=None if open_best is None else domino_name(open_best),
        open_loss=None if opened is None or open_best is None else opened[open_best] - opened[domino],
        seen_best=domino_name(best.domino),
        seen_loss=best.mean - chosen.mean,
        sem=0.0 if best is chosen else float(np.hypot(best.sem, chosen.sem)),
        make_loss=make,
    )


def _best(advice: Advice, played: int) -> Any:
    """The play with the highest E[Q]; among equals the one that was made."""
    return max(advice.plays, key=lambda each: (each.mean, each.domino == played))


def _open_values(hand: PlayedHand, info: InformationSet, oracle: Oracle) -> dict[int, float] | None:
    """Domino -> points to go with all hands open, mover's view; None when a hand is unknown."""
    if (deal := hand.deal) is None:
        return None
    deals = np.array([deal.dominoes], np.uint8)
    q = oracle.q(deals, np.array([info.record.declaration], np.uint8), states_before(deals, info.record))[0]
    return {info.original_hand[slot]: float(q[slot]) for slot in info.legal_slots()}
