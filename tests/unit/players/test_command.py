"""Foreign programs: the protocol, and every way to fail that forfeits a contract and nothing else."""

import sys
from pathlib import Path

import pytest

from forge_core.errors import InputError
from forge_core.players.contracts import play_out
from forge_core.players.registry import Means, make_player
from tests.unit.players.conftest import contracts

FOREIGN = f"command:{sys.executable} -W ignore {Path(__file__).with_name('foreign.py')}"
REASONS = {
    "crash": "ended with code 1 (stderr: out of ideas)",
    "hang": "gave no answer in 4 s",
    "half": "gave no answer in 4 s but b'",
    "illegal": "where it may play",
    "words": "answered 'the double six', which are no numbers",
    "score": "says leader and points are",
    "memory": "MemoryError",
}


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


def test_a_foreign_program_plays_by_the_protocol() -> None:
    player = make_player(FOREIGN, Means(2))
    played = play_out(contracts(6), player, make_player("random"), to_the_end=True)
    assert not played.forfeits
    assert (played.plays >= 0).all()


def test_flooding_stderr_does_not_stop_a_match() -> None:
    played = play_out(contracts(2), make_player(f"{FOREIGN} flood 0", Means(1)), make_player("random"))
    assert not played.forfeits


@pytest.mark.parametrize("fault", REASONS)
def test_a_program_that_fails_forfeits_with_a_reason(fault: str) -> None:
    means = Means(1, seconds=4.0, memory=2 << 30)
    played = play_out(contracts(2), make_player(f"{FOREIGN} {fault} 1", means), make_player("random"), to_the_end=True)
    assert set(played.forfeits) == {0, 1}  # the second one went on to its own failure: the program was started again
    assert all(REASONS[fault] in why for why in played.forfeits.values())
    assert not played.made.any()
    assert ((played.plays >= 0).sum(axis=1) >= 4).all()


@pytest.mark.parametrize("text", ["command:", "command:/no/such/program"])
def test_a_program_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="program"):
        make_player(text)
