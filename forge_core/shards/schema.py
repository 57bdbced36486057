"""What a shard file is: a Parquet file that can be read alone.

The columns hold one state a row; the metadata, JSON under one key of the Parquet file's key-value metadata, hold the
deal and how the states were chosen. Values are points to go from team 0's view, as the solver gives them.
"""

from typing import Annotated

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from forge_core.seeds import Seed
from forge_core.shards.settings import Keep

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

TABLE_COLUMNS = pa.schema([COLUMNS.field(STATE), COLUMNS.field(VALUE)])
"""The columns of a shard that keeps the table: state int64 (packed, no play in the trick), V int8."""


class Sampling(BaseModel):
    """How the states of a shard were chosen.

    strategy         a strategy or a mixture, in its canonical form
    epsilon          the chance of any legal play instead of a best one; None where no games are played
    states_per_deal  the most states that were asked for
    key              of the Philox generator that chose them, hexadecimal
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str
    epsilon: float | None
    states_per_deal: int
    key: str


class ShardMetadata(BaseModel):
    """What a shard says of itself.

    dominoes          the 28 dealt ids, seat 0's seven slots first; the deal is always read from here, never re-dealt
    keep              what the rows are: samples, the table, or all states
    rows              states in the file
    reachable_states  states of the deal's whole game tree, mid-trick and final ones included
    opening_value     V of the opening, points, team 0's view
    sampling          how the states were chosen; None where nothing was
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int
    solver_version: str
    seed: Seed
    opponent_seed: Seed | None
    declaration: int = Field(ge=0, le=9)
    dominoes: Annotated[tuple[int, ...], Field(min_length=28, max_length=28)]
    keep: Keep
    rows: int = Field(ge=0)
    reachable_states: int = Field(ge=1)
    opening_value: int = Field(ge=-42, le=42)
    sampling: Sampling | None


def columns_of(keep: Keep) -> pa.Schema:
    """The columns of a shard."""
    return TABLE_COLUMNS if keep is Keep.TABLE else COLUMNS
