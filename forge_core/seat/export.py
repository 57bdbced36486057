"""A seat network as ONNX in three precisions, each compared with torch on real decisions before it is accepted."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from jaxtyping import Float, Int64
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from forge_core.errors import ParityError
from forge_core.files import write_text
from forge_core.learn.export import TRACED_BATCH, reduced, traced
from forge_core.learn.export_report import REPORT, Precision
from forge_core.seat.encode import N_INPUTS, Inputs
from forge_core.seat.folder import ONNX_CONFIG, read_seat_network
from forge_core.seat.games import validation_games
from forge_core.seat.network import SeatNetwork
from forge_core.seat.onnx_model import onnx_ask
from forge_core.seat.settings import SeatSettings

LIMITS = {Precision.FP32: 1e-4, Precision.FP16: 0.02, Precision.INT8: 0.1}
"""How far a chance may differ from torch's."""

_DEALS = 20


class SeatParity(BaseModel):
    """An exported file against torch on the same decisions.

    max_difference, mean_difference  of the chances of all points after each legal play
    refused                          why the file was not accepted and is not there; None = it was
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    max_difference: float
    mean_difference: float
    refused: str | None


class SeatExportReport(BaseModel):
    """What was exported, and how well it agrees; the file export.json.

    decisions  how many real decisions were compared
    files      by precision
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decisions: int
    files: dict[Precision, SeatParity]


class _Chances(nn.Module):
    def __init__(self, network: SeatNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, inputs: Float[Tensor, "n 711"], slots: Int64[Tensor, "n 7"]
    ) -> tuple[Float[Tensor, "n 7 43"], Float[Tensor, "n 28 3"]]:
        answer = self.network(inputs, slots)
        return answer.points.softmax(-1), answer.belief


def export_seat(model_folder: Path, output: Path, *, threads: int = 1) -> SeatExportReport:
    """Export the seat network in a folder into the folder `output`: a file of each precision, and the report.

    Inputs `inputs` float32[batch, 711] and `slots` int64[batch, 7] (see `encode`); outputs `chances`
    float32[batch, 7, 43], per slot the chances of the points that the bidding team still wins, and `belief`
    float32[batch, 28, 3], logits; the batch is free. The files carry the network's config. A file of half precision or
    int8 beyond its limit is not written, and the report says why.

    Args:
        model_folder: what training wrote.
        output: made if it is not there.
        threads: of the search that makes the decisions.

    Raises:
        ModelError: the folder holds no seat network.
        ParityError: the float32 file does not agree; then nothing is written.
    """
    network, config = read_seat_network(model_folder)
    samples = validation_games(SeatSettings(), list(range(900, 900 + _DEALS)), threads=threads)
    inputs, legal = Inputs(samples.inputs, samples.slots, samples.legal), samples.legal
    with torch.inference_mode():
        expected = network(torch.from_numpy(inputs.inputs), torch.from_numpy(inputs.slots)).points.softmax(-1).numpy()
    whole = _exported(network)
    output.mkdir(parents=True, exist_ok=True)
    found: dict[Precision, SeatParity] = {}
    with TemporaryDirectory(prefix=".export.", dir=output) as temporary:
        for precision in Precision:
            path = Path(temporary) / precision.file
            model = reduced(whole, precision)
            onnx.helper.set_model_props(model, {ONNX_CONFIG: config.model_dump_json()})
            onnx.save(model, str(path))
            difference = np.abs(onnx_ask(path)[0](inputs)[0] - expected)[legal]
            largest, limit = float(difference.max()), LIMITS[precision]
            refused = None if largest <= limit else f"a chance differs by {largest:.2g}, {limit:g} is the limit"
            found[precision] = SeatParity(
                bytes=path.stat().st_size,
                max_difference=largest,
                mean_difference=float(difference.mean()),
                refused=refused,
            )
            if precision is Precision.FP32 and refused:
                raise ParityError.of(
                    got=f"an exported seat network whose answers differ from torch's: {refused}",
                    expected=f"agreement on {len(samples)} decisions",
                    remedy="report this: the exporter and onnxruntime do not fit the network",
                )
        for precision, parity in found.items():
            if parity.refused is None:
                (Path(temporary) / precision.file).replace(output / precision.file)
    report = SeatExportReport(decisions=len(samples), files=found)
    write_text(output / REPORT, report.model_dump_json(indent=1))
    return report


def _exported(network: SeatNetwork) -> onnx.ModelProto:
    slots = torch.zeros(TRACED_BATCH, 7, dtype=torch.int64)
    inputs = {"inputs": torch.zeros(TRACED_BATCH, N_INPUTS), "slots": slots}
    return traced(_Chances(network).eval(), inputs, ["chances", "belief"])
