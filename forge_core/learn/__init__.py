"""Learning: networks that imitate the exact oracle, from token arrays to a model that plays.

settings       what a training run is, and the sizes of the networks
features       the rules as tables, and what a trick ahead brings: what the inputs of the MLP are computed from
network        the interface of the networks, the MLP and its inputs, the transformer, and how one is built
batches        token arrays into batches, in an order that can be stopped and resumed; stream: batches of fresh deals
lit_module     the losses, the optimiser and the schedule
train          one training run, from a folder of tokens to a folder with a model
callbacks      what a run keeps and shows; history: its epochs; resume: its checkpoints; report: who else is told
ddp            several devices: a process each, of which ddp_worker is the program; hardware: how many
players        what random play, highest-rank play and a model choose
metrics        how good a player chooses and a model predicts: regret, errors, blunders, ties, with intervals
evaluate       a model after training: random play and an untrained network on the same states
evaluation     a model beside simple players on states of its own (evaluation_settings), and its plots
model          what a model answers, and the folder that keeps one; model_config: what can be read without torch
inference      a model ready to be asked, from what is on disk or in the catalog
export         a model as ONNX in three precisions, checked (export_report) before it is accepted
half_precision a model as it is promoted: half-precision weights, a small ONNX file
catalog, card  the promoted models, their names and what they were measured to be

The networks see a state as its mover does and speak in points. Importing torch and lightning takes seconds, so this
module and the settings leave it to those that need it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    from forge_core.learn.model import OnnxModel, TorchModel
    from forge_core.learn.settings import ModelKind
    from forge_core.seat.model import AskedInRows


@overload
def load(
    model: Path | str, *, kind: Literal["seat"], device: str = "cpu", catalog: Path | None = None
) -> "AskedInRows": ...


@overload
def load(
    model: Path | str, *, kind: "ModelKind | None" = None, device: str = "cpu", catalog: Path | None = None
) -> "TorchModel | OnnxModel": ...


def load(
    model: Path | str,
    *,
    kind: 'ModelKind | Literal["seat"] | None' = None,
    device: str = "cpu",
    catalog: Path | None = None,
) -> "TorchModel | OnnxModel | AskedInRows":
    """A trained model, ready to be asked: `slots, value = load("champion")(tokens, mask)`. See `model.load`.

    Of the kind "seat", a network that sees one hand: `seat.advise.seat_advice(info, load("champion", kind="seat"))`
    needs no deal. It is asked on the CPU; see `forge_core.seat.load`.

    catalog  none = the one that comes with the code
    """
    from forge_core.learn.catalog import DEFAULT

    if kind == "seat":
        from forge_core.seat.load import load_seat

        return load_seat(model, catalog=catalog or DEFAULT)
    from forge_core.learn import model as models

    return models.load(model, kind=kind, device=device, catalog=catalog or DEFAULT)
