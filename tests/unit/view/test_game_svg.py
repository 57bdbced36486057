import xml.etree.ElementTree as ElementTree

import pytest

from forge_core.errors import InputError
from forge_core.expected_q.games import Game
from forge_view.game_svg import picture


def test_a_picture_stands_alone_and_shows_the_decision(games: dict[int, Game]) -> None:
    text = picture(games[951], 7)
    ElementTree.fromstring(text)
    assert "cdnjs" not in text
    assert "play&#160;7&#160;of&#160;28" in text


def test_there_is_no_29th_play(games: dict[int, Game]) -> None:
    with pytest.raises(InputError, match="play 29"):
        picture(games[951], 29)
