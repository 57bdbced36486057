import numpy as np

from forge_core.expected_q.information_set import InformationSet
from forge_core.expected_q.record import Record
from forge_core.expected_q.transcript import TranscriptFeature, TranscriptType, transcript
from forge_core.expected_q.worlds import Worlds
from forge_core.rules import parse_dominoes, parse_hand


def test_what_the_tokens_say():
    hand = parse_hand("6-6,6-5,6-4,3-2,2-1,1-0,0-0")
    tokens, length = transcript(InformationSet.of(Record.of(6, 0, parse_dominoes("5-5,5-0")), 2, hand))
    assert (tokens.shape, tokens.dtype, length) == ((36, 8), np.int8, 10)
    assert tokens[0].tolist() == [0, 0, 0, 0, 2, 0, 6, TranscriptType.DECLARATION]
    assert tokens[1].tolist() == [0, 0, 1, 0, 0, 1, 6, TranscriptType.HAND]
    assert tokens[8].tolist() == [5, 5, 1, 2, 2, 0, 6, TranscriptType.PLAY]
    assert tokens[9].tolist() == [5, 0, 0, 1, 3, 0, 6, TranscriptType.PLAY]
    assert not tokens[length:].any()


def test_seats_are_relative_to_the_mover():
    record = Record.of(6, 0, parse_dominoes("5-5,5-0"))
    shifted = Record.of(6, 1, parse_dominoes("5-5,5-0"))
    hand = parse_hand("6-6,6-5,6-4,3-2,2-1,1-0,0-0")
    first, second = (InformationSet.of(record, 2, hand), InformationSet.of(shifted, 3, hand))
    np.testing.assert_array_equal(transcript(first)[0], transcript(second)[0])


def test_no_token_depends_on_a_hidden_hand(late_position):
    """Every world of a decision, played up to it by the rules, leads to the same tokens."""
    for seed in range(6):
        info, _ = late_position(seed, 12)
        tokens, length = transcript(info)
        for deal in Worlds.of(info).draw(10, np.random.default_rng(seed)):
            hand = set(deal[7 * info.seat : 7 * info.seat + 7].tolist()) - set(info.record.plays)
            record = Record.of(info.record.declaration, 0, info.record.plays)
            other = transcript(InformationSet.of(record, info.seat, hand))
            np.testing.assert_array_equal(tokens, other[0])
            assert other[1] == length
        assert not tokens[:, TranscriptFeature.RELATIVE_SEAT].max() > 3
