"""What an export is held to, and what it found. Reading it needs neither torch nor onnxruntime."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

REPORT = "export.json"


class Precision(StrEnum):
    """How an exported file keeps and multiplies its weights. Inputs and outputs are the same in all of them."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"

    @property
    def file(self) -> str:
        """The name of the file."""
        return "model.onnx" if self is Precision.FP32 else f"model.{self.value}.onnx"


class Limits(NamedTuple):
    """What is accepted of a file, against torch on the same samples, points (logits for the slots of a policy).

    max_difference   of any answer; None = not limited
    mean_difference  of all answers
    q_gap            how far the lower end of the 95 % interval of its q_gap minus torch's may lie above 0
    """

    max_difference: float | None
    mean_difference: float
    q_gap: float


LIMITS = {
    Precision.FP32: Limits(max_difference=1e-3, mean_difference=1e-3, q_gap=1e-3),
    Precision.FP16: Limits(max_difference=None, mean_difference=0.02, q_gap=0.002),
    Precision.INT8: Limits(max_difference=None, mean_difference=0.25, q_gap=0.02),
}
"""Why these: docs/decisions/0007."""


class ExportSettings(BaseModel):
    """How exported files are checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int = Field(
        default=4096,
        ge=1,
        le=10_000_000,
        description="Samples of val on which the files are compared with torch.",
    )


DEFAULT = ExportSettings()


class Parity(BaseModel):
    """An exported file against torch on the same samples, in points (logits for the slots of a policy).

    max_difference   the largest of any answer: legal slots and value, asked in a batch and one by one
    mean_difference  the mean of those asked in a batch
    other_plays      share of the samples in which another slot is played
    q_gap_change     its q_gap minus torch's; above 0 it plays worse
    interval         the 95 % interval of that, over deals; None when there is one deal alone
    refused          why the file was not accepted and is not there; None = it was
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    max_difference: float
    mean_difference: float
    other_plays: float
    q_gap_change: float
    interval: tuple[float, float] | None
    refused: str | None


class ExportReport(BaseModel):
    """What was exported, and how well it agrees; the file export.json.

    samples  how many real samples were compared
    q_gap    torch's on them, points
    files    by precision
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int
    q_gap: float
    files: dict[Precision, Parity]


def refusal(precision: Precision, *, largest: float, mean: float, rise: float) -> str | None:
    """Why a file with these differences is not accepted; None when it is.

    rise  the lower end of the 95 % interval of its q_gap minus torch's, points
    """
    limits = LIMITS[precision]
    held = [
        ("an answer differs by {:.2g} points, {:g} is the limit", largest, limits.max_difference),
        ("answers differ by {:.2g} points on average, {:g} is the limit", mean, limits.mean_difference),
        ("q_gap rises by more than {:.2g} points, {:g} is the limit", rise, limits.q_gap),
    ]
    problems = [text.format(value, limit) for text, value, limit in held if limit is not None and not value <= limit]
    return "; ".join(problems) or None
