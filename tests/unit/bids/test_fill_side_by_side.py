"""Generators on one folder: two at a time, and one that is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from forge_core.bids.dataset import Bids, generate_bids
from forge_core.bids.settings import BidSettings
from forge_core.datasets.base import claim
from forge_core.players.registry import make_player

SETTINGS = BidSettings(samples=20, playouts=2, seat_model="highest")
PLAYER = make_player("highest")
SEEDS = range(895, 905)
GENERATOR = f"""
import sys
from pathlib import Path
from forge_core.bids.dataset import generate_bids
from forge_core.bids.settings import BidSettings
from forge_core.players.registry import make_player
settings = BidSettings.model_validate_json('{SETTINGS.model_dump_json()}')
made = generate_bids(Path(sys.argv[1]), {SEEDS!r}, settings, make_player("highest"))
print(",".join(map(str, made)))
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", GENERATOR, str(folder)], stdout=subprocess.PIPE, text=True)


def test_two_generators_and_one_killed_leave_what_one_undisturbed_leaves(tmp_path: Path) -> None:
    undisturbed, folder = tmp_path / "a", tmp_path / "b"
    generate_bids(undisturbed, SEEDS, SETTINGS, PLAYER)
    killed = start(folder)
    while not list(folder.glob("train/seed_*.parquet")) and killed.poll() is None:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    dataset = Bids(SETTINGS)
    gaps = dataset.missing(folder, SEEDS)
    assert 0 < len(gaps) < len(SEEDS)
    other = start(folder)
    made = generate_bids(folder, SEEDS, SETTINGS, PLAYER)
    made += [int(seed) for seed in other.communicate()[0].strip().split(",") if seed]
    assert other.returncode == 0
    assert sorted(made) == gaps
    assert dataset.missing(folder, SEEDS) == []
    for seed in SEEDS:
        assert dataset.path(folder, seed).read_bytes() == dataset.path(undisturbed, seed).read_bytes()


def test_a_hand_that_another_generator_is_at_is_left_to_it(tmp_path: Path) -> None:
    path = Bids(SETTINGS).path(tmp_path, 1)
    path.parent.mkdir(parents=True)
    with claim(path, wait=True, is_sound=Bids(SETTINGS).is_sound):
        assert generate_bids(tmp_path, [1, 2], SETTINGS, PLAYER) == [2]
    assert generate_bids(tmp_path, [1, 2], SETTINGS, PLAYER) == [1]
