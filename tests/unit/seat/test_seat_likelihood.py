"""The likelihood of plays under a seat network: against one question at a time, and where the truth is known."""

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.players.contracts import Contracts, Table
from forge_core.players.decisions import Decisions
from forge_core.players.pimc import PimcPlayer
from forge_core.players.registry import Means, make_player, model_of
from forge_core.players.worlds import DrawnWorlds, draw_worlds
from forge_core.seat.likelihood import PlayLikelihood
from forge_core.seat.model import AskedInRows, chance_to_make, expected, legal_slots, utility
from forge_core.seat.player import SeatPlayer, make_seat_player, seat_name
from tests.unit.seat.conftest import decisions_at, drawn_network, some_contracts


def drawn(decisions: Decisions, n: int = 12) -> DrawnWorlds:
    return draw_worlds(decisions, decisions.keys, n, n)


def one_at_a_time(
    likelihood: PlayLikelihood, contracts: Contracts, decisions: Decisions, row: int, deal: np.ndarray
) -> float:
    """The log-likelihood of one record in one world, asked play by play."""
    c, told = contracts, 0.0
    one = slice(row, row + 1)
    world = Contracts(deal[None], c.declarations[one], c.bidders[one], c.bids[one], c.seeds[one])
    table, first = Table.of(world), np.array([0])
    for ply in range(decisions.ply):
        asked = table.decisions(first, ply)
        domino = decisions.plays[row, ply]
        hands, legal = legal_slots(asked)
        if asked.seats[0] != decisions.seats[row] and legal.sum() > 1:
            chances = likelihood.model.chances(asked)
            worth = utility(chance_to_make(chances, asked), expected(chances), asked)[legal]
            choice = np.exp((worth - worth.max()) / likelihood.temperature)
            chosen = choice[hands[legal] == domino][0] / choice.sum()
            told += np.log((1 - likelihood.mix) * chosen + likelihood.mix / legal.sum())
        table.put(first, ply, np.array([domino], np.int8), asked, "record")
    return told


@pytest.mark.parametrize("ply", [3, 14, 22])
def test_it_is_what_is_found_by_asking_one_play_at_a_time(model: AskedInRows, ply: int) -> None:
    contracts = some_contracts(6)
    decisions, likelihood = decisions_at(contracts, ply), PlayLikelihood(model)
    worlds = drawn(decisions)
    told = likelihood.log_likelihood(decisions, worlds)
    slowly = [
        one_at_a_time(likelihood, contracts, decisions, int(row), deal)
        for row, deal in zip(worlds.row, worlds.deals, strict=True)
    ]
    assert np.allclose(told, slowly, atol=1e-9)
    assert (told < 0).any()


def test_weights_sum_to_one_and_do_not_depend_on_other_decisions_or_threads() -> None:
    from forge_core.seat.torch_model import torch_seat

    decisions = decisions_at(some_contracts(20), 12)
    found: list[np.ndarray] = []
    for threads in (1, 2):
        likelihood = PlayLikelihood(torch_seat(drawn_network(), threads=threads))
        worlds = drawn(decisions)
        found.append(likelihood(decisions, worlds))
        assert np.allclose(np.add.reduceat(found[-1], worlds.starts[:-1]), 1)
        alone = decisions.of(np.array([7]))
        assert (found[-1][worlds.of(7)] == likelihood(alone, drawn(alone))).all()
    assert (found[0] == found[1]).all()


def test_before_the_first_play_all_worlds_are_alike(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(3), 0)
    assert np.allclose(PlayLikelihood(model)(decisions, drawn(decisions)), 1 / 12)


def test_where_the_network_plays_the_truth_gains_weight(model: AskedInRows) -> None:
    contracts, player = some_contracts(60), SeatPlayer(model, "seat")
    table, rows = Table.of(contracts), np.arange(60)
    for ply in range(14):
        asked = table.decisions(rows, ply)
        table.put(rows, ply, player.play(asked), asked, "seat")
    decisions, likelihood = table.decisions(rows, 14), PlayLikelihood(model, temperature=0.01)
    with_truth = drawn(decisions)
    deals = with_truth.deals.copy()
    deals[with_truth.starts[:-1]] = contracts.deals  # the truth among eleven others
    worlds = DrawnWorlds(deals, with_truth.states, with_truth.row, with_truth.starts, with_truth.counts)
    of_truth = likelihood(decisions, worlds)[worlds.starts[:-1]]
    gain = np.log(of_truth * 12)
    assert gain.mean() > 4 * gain.std() / np.sqrt(len(gain)) > 0


def test_a_player_that_weighs_worlds(model: AskedInRows) -> None:
    assert model_of("weighted:worlds=50") == "seat:champion"
    assert seat_name("weighted:worlds=50,model=a/b") == "a/b"
    means = Means(2, seat=lambda text, threads: make_seat_player(text, model, threads))
    player = make_player("weighted:worlds=20,temperature=0.01", means)
    assert isinstance(player, PimcPlayer)
    assert player.network_digest == "drawn"
    decisions, uniform = decisions_at(some_contracts(40), 12), make_player("pimc:worlds=20", Means(2))
    assert isinstance(uniform, PimcPlayer)
    assert (player.play(decisions) != uniform.play(decisions)).any()
    opening = decisions_at(some_contracts(10), 0)
    assert (player.play(opening) == uniform.play(opening)).all()
    for wrong in ("weighted:worlds=0", "weighted:temperature=0", "weighted:mix=0", "weighted:exact=3"):
        with pytest.raises(InputError):
            seat_name(wrong)
