"""The type of a seed in settings: one bound and one message, the same as `forge_core.rules.deal.check_seed`'s."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from forge_core.rules.deal import MAX_SEED


def _within(seed: int) -> int:
    if not 0 <= seed <= MAX_SEED:
        raise PydanticCustomError("seed", "a seed from 0 to {most} (2^63 - 1)", {"most": MAX_SEED})
    return seed


Seed = Annotated[int, AfterValidator(_within), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MAX_SEED})]
"""A seed from 0 to 2^63 - 1, of a deal or of a random stream."""
