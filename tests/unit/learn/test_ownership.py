import numpy as np
import torch

from forge_core.learn.batches import take
from forge_core.learn.ownership import N_DOMINOES, N_INPUTS, N_SEATS, OwnershipInputs
from forge_core.rules import DOMINOES, Declaration, domino_id
from forge_core.rules.declaration import follows, led_suit, rank
from forge_core.tokens.dataset import TokenArrays
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, Feature


def _hands(tokens: np.ndarray) -> list[list[int]]:
    """The dominoes that each relative seat still holds."""
    hands: list[list[int]] = [[] for _ in range(N_SEATS)]
    for token in tokens[FIRST_HAND:FIRST_TRICK]:
        if token[Feature.IS_HELD]:
            hands[token[Feature.RELATIVE_SEAT]].append(domino_id(int(token[Feature.HIGH]), int(token[Feature.LOW])))
    return hands


def _can_beat(hand: list[int], lead: int, declaration: Declaration) -> bool:
    suit = led_suit(lead, declaration)
    playable = [domino for domino in hand if follows(domino, suit, declaration)] or hand
    return any(rank(domino, suit, declaration) > rank(lead, suit, declaration) for domino in playable)


def test_who_could_beat_a_led_domino_is_what_the_rules_say(val_arrays: TokenArrays) -> None:
    batch = take(val_arrays, slice(0, None, 11))
    inputs = OwnershipInputs()
    tokens = batch.tokens.long()
    dominoes = inputs.dominoes(tokens)
    found = inputs(tokens, batch.mask, dominoes)
    assert found.shape == (len(tokens), N_INPUTS)
    before_trick = N_INPUTS - 3 * N_DOMINOES - N_SEATS - 8 - N_SEATS * N_DOMINOES
    beaten = found[:, before_trick : before_trick + N_SEATS * N_DOMINOES].unflatten(1, (N_SEATS, N_DOMINOES))
    for row, said in zip(batch.tokens.numpy(), beaten, strict=True):
        hands, declaration = _hands(row), Declaration(row[0, Feature.DECLARATION])
        held = {domino for hand in hands for domino in hand}
        expected = [[d in held and _can_beat(hand, d, declaration) for d in DOMINOES] for hand in hands]
        torch.testing.assert_close(said, torch.tensor(expected))
