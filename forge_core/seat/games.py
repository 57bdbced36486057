"""Samples for a seat network: deals that the network plays as it then is, every decision labelled.

Early in a deal, where a search is dear, a label is what comes of a play in the one true deal. A network that learns the
chances of such labels learns their mean over the deals that lead to what the seat has seen, when all play as those
games were played. Late, where a search is cheap, the mean over many worlds has less noise.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int8, Int64, UInt8

from forge_core.expected_q.record import N_PLAYS
from forge_core.players.contracts import Contracts, Table
from forge_core.players.decisions import Decisions
from forge_core.players.simple import HighestPlayer, pick
from forge_core.players.streams import Purpose, derived_keys, uniform
from forge_core.players.trumps import best_pip
from forge_core.players.worlds import draw_worlds, known_worlds
from forge_core.rules import deal_from_seed
from forge_core.seat.encode import CANONICAL, N_BINS, N_DOMINOES, N_PLANES, UNSEEN, encode
from forge_core.seat.model import SeatModel
from forge_core.seat.rollouts import best_plays, each_legal, exact_points, play_on
from forge_core.seat.settings import SeatSettings


@dataclass(frozen=True, slots=True)
class Samples:
    """n labelled information sets.

    inputs, slots   see `encode.Inputs`
    legal           the slots that may be played
    points          per slot the chances of the points, 0-42, that the bidding team still wins after that play
    needed          the points that the bidding team needs
    holders         per canonical domino the relative seat 1-3 that holds it; 0 = the mover, or it was played
    """

    inputs: Float32[np.ndarray, "n 711"]
    slots: Int64[np.ndarray, "n 7"]
    legal: Bool[np.ndarray, "n 7"]
    points: Float16[np.ndarray, "n 7 43"]
    needed: Int64[np.ndarray, "n"]
    holders: Int8[np.ndarray, "n 28"]

    def __len__(self) -> int:
        return len(self.needed)

    def of(self, rows: Int64[np.ndarray, "k"]) -> "Samples":
        """Some of them."""
        return Samples(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def joined(cls, parts: list["Samples"]) -> "Samples":
        """All of them, in order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def contracts_of(seeds: list[int], settings: SeatSettings) -> Contracts:
    """The contracts of these deals, seat 0 declaring: which trumps and which bid follows from the seed."""
    numbers = np.array(seeds, np.int64)
    deals = np.array([deal_from_seed(seed).dominoes for seed in seeds], np.uint8)
    draws = [uniform(derived_keys(numbers.astype(np.uint64), part)) for part in range(3)]
    pips = np.array([best_pip(hand) for hand in deals[:, :7].tolist()], np.uint8)
    declared = np.where(draws[0] < settings.best_pip_share, pips, numbers % 10).astype(np.uint8)
    bids = np.where(draws[1] < settings.thirty_share, 30, 31 + draws[2] * 12).astype(np.uint8)
    return Contracts(deals, declared, np.zeros(len(seeds), np.uint8), bids, numbers)


def played_games(model: SeatModel, settings: SeatSettings, seeds: list[int], *, threads: int) -> Samples:
    """Play these deals by the network, with some random plays, and label every decision between several plays."""
    contracts = contracts_of(seeds, settings)
    table, rows, parts = Table.of(contracts), np.arange(len(contracts)), list[Samples]()
    for ply in range(N_PLAYS):
        decisions = table.decisions(rows, ply)
        free = decisions.free()
        if ply == 0:
            keys = derived_keys(decisions.keys[free], int(Purpose.OPENINGS))
            free = free[uniform(keys) < settings.opening_share]
        if len(free):
            parts.append(_labelled(model, settings, decisions.of(free), contracts.deals[free], threads))
        dominoes = _explored(decisions, best_plays(model, decisions), settings.exploration)
        table.put(rows, ply, dominoes, decisions, "seat")
    return Samples.joined(parts)


def _labelled(
    model: SeatModel, settings: SeatSettings, decisions: Decisions, deals: UInt8[np.ndarray, "n 28"], threads: int
) -> Samples:
    n_worlds = settings.worlds[decisions.ply // 4]
    if n_worlds == 1:
        worlds = known_worlds(decisions, deals)
    else:
        worlds = draw_worlds(decisions, derived_keys(decisions.keys, int(Purpose.WORLDS)), n_worlds, n_worlds)
    of_worlds = decisions.of(worlds.row)
    world, slot, dominoes = each_legal(of_worlds)
    if decisions.ply // 4 < settings.playout_tricks:
        points = play_on(model, of_worlds.of(world), worlds.deals[world], dominoes, threads=threads)
    else:
        points = exact_points(of_worlds, worlds.deals, threads=threads)[world, slot]
    chances = np.zeros((len(decisions), 7, N_BINS), np.float32)
    np.add.at(chances, (worlds.row[world], slot, points), (1 / np.diff(worlds.starts))[worlds.row[world]])
    return _samples(decisions, deals, chances)


def _samples(decisions: Decisions, deals: UInt8[np.ndarray, "n 28"], chances: Float32[np.ndarray, "n 7 43"]) -> Samples:
    asked = encode(decisions)
    holders = np.zeros((len(decisions), 28), np.int8)
    for place in range(28):
        held_by = (place // 7 - decisions.seats.astype(np.int64)) & 3
        holders[np.arange(len(holders)), CANONICAL[decisions.declarations, deals[:, place]]] = held_by
    planes = asked.inputs[:, : N_DOMINOES * N_PLANES].reshape(-1, N_DOMINOES, N_PLANES)
    holders[planes[:, :, UNSEEN] == 0] = 0
    needed = np.maximum(0, decisions.needed()).astype(np.int64)
    return Samples(asked.inputs, asked.slots, asked.legal, chances.astype(np.float16), needed, holders)


def _explored(decisions: Decisions, dominoes: Int8[np.ndarray, "n"], share: float) -> Int8[np.ndarray, "n"]:
    """The plays, a share of them replaced by random ones."""
    keys = derived_keys(decisions.keys, int(Purpose.EXPLORATION))
    legal = decisions.legal()[:, None] >> np.arange(28) & 1 == 1
    drawn = pick(legal, uniform(derived_keys(keys, 1)))
    return np.where(uniform(keys) < share, drawn, dominoes)


def validation_games(settings: SeatSettings, seeds: list[int], *, threads: int) -> Samples:
    """Decisions of these deals, played by rank with random plays, with exact labels: the same for every network."""
    contracts = contracts_of(seeds, settings)
    table, rows, parts, player = Table.of(contracts), np.arange(len(contracts)), list[Samples](), HighestPlayer()
    for ply in range(N_PLAYS):
        decisions = table.decisions(rows, ply)
        free = decisions.free()
        if len(free):
            asked, deals = decisions.of(free), contracts.deals[free]
            points = exact_points(asked, deals, threads=threads)
            parts.append(_samples(asked, deals, np.eye(N_BINS, dtype=np.float32)[points] * (points >= 0)[:, :, None]))
        dominoes = player.play(decisions)
        table.put(rows, ply, _explored(decisions, dominoes, 0.3), decisions, "highest")
    return Samples.joined(parts)
