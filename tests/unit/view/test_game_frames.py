from dataclasses import replace

import numpy as np
import pytest

from forge_core.errors import DamagedFile
from forge_core.expected_q.games import Game
from forge_core.rules import domino_name
from forge_view.game_frames import frames


def test_frames_tell_the_game(games: dict[int, Game]):
    game = games[951]
    told = frames(game)
    assert len(told) == 28
    assert [len(hand) for hand in told[0].hands] == [7] * 4
    assert told[0].tricks == ()
    assert told[-1].voids.count(()) < 4
    for frame, domino, seat in zip(told, game.plays, game.columns["player"], strict=True):
        (chosen,) = (option for option in frame.options if option.chosen)
        assert chosen.domino == domino_name(domino)
        assert chosen.mean is not None
        assert chosen.p_make is not None
        assert frame.mover == seat
        assert domino_name(domino) in frame.hands[frame.mover]
        assert sum(trick.points for trick in frame.tricks) == sum(frame.score)
        assert sum(len(trick.dominoes) for trick in frame.tricks) == frame.play


def test_a_game_that_breaks_the_rules_is_damaged(games: dict[int, Game]):
    game = games[3]
    plays = (*game.plays[:5], game.plays[6], game.plays[5], *game.plays[7:])
    with pytest.raises(DamagedFile, match="play 6"):
        frames(replace(game, plays=plays))
    slots = {**game.columns, "action_taken": np.full(28, 6, np.int8)}
    with pytest.raises(DamagedFile):
        frames(replace(game, columns=slots))
