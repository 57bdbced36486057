"""The stage `publish`: a model as it would be promoted, its weights in half precision."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.stage import Context, Details, Stage


class PublishSettings(BaseModel):
    """Nothing is left open."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def run(_context: Context, folder: Path, _settings: PublishSettings, inputs: Sequence[Path]) -> Details:
    """Write the model folder. The input is a model. Raises ModelError."""
    from forge_core.learn.model import write_half_precision

    write_half_precision(inputs[0], folder)
    return {}


STAGE = Stage(name="publish", settings=PublishSettings, kind="model", run=run)
