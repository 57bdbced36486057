import xml.etree.ElementTree as ElementTree

import pytest

from forge_core.errors import InputError
from forge_core.expected_q.games import Game
from forge_core.expected_q.record import Record
from forge_core.rules import DOMINOES
from forge_core.rules import pips as pips_of
from forge_view.domino_svg import GOOD, whole_game
from forge_view.game_svg import picture


def test_a_picture_stands_alone_and_shows_the_decision(games: dict[int, Game]) -> None:
    text = picture(games[951], 7)
    ElementTree.fromstring(text)
    assert "cdnjs" not in text
    assert "play&#160;7&#160;of&#160;28" in text


def test_there_is_no_29th_play(games: dict[int, Game]) -> None:
    with pytest.raises(InputError, match="play 29"):
        picture(games[951], 29)


def test_a_sheet_shows_every_domino_once_and_each_tricks_winner(games: dict[int, Game]) -> None:
    game = games[951]
    root = ElementTree.fromstring(whole_game(game))
    space = "{http://www.w3.org/2000/svg}"
    pips = sum(sum(pips_of(domino)) for domino in DOMINOES)
    assert len(root.findall(f"{space}circle")) == pips == 168
    assert sum(each.get("stroke") == GOOD for each in root.findall(f"{space}rect")) == 7
    words = [each.text for each in root.findall(f"{space}text")]
    won = Record.of(game.declaration, 0, game.plays).won
    assert words.count("{} : {}".format(*won)) >= 1
    assert sum(str(word).startswith("leads") for word in words) == 7
