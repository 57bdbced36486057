"""One decision of a game as an SVG picture that stands alone: what the terminal shows of it."""

import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from forge_core.errors import InputError
from forge_core.expected_q.games import Game
from forge_view.game_frames import frames
from forge_view.game_terminal import decision_view

_FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # no fonts from elsewhere


def picture(game: Game, play: int) -> str:
    """The SVG of a decision.

    Args:
        game: the game.
        play: which of its decisions, 1-28.

    Raises:
        InputError: no such play.
    """
    if not 1 <= play <= len(game.plays):
        raise InputError.of(got=f"play {play}", expected=f"1-{len(game.plays)}", remedy="choose one of these")
    console = Console(record=True, width=110, file=io.StringIO(), highlight=False, force_terminal=True)
    console.print(decision_view(game, frames(game)[play - 1]))
    return console.export_svg(title=f"Texas 42, seed {game.seed}", code_format=_FORMAT)
