"""A game as one self-contained HTML page: step through it with the arrow keys, offline, in any browser."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from forge_core.expected_q.games import Game
from forge_core.files import write_text
from forge_core.rules import declaration_name
from forge_view.game_frames import frames

_PLACEHOLDER = "__GAME__"


def page(game: Game) -> str:
    """The page of a game. DamagedFile when the game breaks the rules."""
    content = {
        "seed": game.seed,
        "declaration": declaration_name(game.declaration),
        "bid": game.settings.bid,
        "how": f"oracle {game.oracle[0]}, objective {game.settings.objective}"
        + (", posterior weights" if game.settings.posterior.enabled else ""),
        "frames": [asdict(frame) for frame in frames(game)],
    }
    template = (files("forge_view") / "game_page.html").read_text(encoding="utf-8")
    return template.replace(_PLACEHOLDER, json.dumps(content, allow_nan=False).replace("</", "<\\/"))


def write_page(game: Game, path: Path) -> None:
    """Write the page to `path`, atomically."""
    write_text(path, page(game))
