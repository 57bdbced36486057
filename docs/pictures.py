"""Draws the pictures of the documents: `.venv/bin/python docs/pictures.py`."""

from pathlib import Path

import forge_core
from forge_core.expected_q.games import play_game
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.files import write_text
from forge_core.solver import SOLVER_VERSION
from forge_core.solver.search import search_q
from forge_view.domino_svg import BAD, FAINT, GOOD, HEIGHT, INK, WIDTH, domino, sheet, text, whole_game

IMAGES = Path(__file__).parent / "images"
HAND, BID = "6-6,6-5,6-4,6-2,5-5,4-4,1-0", 34
_BAR = 90
_STEPS = (("solve", "every play of a deal,", "all hands open, exactly"),
          ("learn", "networks that imitate", "the solver"),
          ("ask", "what a play is worth to", "who sees one hand"))  # fmt: skip


def what_to_lead() -> str:
    """The dominoes of README's hand, what each is worth as a lead, and how the forge comes to know it."""
    advice = forge_core.advise(forge_core.information_set(HAND, "sixes"), bid=BID)
    best = max(play.mean for play in advice.plays)
    question = "You hold these seven dominoes of Texas 42. Sixes are trumps, you bid 34. What do you lead?"
    parts = [
        text(question, 30, 40, size=17),
        text("expected points", 30, 222, size=13, colour=FAINT),
        text("over possible deals", 30, 240, size=13, colour=FAINT),
        text("34 is made in", 30, 318, size=13, colour=FAINT),
    ]
    for place, play in enumerate(advice.plays):
        x, top = 190 + place * 88, 64
        good = play.mean > best - 0.5
        bar = _BAR * play.mean / best
        base = top + HEIGHT + 40 + _BAR
        parts += [
            domino(play.domino, x, top, edge=GOOD if good else INK),
            f'<rect x="{x}" y="{base - bar:.1f}" width="{WIDTH}" height="{bar:.1f}" rx="3" '
            f'fill="{GOOD if good else BAD}"/>',
            text(f"{play.mean:+.1f}", x + WIDTH / 2, base - bar - 8, size=14, anchor="middle"),
            text(f"{play.p_make:.1%}", x + WIDTH / 2, 318, size=14, anchor="middle"),
        ]
    for place, (name, first, second) in enumerate(_STEPS):
        x = 30 + place * 280
        parts.append(f'<rect x="{x}" y="346" width="240" height="74" rx="8" fill="#f1f4f8"/>')
        parts.append(text(name, x + 16, 390, size=19))
        parts += [text(line, x + 80, y, size=13) for line, y in ((first, 378), (second, 398))]
        if place:
            parts.append(f'<path d="M{x - 34} 383h22m-7 -6l7 6l-7 6" fill="none" stroke="{INK}" stroke-width="2"/>')
    return sheet(860, 440, parts)


def a_game() -> str:
    """A game that every seat plays by E[Q]."""
    return whole_game(play_game(4, ExactOracle(search_q, SOLVER_VERSION), EqSettings(n_worlds=50)))


PICTURES = {"what-to-lead.svg": what_to_lead, "a-game.svg": a_game}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        write_text(IMAGES / name, draw())
