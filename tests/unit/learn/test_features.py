import numpy as np
import torch

from forge_core.learn.batches import Batch, take
from forge_core.learn.features import N_DOMINOES, N_SEATS
from forge_core.learn.network import N_INPUTS, OwnershipInputs, input_width
from forge_core.rules import DOMINOES, Declaration, count_points
from forge_core.rules.declaration import follows, led_suit, rank
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, Feature


def _hands(tokens: np.ndarray) -> list[list[int]]:
    """The dominoes that each relative seat still holds."""
    hands: list[list[int]] = [[] for _ in range(N_SEATS)]
    for token in tokens[FIRST_HAND:FIRST_TRICK]:
        if token[Feature.IS_HELD]:
            hands[token[Feature.RELATIVE_SEAT]].append(int(token[Feature.DOMINO]))
    return hands


def _can_beat(hand: list[int], lead: int, declaration: Declaration) -> bool:
    suit = led_suit(lead, declaration)
    playable = [domino for domino in hand if follows(domino, suit, declaration)] or hand
    return any(rank(domino, suit, declaration) > rank(lead, suit, declaration) for domino in playable)


def test_who_could_beat_a_led_domino_is_what_the_rules_say(val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 11))
    inputs = OwnershipInputs()
    tokens = batch.tokens.long()
    found = inputs(tokens, batch.mask)
    assert found.shape == (len(tokens), N_INPUTS)
    before_trick = N_INPUTS - 3 * N_DOMINOES - N_SEATS - 8 - N_SEATS * N_DOMINOES
    beaten = found[:, before_trick : before_trick + N_SEATS * N_DOMINOES].unflatten(1, (N_SEATS, N_DOMINOES))
    for row, said in zip(batch.tokens.numpy(), beaten, strict=True):
        hands, declaration = _hands(row), Declaration(row[0, Feature.DECLARATION])
        held = {domino for hand in hands for domino in hand}
        expected = [[d in held and _can_beat(hand, d, declaration) for d in DOMINOES] for hand in hands]
        torch.testing.assert_close(said, torch.tensor(expected).float())


def test_the_inputs_of_tricks_name_the_leads_that_no_opponent_beats(val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 11))
    inputs = OwnershipInputs("tricks")
    tokens = batch.tokens.long()
    found = inputs(tokens, batch.mask)
    assert found.shape == (len(tokens), input_width("tricks"))
    first = N_INPUTS + 5 * N_DOMINOES
    sure = found[:, first : first + N_SEATS * N_DOMINOES].unflatten(1, (N_SEATS, N_DOMINOES))
    for row, said in zip(batch.tokens.numpy(), sure, strict=True):
        hands, declaration = _hands(row), Declaration(row[0, Feature.DECLARATION])
        expected = [
            [
                domino in hand and not any(_can_beat(hands[(seat + by) % 4], domino, declaration) for by in (1, 3))
                for domino in DOMINOES
            ]
            for seat, hand in enumerate(hands)
        ]
        torch.testing.assert_close(said, torch.tensor(expected).float())


def test_the_last_play_of_a_trick_is_priced_exactly(val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(None))
    last = batch.mask.all(1)
    batch = Batch(*(part[last] for part in batch))
    inputs = OwnershipInputs("tricks")
    tokens = batch.tokens.long()
    dominoes = tokens[..., Feature.DOMINO]
    found = inputs(tokens, batch.mask)
    won, lost = (
        found[:, N_INPUTS:].unflatten(1, (-1, 1))[:, : 2 * N_DOMINOES, 0].unflatten(1, (2, N_DOMINOES)).unbind(1)
    )
    checked = 0
    for row, mine, legal, up, down in zip(tokens, dominoes[:, 1:8], batch.legal, won, lost, strict=True):
        declaration = Declaration(int(row[0, Feature.DECLARATION]))
        table = row[FIRST_TRICK:, Feature.DOMINO].tolist()
        suit = led_suit(table[0], declaration)
        for domino in mine[legal].tolist():
            ranks = [rank(each, suit, declaration) for each in (*table, domino)]
            ours = ranks.index(max(ranks)) % 2 == 1
            points = 1 + sum(count_points(each) for each in (*table, domino))
            assert (16 * up[domino], 16 * down[domino]) == ((points, 0) if ours else (0, points))
            checked += 1
    assert checked > 0


def test_hands_are_counted_suit_by_suit(val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 11))
    inputs = OwnershipInputs("tricks")
    tokens = batch.tokens.long()
    found = inputs(tokens, batch.mask)
    end = found.shape[1] - 4 - 7 - 2 - 4
    void, length = found[:, end - 64 : end].unflatten(1, (2, 4, 8)).unbind(1)
    higher = found[:, end - 64 - 56 : end - 64].unflatten(1, (2, N_DOMINOES))
    for row, no, some, beaten in zip(batch.tokens.numpy(), void, length, higher, strict=True):
        hands, declaration = _hands(row), Declaration(row[0, Feature.DECLARATION])
        lengths = [[sum(follows(d, suit, declaration) for d in hand) for suit in range(8)] for hand in hands]
        torch.testing.assert_close(some * 4, torch.tensor(lengths).float())
        expected = [[bool(hand) and n == 0 for n in row] for hand, row in zip(hands, lengths, strict=True)]
        torch.testing.assert_close(no, torch.tensor(expected).float())
        for seat, hand in enumerate(hands):
            for lead in hand:
                suit = led_suit(lead, declaration)
                above = [
                    sum(rank(d, suit, declaration) > rank(lead, suit, declaration) for by in team for d in hands[by])
                    for team in ((1 - seat % 2, 3 - seat % 2), (seat % 2, 2 + seat % 2))
                ]
                assert (4 * beaten[:, lead]).tolist() == above


def test_owners_stand_in_the_order_of_strength(val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 11))
    inputs = OwnershipInputs()
    tokens = batch.tokens.long()
    found = inputs(tokens, batch.mask)
    dealt, held = found[:, 140 : 140 + 280 + 224].split((280, 224), 1)
    for row, all_owners, holders in zip(batch.tokens.numpy(), dealt, held, strict=True):
        hands, declaration = _hands(row), Declaration(row[0, Feature.DECLARATION])
        owner = {domino: seat for seat, hand in enumerate(hands) for domino in hand}
        for suit in range(8):
            members = [d for d in DOMINOES if follows(d, suit, declaration)]
            members.sort(key=lambda d, suit=suit: -rank(d, suit, declaration))
            expected, left = torch.zeros(7, 5), torch.zeros(7, 4)
            for place, domino in enumerate(members):
                expected[place, owner.get(domino, 4)] = 1
            for place, domino in enumerate(d for d in members if d in owner):
                left[place, owner[domino]] = 1
            assert torch.equal(all_owners.view(8, 7, 5)[suit], expected)
            assert torch.equal(holders.view(8, 7, 4)[suit], left)
