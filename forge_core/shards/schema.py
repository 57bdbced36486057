"""What a shard file is: a Parquet file that can be read alone.

The columns hold one state a row; the metadata, JSON under one key of the Parquet file's key-value metadata, hold the
deal and how the states were chosen. Values are points to go from team 0's view, as the solver gives them.
"""

from typing import Annotated

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
METADATA_KEY = "crystal_forge.shard"

STATE = "state"
VALUE = "V"
Q_COLUMNS = tuple(f"q{slot}" for slot in range(7))
COLUMNS = pa.schema(
    [pa.field(STATE, pa.int64(), nullable=False)]
    + [pa.field(name, pa.int8(), nullable=False) for name in (VALUE, *Q_COLUMNS)]
)
"""state int64 (packed), V int8, q0..q6 int8 (-128 = illegal slot)."""


class ShardMetadata(BaseModel):
    """What a shard says of itself.

    dominoes          the 28 dealt ids, seat 0's seven slots first; the deal is always read from here, never re-dealt
    sampling          how the states were chosen, in words that `ShardSettings` understands
    sampling_key      the key (hexadecimal) of the Philox generator that chose them
    states_per_deal   the most states that were asked for
    reachable_states  states of the deal's whole game tree, mid-trick and final ones included
    opening_value     V of the opening, points, team 0's view
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int
    seed: int = Field(ge=0)
    opponent_seed: int | None = Field(ge=0)
    declaration: int = Field(ge=0, le=9)
    dominoes: Annotated[tuple[int, ...], Field(min_length=28, max_length=28)]
    sampling: str
    sampling_key: str
    states_per_deal: int
    rows: int = Field(ge=0)
    reachable_states: int = Field(ge=1)
    opening_value: int = Field(ge=-42, le=42)
    solver_version: str
