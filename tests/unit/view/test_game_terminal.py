from rich.console import Console

from forge_core.expected_q.advise import advise
from forge_core.expected_q.games import Game
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.rules import domino_name
from forge_core.solver.search import search_q
from forge_view.game_frames import frames
from forge_view.game_terminal import advice_view, decision_view


def rendered(game: Game, play: int) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(decision_view(game, frames(game)[play]))
    return capture.get()


def test_a_decision_shows_what_a_person_asks_for(games: dict[int, Game]):
    text = rendered(games[951], 6)
    frame = frames(games[951])[6]
    assert "bid 32" in text
    assert "play 7 of 28" in text
    assert f"seat {frame.mover} to play" in text
    assert "P(make)" in text
    assert "ESS" in text
    for seat, hand in enumerate(frame.hands):
        assert f"seat {seat}" in text
        assert " ".join(hand) in text
    for option in frame.options:
        if option.mean is not None:
            assert f"{option.mean:+.2f}" in text


def test_an_exact_decision_says_so(games: dict[int, Game]):
    text = rendered(games[3], 27)
    assert "exact" in text
    assert "P(make)" not in text


def test_advice_names_every_play_and_the_worlds(late_position):
    info, _ = late_position(4, 12)
    advice = advise(info, ExactOracle(search_q, "1"), EqSettings(bid=30))
    console = Console(width=120)
    with console.capture() as capture:
        console.print(advice_view(advice))
    text = capture.get()
    assert f"all {advice.worlds:,} worlds, exact" in text
    for play in advice.plays:
        assert domino_name(play.domino) in text
        assert f"{play.mean:+.2f}" in text
