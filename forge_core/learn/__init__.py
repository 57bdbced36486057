"""Learning: networks that imitate the exact oracle, from token arrays to a model that plays.

settings      what a training run is, and the sizes of the networks
network       the interface of the networks; mlp and transformer are the two there are
batches       token arrays into batches, in an order that can be stopped and resumed
lit_module    the losses, the optimiser and the schedule
train         one training run, from a folder of tokens to a folder with a model
hardware      how many devices; together starts a helper for each further one
ownership     the inputs of the mlp
players       what random play, highest-rank play and a model choose
metrics       how good a player chooses and a model predicts: regret, errors, blunders, ties, with intervals
evaluate      a model after training: random play and an untrained network on the same states
evaluation    a model beside simple players on states of its own (evaluation_settings), and its plots
model_folder  a trained model on disk: safetensors and JSON, the latter (model_config) to be read without torch
export        the same model as ONNX, checked before it is accepted
model         what a model answers; inference makes one, ready to be asked, from what is on disk or in the catalog
publish       a model as it is promoted: half-precision weights, a small ONNX file
catalog, card the promoted models, their names and what they were measured to be
history, callbacks, resume, report, quiet   what a run keeps, shows and leaves unsaid

The networks see a state as its mover does and speak in points. Importing torch and lightning takes seconds, so this
module and the settings leave it to those that need it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forge_core.learn.inference import OnnxModel, TorchModel
    from forge_core.learn.settings import ModelKind


def load(
    model: Path | str, *, kind: "ModelKind | None" = None, device: str = "cpu", catalog: Path | None = None
) -> "TorchModel | OnnxModel":
    """A trained model, ready to be asked: `slots, value = load("champion")(tokens, mask)`. See `inference.load`.

    catalog  none = the one that comes with the code
    """
    from forge_core.learn import inference
    from forge_core.learn.catalog import DEFAULT

    return inference.load(model, kind=kind, device=device, catalog=catalog or DEFAULT)
