"""The network and its rollouts as players, and the belief, against exact values and enumeration."""

import itertools

import numpy as np
import pytest

from forge_core.arena.run import run_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.errors import InputError, RecordError
from forge_core.players.decisions import Player
from forge_core.players.registry import Means, make_player, model_of, seat_of
from forge_core.players.worlds import draw_worlds
from forge_core.seat.belief import holders
from forge_core.seat.encode import N_BINS
from forge_core.seat.model import AskedInRows, chance_to_make
from forge_core.seat.player import RolloutPlayer, RolloutSettings, SeatPlayer, make_seat_player, seat_name
from forge_core.seat.rollouts import each_legal, exact_points, play_on
from tests.unit.seat.conftest import decisions_at, drawn_network, some_contracts


def test_chances_sum_to_one_and_p_make_falls_with_the_bid(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(40), 9)
    chances = model.chances(decisions)
    assert np.abs(chances.sum(axis=2) - 1).max() < 1e-5
    beyond = np.arange(N_BINS) > decisions.points_left()[:, None, None]
    assert chances[np.broadcast_to(beyond, chances.shape)].max() < 1e-6
    by_bid = [chance_to_make(chances, decisions_at(some_contracts(40, bid=bid), 9)) for bid in range(30, 43)]
    assert (np.diff(by_bid, axis=0) <= 1e-6).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_answer_does_not_depend_on_what_is_asked_beside_it(threads: int) -> None:
    from forge_core.seat.torch_model import torch_seat

    model = torch_seat(drawn_network("small"), threads=threads)
    decisions = decisions_at(some_contracts(1100), 6)
    together = model.chances(decisions)
    for rows in ([3], [1099], list(range(500, 530))):
        assert (model.chances(decisions.of(np.array(rows))) == together[rows]).all()


def test_rollouts_do_not_depend_on_threads_or_on_other_decisions() -> None:
    from forge_core.seat.torch_model import torch_seat

    decisions = decisions_at(some_contracts(12), 13)
    settings, found = RolloutSettings(worlds=9), list[np.ndarray]()
    for threads in (1, 2):
        player = RolloutPlayer(torch_seat(drawn_network(), threads=threads), settings, "rollout", threads)
        found.append(player.histograms(decisions))
        single = [player.histograms(decisions.of(np.array([row])))[0] for row in (0, 7)]
        assert (found[-1][[0, 7]] == single).all()
    assert (found[0] == found[1]).all()


def test_played_exactly_from_the_next_trick_on_a_rollout_is_the_exact_value(model: AskedInRows) -> None:
    for ply in (7, 15, 19):  # the last play of a trick
        contracts = some_contracts(30)
        decisions = decisions_at(contracts, ply)
        exact = exact_points(decisions, contracts.deals, threads=2)
        row, slot, dominoes = each_legal(decisions)
        points = play_on(model, decisions.of(row), contracts.deals[row], dominoes, exact_plays=27 - ply)
        assert (points == exact[row, slot]).all()


def test_where_one_world_is_left_rollouts_are_exact(model: AskedInRows) -> None:
    contracts = some_contracts(2000)
    decisions = decisions_at(contracts, 22)
    worlds = draw_worlds(decisions, decisions.keys, 1, 1)
    known = np.intersect1d(decisions.free(), np.flatnonzero(worlds.counts == 1))
    assert len(known) > 10
    player = RolloutPlayer(model, RolloutSettings(worlds=5, exact=0), "rollout", 2)
    histogram = player.histograms(decisions.of(known))
    exact = exact_points(decisions.of(known), contracts.deals[known], threads=2)
    legal = exact >= 0
    assert (histogram.sum(axis=2) == legal).all()
    assert (histogram.argmax(axis=2)[legal] == exact[legal]).all()


def test_common_worlds_cut_the_variance_of_differences(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(6), 8)
    hands = decisions.free()
    first: list[np.ndarray] = []
    for seed in range(16):
        player = RolloutPlayer(model, RolloutSettings(worlds=8, seed=seed), "rollout", 2)
        shares = player.histograms(decisions.of(hands)).astype(float)
        first.append((shares @ np.arange(43)) / np.maximum(1, shares.sum(axis=2)))
    means, legal = np.array(first), np.array(first)[0] > 0
    a, b = legal.argmax(axis=1), 6 - legal[:, ::-1].argmax(axis=1)
    rows = np.flatnonzero(a != b)
    one, other = means[:, rows, a[rows]], means[:, rows, b[rows]]
    assert (one - other).var(axis=0).sum() < one.var(axis=0).sum() + other.var(axis=0).sum()


def test_with_equal_logits_the_belief_counts_worlds() -> None:
    contracts = some_contracts(60)
    decisions = decisions_at(contracts, 17)
    found = holders(decisions, np.zeros((60, 28, 3), np.float32))
    worlds = draw_worlds(decisions, decisions.keys, 1, 10_000)
    for row in range(60):
        deals = worlds.deals[worlds.of(row)]
        info = decisions.information_set(row)
        for domino, other in itertools.product(info.unseen, range(1, 4)):
            seat = (info.seat + other) % 4
            share = (deals[:, 7 * seat : 7 * seat + 7] == domino).any(axis=1).mean()
            assert abs(found[row, domino, other - 1] - share) < 1e-9


def test_the_belief_respects_voids_and_the_sizes_of_hands(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(40), 10)
    found = holders(decisions, 3 * model.belief(decisions))
    for row in range(40):
        info = decisions.information_set(row)
        assert np.allclose(found[row].sum(axis=0), info.needs())
        assert np.allclose(found[row].sum(axis=1), [domino in info.unseen for domino in range(28)])


def test_a_record_without_a_world_has_no_belief(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(2), 12)
    decisions.voids[1] = 255
    with pytest.raises(RecordError, match="decision 1"):
        holders(decisions, model.belief(decisions))


def test_texts_of_players(model: AskedInRows) -> None:
    assert (model_of("seat:champion"), model_of("rollout:worlds=50")) == ("seat:champion", "seat:champion")
    assert model_of("rollout:worlds=50,model=a/b") == "seat:a/b"
    assert (seat_of("seat:x"), seat_of("x")) == ("x", None)
    assert (seat_name("seat:x"), seat_name("rollout:model=y")) == ("x", "y")
    assert isinstance(make_seat_player("seat:x", model, 1), SeatPlayer)
    rollout = make_seat_player("rollout:worlds=7,exact=3", model, 1)
    assert isinstance(rollout, RolloutPlayer)
    assert rollout.settings.worlds == 7
    for wrong in ("seat:", "seat", "seat:a,b=1", "rollout:worlds=0", "rollout:world=1"):
        with pytest.raises(InputError):
            seat_name(wrong)
    with pytest.raises(InputError, match="no seat networks"):
        make_player("seat:x")


def test_with_a_heavy_prior_rollouts_choose_as_the_network_does(model: AskedInRows) -> None:
    decisions = decisions_at(some_contracts(30), 9)
    settings = RolloutSettings(worlds=2, prior=100_000)
    found = RolloutPlayer(model, settings, "rollout", 2).play(decisions)
    assert (found == SeatPlayer(model, "seat").play(decisions)).mean() > 0.9
    alone = RolloutPlayer(model, RolloutSettings(worlds=2), "rollout", 2).play(decisions)
    assert (alone != found).any()


def test_rollouts_of_an_untrained_network_beat_it(model: AskedInRows) -> None:
    means = Means(2, seat=lambda text, threads: make_seat_player(text, model, threads))
    settings = MatchSettings(a="rollout:worlds=6", b="seat:x")
    result = run_match(Deals(count=25), settings, means)
    assert result.a.only > result.b.only + 5
    again = run_match(Deals(count=25), settings, means)
    assert (again.a.made, again.b.made, again.a.points) == (result.a.made, result.b.made, result.a.points)


def test_a_seat_network_declares(model: AskedInRows) -> None:
    player = make_seat_player("seat:x", model, 1)
    assert isinstance(player, SeatPlayer)
    assert isinstance(player, Player)
    contracts = some_contracts(5)
    keys = np.arange(5, dtype=np.uint64)
    declared = player.declare(contracts.deals[:, :7], contracts.bids, keys)
    assert set(declared.tolist()) <= set(range(10))
