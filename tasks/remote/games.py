"""E[Q] games played on Modal, and brought here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forge_core.artifacts.fingerprint import fingerprint
from forge_core.artifacts.key import make_key
from forge_core.artifacts.listing import Source
from forge_core.expected_q.files import relative_path
from forge_core.expected_q.settings import EqSettings
from tasks.oracles import EXACT_CODE, MODEL_CODE
from tasks.remote import blocks
from tasks.remote.running import run
from tasks.remote.volume import Files


def make_games(seeds: Sequence[int], settings: EqSettings, model: Source | None) -> Files:
    """See to it that the Volume has the games of some seeds, with the exact solver or a model as the oracle."""
    code = EXACT_CODE if model is None else MODEL_CODE
    inputs = [] if model is None else [model]
    key = make_key(
        "generate-eq",
        code=fingerprint(*code),
        settings={"expected_q": settings},
        inputs=[each.digest for each in inputs],
    )
    recipe = blocks.Recipe(
        key=key, code=tuple(code), unit="games", path=relative_path, work=_work, gpu=model is not None
    )
    return run(blocks.make(recipe, seeds, inputs=inputs))


def bring_games(files: Files, seeds: Sequence[int], folder: Path) -> int:
    """The games of some seeds in a folder; how many it lacked."""
    return run(blocks.bring(files, [relative_path(seed).as_posix() for seed in seeds], folder, what="games"))


def _work(seeds: Sequence[int]) -> dict[str, Any]:
    return {"seeds": list(seeds)}
