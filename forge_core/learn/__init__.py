"""Learning: networks that imitate the exact oracle, from token arrays to a model that plays.

settings    what a training run is, the sizes of the networks, and what a model says of itself on disk
network     the interface of the networks, the MLP and its inputs, the transformer, and how one is built
features    what the inputs of the MLP are computed from: the rules as tables, a look one trick ahead
batches     what is learned from: token arrays, or fresh deals that are solved meanwhile
averages    a network in training whose weights are averaged, here and in `seat`
lit_module  losses, optimiser, schedule, the look at val; what a run keeps: best weights, checkpoints
train       one training run, from a folder of tokens to a folder with a model, and what it may start from
ddp         several devices: a process each
report      what a run says while it goes on
model       what a model answers, the folder or the checkpoint that keeps one, and how one is asked
metrics     how good simple players and models choose and predict: regret, errors, blunders, ties, with intervals
evaluation  a model beside simple players on the same states
plots       the epochs of a run as JSON, and pictures of trainings and evaluations
export      a model as ONNX in three precisions, checked before it is accepted; export_report: what it is held to
catalog     the promoted models and their cards: names, and what they were measured to be

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
