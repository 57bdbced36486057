"""Filling a folder with games: only what is missing, side by side with other generators, whoever is killed when."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from forge_core.datasets.base import claim
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.files import relative_path, write_game
from forge_core.expected_q.games import Game, play_games
from forge_core.expected_q.oracle import AnyOracle
from forge_core.expected_q.settings import EqSettings


@dataclass(frozen=True, slots=True)
class GenerationReceipt:
    """What came of a request for games.

    made      the seeds written now, in the order in which they ended
    present   how many were there before
    claimed   how many another generator was writing, or wrote meanwhile
    """

    made: tuple[int, ...]
    present: int
    claimed: int


def generate_games(
    folder: Path,
    seeds: Iterable[int],
    oracle: AnyOracle,
    settings: EqSettings,
    *,
    lockstep: int = 16,
    on_game: Callable[[Game], None] | None = None,
) -> GenerationReceipt:
    """Write the missing games of these seeds into `folder`; `on_game` is called after each is written.

    Two generators on one folder share the work: a seed is claimed before its game begins. A generator that is killed
    loses the games it was at, at most `lockstep` of them, and leaves no claim behind.
    """
    wanted = list(seeds)
    gaps = Games().missing(folder, wanted)
    made: list[int] = []
    with _Claims(folder) as claims:
        for game in play_games(claims.take(gaps), oracle, settings, lockstep=lockstep):
            write_game(game, folder)
            claims.release(game.seed)
            made.append(game.seed)
            if on_game is not None:
                on_game(game)
    return GenerationReceipt(tuple(made), len(wanted) - len(gaps), len(gaps) - len(made))


class _Claims:
    """The claims of the games that are under way, by seed."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._held: dict[int, ExitStack] = {}

    def __enter__(self) -> "_Claims":
        return self

    def __exit__(self, *_: object) -> None:
        for seed in list(self._held):
            self.release(seed)

    def take(self, seeds: Iterable[int]) -> Iterator[int]:
        """Those of the seeds that could be claimed and are still missing then, one at a time as they are asked for."""
        for seed in seeds:
            with ExitStack() as stack:
                path = self._folder / relative_path(seed)
                if stack.enter_context(claim(path, wait=False, is_sound=Games().is_sound)) is None:
                    continue
                self._held[seed] = stack.pop_all()
            yield seed

    def release(self, seed: int) -> None:
        """Give a claim back."""
        self._held.pop(seed).close()
