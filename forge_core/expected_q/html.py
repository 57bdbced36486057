"""A game as one self-contained HTML page: step through it with the arrow keys, offline, in any browser."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from forge_core.expected_q.frames import frames
from forge_core.expected_q.games import Game
from forge_core.rules import declaration_name

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
    template = (files("forge_core.expected_q") / "page.html").read_text(encoding="utf-8")
    return template.replace(_PLACEHOLDER, json.dumps(content, allow_nan=False).replace("</", "<\\/"))


def write_page(game: Game, path: Path) -> None:
    """Write the page to `path`, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(page(game), encoding="utf-8")
    temporary.replace(path)
