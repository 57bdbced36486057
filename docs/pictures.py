"""Draws the pictures of the documents: `.venv/bin/python docs/pictures.py`."""

import json
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


def poster() -> str:
    """The main results, read from the records of the benchmarks and of the champion."""
    root = Path(__file__).parents[1]
    solve, ask = (
        json.loads((root / "bench" / "results" / f"{name}.json").read_text()) for name in ("solve", "expected_q")
    )
    name = json.loads((root / "models" / "champion.json").read_text())["qvalue"]
    champion = json.loads((root / "models" / name / "metrics.json").read_text())["test"]
    uniform, played = champion["uniform"], champion["played"]
    config = json.loads((root / "models" / name / "config.json").read_text())
    fast, asked = solve["measures"], ask["measures"]
    cards = (
        ("Solved", "all hands open, exactly", (
            (f"{fast['states_per_second'] / 1e6:,.0f} million", "states of the game tree a second"),
            (f"{fast['search_ms_mean']:.1f} ms", "all seven opening plays of a deal, one core"),
            (f"{fast['solver_megabytes_median']:.0f} MB", "memory of the median deal"),
        )),
        ("Learned", f"by {config['parameters'] / 1e6:.1f} million parameters", (
            (f"{uniform['accuracy']:.1%}", "of its plays are among the best"),
            (f"{uniform['q_gap']:.2f} points", "given up a play, uniform states"),
            (f"{played['q_gap']:.2f} points", "given up a play, states met in games"),
        )),
        ("Asked", "one hand seen", (
            (f"{asked['advise_seconds']:.2f} s", "advice on a lead, 200 possible deals"),
            (f"{asked['worlds_per_second'] / 1e6:.1f} million", "possible deals drawn a second and core"),
            (f"{asked['exact_games_per_second']:.1f}", "games a second, every seat by exact E[Q]"),
        )),
    )  # fmt: skip
    parts = [
        text("Crystal Forge: Texas 42", 40, 56, size=28),
        text("solved, learned, asked", 40, 84, size=16, colour=FAINT),
    ]
    for place, (title, below, facts) in enumerate(cards):
        x = 40 + place * 300
        parts.append(f'<rect x="{x}" y="110" width="280" height="330" rx="10" fill="#f1f4f8"/>')
        parts += [text(title, x + 20, 150, size=22), text(below, x + 20, 174, size=13, colour=FAINT)]
        for row, (number, what) in enumerate(facts):
            parts.append(text(number, x + 20, 232 + 82 * row, size=28, colour=GOOD))
            parts.append(text(what, x + 20, 254 + 82 * row, size=13))
    machine = f"{solve['machine']['cores']} cores of an {solve['machine']['processor']}"
    parts.append(
        text(
            f"{machine}, no GPU, {solve['date']}; {uniform['samples']:,} test states of each kind",
            40,
            476,
            size=13,
            colour=FAINT,
        )
    )
    return sheet(960, 500, parts)


PICTURES = {"poster.svg": poster, "what-to-lead.svg": what_to_lead, "a-game.svg": a_game}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        write_text(IMAGES / name, draw())
