"""Folders that commands filled are compared with their checksums by the commands that take them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.unit.test_sums import HARM

TRAIN = ["train", "--epochs", "1", "--batch-size", "64", "--set", "samples_per_epoch=128"]
MEASURE = ["evaluate", "--split", "val", "--checkpoint"]


def refused(*words: str | Path) -> list[str]:
    """The lines with which a command refuses its inputs."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return [line for line in result.stderr.splitlines() if "Got" in line]


@pytest.mark.usefixtures("home")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_arrays_and_models_that_were_changed_are_refused_in_one_line(tmp_path: Path) -> None:
    runner = CliRunner()
    shards, tokens, model = tmp_path / "shards", tmp_path / "tokens", tmp_path / "model"
    for words in (
        ["generate", "--start-seed", "898", "--count", "4", "--states-per-deal", "60", "--output", shards],
        ["tokenize", "--input", shards, "--output", tokens],
        [*TRAIN, "--data", tokens, "--output", model],
    ):
        made = runner.invoke(app, [str(word) for word in words])
        assert made.exit_code == 0, made.output

    look(tokens / "train" / "tokens.npy", lambda: refused(*TRAIN, "--set", "seed=1", "--data", tokens))
    look(tokens / "val" / "q.npy", lambda: refused(*MEASURE, model, "--data", tokens))
    for name in ("model.safetensors", "config.json"):
        look(model / name, lambda: refused(*MEASURE, model, "--data", tokens))


def look(path: Path, command: Callable[[], list[str]]) -> None:
    """A command says in one line which file is not as it was written, however it was harmed."""
    content = path.read_bytes()
    for harm in HARM.values():
        harm(path)
        (line,) = command()
        assert path.name in line
        path.unlink(missing_ok=True)
        path.write_bytes(content)
