"""Learning: networks that imitate the exact oracle, from token arrays to a model that plays.

settings      what a training run is, and the sizes of the networks
network       the interface of the networks; mlp and transformer are the two there are
batches       token arrays into batches, in an order that can be stopped and resumed
lit_module    the losses, the optimiser and the schedule
train         one training run, from a folder of tokens to a folder with a model
ownership     the inputs of the mlp
metrics       how good a model plays and predicts: regret, errors, blunders
evaluate      a model, random play and an untrained network on the same states
model_folder  a trained model on disk: safetensors and JSON
export        the same model as ONNX, checked before it is accepted
inference     a model from disk, ready to be asked
history, callbacks, resume, report, quiet   what a run keeps, shows and leaves unsaid

The networks see a state as its mover does and speak in points. Importing torch and lightning takes seconds, so this
module and the settings leave it to those that need it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forge_core.learn.inference import OnnxModel, TorchModel
    from forge_core.learn.settings import ModelKind


def load(path: Path, *, kind: "ModelKind | None" = None, device: str = "cpu") -> "TorchModel | OnnxModel":
    """A trained model, ready to be asked: `slots, value = load(path)(tokens, mask)`. See `inference.load`."""
    from forge_core.learn import inference

    return inference.load(path, kind=kind, device=device)
