"""What the seat champion tells of the hidden hands from the plays: `python bench/seat_likelihood.py`.

Contracts between `pimc:worlds=50` players; at some decisions the true deal is put among worlds drawn uniformly, and all
are weighted by the likelihood of the record's plays. The gain is the mean of log(weight of the truth / its uniform
share), in nats: above 0 the weights know more than uniform ones, below 0 they mislead.

nats_temperature_..._mix_...   the gain, with its standard error over contracts
nats_at_play_...               the gain at the default temperature and mix, by plays made so far
ess_at_play_...                the effective sample size there, as a share of the worlds
"""

from typing import Any

import numpy as np
from report import benchmark
from seat import START, contracts

from flows.oracle import player_means
from forge_core.players.contracts import Table, play_out
from forge_core.players.registry import make_player
from forge_core.players.worlds import DrawnWorlds, draw_worlds
from forge_core.seat.likelihood import PlayLikelihood
from forge_core.seat.load import load_seat

PLAYS = (4, 8, 12, 16, 20)
TEMPERATURES = (0.01, 0.02, 0.05, 0.1, 0.2)
MIXES = (0.1, 0.3)
N_WORLDS = 60


def measure(*, quick: bool) -> dict[str, Any]:
    model, asked = load_seat("champion", threads=2), contracts(40 if quick else 400, START + 500_000)
    player, n = make_player("pimc:worlds=50", player_means()), len(asked)
    played = play_out(asked, player, player, to_the_end=True)
    table, rows = Table.of(asked), np.arange(n)
    seen: list[tuple[Any, DrawnWorlds]] = []
    for ply in range(max(PLAYS) + 1):
        decisions = table.decisions(rows, ply)
        if ply in PLAYS:
            worlds = draw_worlds(decisions, decisions.keys, N_WORLDS, 0)
            deals = worlds.deals.copy()
            deals[worlds.starts[:-1]] = asked.deals  # the truth in the place of the first
            seen.append((decisions, DrawnWorlds(deals, worlds.states, worlds.row, worlds.starts, worlds.counts)))
        table.put(rows, ply, played.plays[:, ply], decisions, player.name)
    found: dict[str, Any] = {"contracts": n, "worlds": N_WORLDS}
    for mix in MIXES:
        for temperature in TEMPERATURES:
            weights = [PlayLikelihood(model, temperature, mix)(*each).reshape(n, N_WORLDS) for each in seen]
            gains = np.log(np.array(weights)[:, :, 0] * N_WORLDS).mean(axis=0)
            found[f"nats_temperature_{temperature:g}_mix_{mix:g}"] = told(gains)
    usual = PlayLikelihood(model)
    for ply, each in zip(PLAYS, seen, strict=True):
        weights = usual(*each).reshape(n, N_WORLDS)
        found[f"nats_at_play_{ply}"] = told(np.log(weights[:, 0] * N_WORLDS))
        found[f"ess_at_play_{ply}"] = round(float((1 / (weights**2).sum(axis=1)).mean() / N_WORLDS), 2)
    return found


def told(gains: np.ndarray) -> str:
    return f"{gains.mean():+.3f} ± {gains.std() / np.sqrt(len(gains)):.3f}"


if __name__ == "__main__":
    benchmark("seat_likelihood", measure, __doc__)
