"""A game as a person wants to see it, decision by decision: plain values for the terminal and for the page.

Every domino is a name here ("6-4"), every number a Python number, and nothing is left to compute.
"""

from dataclasses import dataclass

import numpy as np

from forge_core.errors import DamagedFile
from forge_core.expected_q.choice import ChoiceMode
from forge_core.expected_q.games import Game
from forge_core.expected_q.record import Record, suit_name
from forge_core.rules import SEATS, Position, domino_name, next_seat, opening, team
from forge_core.rules.tables import SUITS


@dataclass(frozen=True, slots=True)
class Option:
    """A slot of the mover's original hand.

    mean, sem, spread   E[Q], its standard error and the standard deviation of Q, points, mover's view; None = illegal
    p_make              probability that seat 0's team makes the bid; None without one
    """

    domino: str
    held: bool
    chosen: bool
    mean: float | None
    sem: float | None
    spread: float | None
    p_make: float | None


@dataclass(frozen=True, slots=True)
class ShownTrick:
    """A trick, whole or not.

    dominoes   in the order of play
    winner     the seat that won it, with `points`; None while it is not whole
    """

    leader: int
    dominoes: tuple[str, ...]
    winner: int | None
    points: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One decision: the table before it, what the mover thought, what it did.

    play      0-27
    mover     the seat to play
    score     points won before by (team 0, team 1)
    hands     per seat the dominoes of its original hand that it still holds
    tricks    the tricks so far, the present one last
    voids     per seat the names of the suits it is known not to hold
    options   the mover's seven slots
    """

    play: int
    mover: int
    score: tuple[int, int]
    hands: tuple[tuple[str, ...], ...]
    tricks: tuple[ShownTrick, ...]
    voids: tuple[tuple[str, ...], ...]
    options: tuple[Option, ...]
    n_worlds: int
    n_samples: int
    exact: bool
    converged: bool
    ess: float
    low_ess: bool
    mode: str
    q_gap: float
    outcome: int


def frames(game: Game) -> list[Frame]:
    """The 28 decisions, replayed by the rules. DamagedFile when the game breaks them."""
    position, record = opening(game.deal, game.declaration), Record(game.declaration)
    tricks = [ShownTrick(0, (), None, 0)]
    answer: list[Frame] = []
    for play, domino in enumerate(game.plays):
        slot = int(game.columns["action_taken"][play])
        if slot not in position.legal_slots() or position.domino(position.mover, slot) != domino:
            raise DamagedFile.of(
                got=f"seed {game.seed} with play {play + 1}, {domino_name(domino)} from slot {slot}",
                expected=f"a legal play of seat {position.mover}",
                remedy="delete the file and generate this seed again",
            )
        answer.append(_frame(game, play, position, record, tricks))
        after, record = position.play(slot), record.then(domino)
        tricks[-1] = _extended(tricks[-1], domino, position, after)
        if not after.trick:
            tricks.append(ShownTrick(after.leader, (), None, 0))
        position = after
    return answer


def _frame(game: Game, play: int, position: Position, record: Record, tricks: list[ShownTrick]) -> Frame:
    columns = {name: array[play] for name, array in game.columns.items()}
    return Frame(
        play=play,
        mover=position.mover,
        score=position.won,
        hands=tuple(tuple(domino_name(position.domino(s, i)) for i in _held(position, s)) for s in SEATS),
        tricks=tuple(trick for trick in tricks if trick.dominoes),
        voids=tuple(tuple(suit_name(suit) for suit in SUITS if record.voids[s] >> suit & 1) for s in SEATS),
        options=tuple(_option(columns, position, slot) for slot in range(7)),
        n_worlds=int(columns["n_worlds"]),
        n_samples=int(columns["n_samples"]),
        exact=bool(columns["exact"]),
        converged=bool(columns["converged"]),
        ess=float(columns["ess"]),
        low_ess=bool(columns["low_ess"]),
        mode=ChoiceMode(int(columns["exploration_mode"])).name.lower(),
        q_gap=float(columns["q_gap"]),
        outcome=int(columns["outcome"]),
    )


def _held(position: Position, seat: int) -> list[int]:
    return [slot for slot in range(7) if position.held[seat] >> slot & 1]


def _option(columns: dict[str, np.ndarray], position: Position, slot: int) -> Option:
    legal = bool(columns["legal_mask"][slot])

    def number(name: str) -> float | None:
        value = float(columns[name][slot])
        return value if legal and np.isfinite(value) else None

    variance = number("e_q_var")
    return Option(
        domino=domino_name(position.domino(position.mover, slot)),
        held=slot in _held(position, position.mover),
        chosen=slot == int(columns["action_taken"]),
        mean=number("e_q_mean"),
        sem=number("e_q_sem"),
        spread=None if variance is None else float(np.sqrt(variance)),
        p_make=number("p_make"),
    )


def _extended(trick: ShownTrick, domino: int, before: Position, after: Position) -> ShownTrick:
    dominoes = (*trick.dominoes, domino_name(domino))
    if after.trick:
        return ShownTrick(trick.leader, dominoes, None, 0)
    side = team(after.leader)
    return ShownTrick(trick.leader, dominoes, after.leader, after.won[side] - before.won[side])


def player_of(trick: ShownTrick, place: int) -> int:
    """The seat that played the domino at a place of a trick."""
    return next_seat(trick.leader, place)
