"""A shard to look at: what it says of itself, how its values and depths are spread, and some of its states drawn."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forge_core.rules import SEATS, Deal, declaration_name, domino_name, hand_name, next_seat
from forge_core.shards.read import inspect, read_group
from forge_core.shards.schema import Q_COLUMNS, STATE, VALUE, ShardMetadata
from forge_core.solver import state
from forge_core.solver.state import ILLEGAL

_BIN = 7  # points: thirteen bins from -45 to 45, one of them around 0
_MOST = 45


def describe(path: Path, *, n_states: int = 3) -> Group:
    """A shard as rich shows it, `n_states` of its states drawn. A row group is in memory at a time.

    Raises as `read_shard` does.
    """
    info = inspect(path)
    deal = Deal.of(info.metadata.dominoes)
    values, depths = np.zeros(2 * _MOST + 1, dtype=np.int64), np.zeros(29, dtype=np.int64)
    drawn: list[RenderableType] = []
    wanted = set(np.linspace(0, info.metadata.rows, n_states, endpoint=False).astype(int).tolist())
    start = 0
    for group, rows in enumerate(info.group_rows):
        frame = read_group(path, group)
        values += np.bincount(frame[VALUE].to_numpy().astype(int) + _MOST, minlength=len(values))
        depths += np.bincount(state.fields(frame[STATE].to_numpy()).plays_left, minlength=len(depths))
        here = [row - start for row in sorted(wanted) if start <= row < start + rows]
        drawn += [draw_state(deal, info.metadata.declaration, frame.row(row, named=True)) for row in here]
        start += rows
    title = f"{path.name} ({path.stat().st_size:,} bytes)"
    return Group(describe_metadata(info.metadata, title), value_histogram(values), depth_histogram(depths), *drawn)


def describe_metadata(metadata: ShardMetadata, title: str) -> Table:
    """What the shard says of itself, the four hands among it."""
    table = _table(title, show_header=False)
    facts = metadata.model_dump(mode="json", exclude={"dominoes", "sampling", "declaration"})
    facts["declaration"] = f"{metadata.declaration} ({declaration_name(metadata.declaration)})"
    facts |= {} if metadata.sampling is None else metadata.sampling.model_dump(mode="json")
    facts |= {"rows": f"{metadata.rows:,}", "reachable_states": f"{metadata.reachable_states:,}"}
    for name, fact in facts.items():
        table.add_row(name.replace("_", " "), "-" if fact is None else str(fact))
    for seat, hand in enumerate(Deal.of(metadata.dominoes).hands):
        table.add_row(f"seat {seat}", hand_name(hand))
    return table


def value_histogram(values: Int64[np.ndarray, "91"]) -> Table:
    """How many states have a value in each range of points, team 0's view; values[v + 45] counts V = v."""
    bins = values.reshape(-1, _BIN).sum(axis=1)
    names = [f"{low} to {low + _BIN - 1}" for low in range(-_MOST, _MOST, _BIN)]
    return _histogram("V, points to go from team 0's view", names, bins)


def depth_histogram(depths: Int64[np.ndarray, "29"]) -> Table:
    """How many states have each number of plays left, where there are any."""
    occurring = np.flatnonzero(depths)
    return _histogram("plays left", [str(depth) for depth in occurring], depths[occurring])


def draw_state(deal: Deal, declaration: int, row: Mapping[str, int]) -> Table:
    """One state: what every seat still holds, what lies on the table, and the mover's Q where the shard has them."""
    position = state.unpack(row[STATE], deal, declaration)
    title = f"{declaration_name(declaration)}, {position.plays_left} plays left, V {row[VALUE]:+d} (state {row[STATE]})"
    table = _table(title)
    for name in ("", "seat", "holds", "on the table"):
        table.add_column(name)
    played = {next_seat(position.leader, place): domino for place, domino in enumerate(position.table())}
    for seat in SEATS:
        held = [domino_name(d) if position.held[seat] >> slot & 1 else "" for slot, d in enumerate(deal.hands[seat])]
        to_move = seat == position.mover and position.plays_left > 0
        mark = ("leads" if not position.trick else "to play") if to_move else ""
        table.add_row(mark, str(seat), _slots(held), domino_name(played[seat]) if seat in played else "")
        if to_move and Q_COLUMNS[0] in row:
            q = [row[name] for name in Q_COLUMNS]
            table.add_row("", "q", _slots(["" if value == ILLEGAL else f"{value:+d}" for value in q]), "", style="cyan")
    return table


def _slots(words: list[str]) -> str:
    return " ".join(f"{word:>3}" for word in words)


def _histogram(title: str, names: list[str], counts: Int64[np.ndarray, "k"]) -> Table:
    table = _table(title, show_header=False)
    table.add_column(justify="right")
    table.add_column(justify="right")
    most = int(counts.max(initial=1))
    for name, count in zip(names, counts.tolist(), strict=True):
        table.add_row(name, f"{count:,}", Bar(most, 0, count, width=40, color="cyan"))
    return table


def _table(title: str, *, show_header: bool = True) -> Table:
    return Table(title=Text(f"\n{title}", style="bold"), title_justify="left", box=None, show_header=show_header)
