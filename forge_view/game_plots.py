"""What a run of E[Q] games looked like, by play."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from forge_core.expected_q.record import N_PLAYS
from forge_core.expected_q.summary import RunSummary
from forge_view.figures import save


def draw_summary(path: Path, summary: RunSummary) -> None:
    """Draw SEM, effective share and share of exact decisions by play, as a PNG."""
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    panels = {
        "largest SEM (points)": summary.sem,
        "ESS / worlds valued": summary.ess_share,
        "share of exact decisions": summary.exact_share,
    }
    plays = np.arange(1, N_PLAYS + 1)
    for axes, (title, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        axes.plot(plays, values, marker=".")
        axes.set(title=title, xlabel="play", ylim=(0, None) if values is summary.sem else (0, 1.05))
        axes.grid(alpha=0.3)
    figure.suptitle(f"{summary.games} games")
    save(figure, path)
