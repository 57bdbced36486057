import signal
import subprocess
import sys
import time
from pathlib import Path

from forge_core.datasets.base import claim
from forge_core.expected_q.dataset import Games
from forge_core.expected_q.files import relative_path
from forge_core.expected_q.generate import generate_games
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.solver.search import search_q

ORACLE = ExactOracle(search_q, "1")
SETTINGS = EqSettings(n_worlds=2, enumerate_up_to=2)
GENERATOR = """
import sys
from pathlib import Path
from forge_core.expected_q.generate import generate_games
from forge_core.expected_q.oracle import ExactOracle
from forge_core.expected_q.settings import EqSettings
from forge_core.solver.search import search_q
settings = EqSettings(n_worlds=2, enumerate_up_to=2)
seeds = range(int(sys.argv[2]))
receipt = generate_games(Path(sys.argv[1]), seeds, ExactOracle(search_q, "1"), settings, lockstep=2)
sys.stdout.write(",".join(map(str, receipt.made)))
"""


def start(folder: Path, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", GENERATOR, str(folder), str(n)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("[!.]*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_only_gaps_are_filled(tmp_path: Path):
    written: list[int] = []
    receipt = generate_games(tmp_path, [1, 900], ORACLE, SETTINGS, on_game=lambda game: written.append(game.seed))
    assert sorted(receipt.made) == sorted(written) == [1, 900]
    before = contents(tmp_path)
    assert set(before) == {"train/seed_00000001.pt", "val/seed_00000900.pt"}
    again = generate_games(tmp_path, [1, 2, 900], ORACLE, SETTINGS)
    assert (again.made, again.present, again.claimed) == ((2,), 2, 0)
    assert before.items() <= contents(tmp_path).items()


def test_a_seed_that_another_generator_is_at_is_left_to_it(tmp_path: Path):
    with claim(tmp_path / relative_path(1), wait=True, is_sound=Games().is_sound):
        receipt = generate_games(tmp_path, [1, 2], ORACLE, SETTINGS)
    assert (receipt.made, receipt.claimed) == ((2,), 1)
    assert generate_games(tmp_path, [1, 2], ORACLE, SETTINGS).made == (1,)


def test_two_generators_and_one_killed_leave_what_one_undisturbed_leaves(tmp_path: Path):
    undisturbed, folder, seeds = tmp_path / "a", tmp_path / "b", range(10)
    generate_games(undisturbed, seeds, ORACLE, SETTINGS)
    killed = start(folder, len(seeds))
    while not list(folder.glob("train/seed_*.pt")) and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    gaps = Games().missing(folder, seeds)
    other = start(folder, len(seeds))
    made = list(generate_games(folder, seeds, ORACLE, SETTINGS, lockstep=2).made)
    made += [int(seed) for seed in other.communicate()[0].split(",") if seed]
    assert other.returncode == 0
    assert sorted(made) == gaps
    assert Games().missing(folder, seeds) == []
    for seed in seeds:
        assert (folder / relative_path(seed)).read_bytes() == (undisturbed / relative_path(seed)).read_bytes()
