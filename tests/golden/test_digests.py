"""Shards, training arrays and games of seeds 0-9 have the bytes that they always had, made by the stages themselves.

Training arrays hold dominoes in place of pips since format version 2: turned back, they have the bytes of version 1.
Their manifest lists its settings: its digest is new since `keep_forced` and `keep_followers` are among them.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from forge_core.artifacts.listing import foreign_source, list_folder
from forge_core.shards.settings import ShardSettings
from forge_core.tokens.settings import TokenSettings
from tasks import generate, generate_eq, tokenize
from tasks.stage import Call, Context
from tests.tokens import as_format_1

DIGESTS: Mapping[str, Mapping[str, str]] = json.loads(Path(__file__).with_name("digests.json").read_text())
HERE = Context(threads=2, device="cpu")


def made(call: Call[Any], folder: Path) -> dict[str, str]:
    folder.mkdir()
    call.run(HERE, folder)
    return {file.path: file.sha256 for file in list_folder(folder).files}


def deals(keep: str, count: int, **more: int) -> Call[Any]:
    shards = ShardSettings.model_validate({"keep": keep} | more)
    asked = tuple((seed, None, seed % 10) for seed in range(count))
    return Call(generate.STAGE, generate.GenerateSettings(shards=shards, deals=asked))


def test_samples_and_training_arrays(tmp_path: Path) -> None:
    assert made(deals("samples", 10, states_per_deal=2000), tmp_path / "shards") == DIGESTS["shards_samples"]
    call = Call(tokenize.STAGE, TokenSettings(), (foreign_source(tmp_path / "shards"),))
    assert made(call, tmp_path / "tokens") == DIGESTS["tokens"]
    as_format_1(tmp_path / "tokens")
    files = list_folder(tmp_path / "tokens").files
    assert {file.path: file.sha256 for file in files} == DIGESTS["tokens_1"]


@pytest.mark.parametrize(("keep", "count"), [("table", 10), ("all", 2)])
def test_whole_deals(tmp_path: Path, keep: str, count: int) -> None:
    assert made(deals(keep, count), tmp_path / "shards") == DIGESTS[f"shards_{keep}"]


def test_games(tmp_path: Path) -> None:
    call = Call(generate_eq.STAGE, generate_eq.GamesSettings(seeds=tuple(range(10))))
    found = made(call, tmp_path / "games")
    assert found == DIGESTS["games"]
    assert {path: as_version_1(tmp_path / "games" / path) for path in found} == DIGESTS["games_1"]


def as_version_1(path: Path) -> str:
    """The digest that a game had before `p_final` was among its fields."""
    content = torch.load(path, weights_only=True)
    assert content.pop("schema_version") == 2
    content["metadata"]["settings"].pop("rollout_exact")
    tensors = {name: value.clone() for name, value in content.items() if name not in ("metadata", "p_final")}
    buffer = io.BytesIO()
    torch.save({"schema_version": 1, "metadata": content["metadata"]} | tensors, buffer)
    return hashlib.sha256(buffer.getbuffer()).hexdigest()
