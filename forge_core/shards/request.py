"""One deal to solve, and where its shard lies."""

from dataclasses import dataclass
from pathlib import Path

from forge_core.rules import Deal, deal_from_seed, deal_with_fixed_hand, parse_declaration
from forge_core.rules.deal import check_seed
from forge_core.shards.split import Split, split_of

_DECLARATIONS = range(10)


@dataclass(frozen=True, slots=True, order=True)
class DealRequest:
    """A deal and a declaration, named by seeds.

    seed           deals all four hands (`deal_from_seed`)
    opponent_seed  None, or: seat 0 keeps the hand that `seed` deals it, and this seed deals the 21 other dominoes
    declaration    0-9

    Raises InputError for a seed below 0 or a declaration that does not exist.
    """

    seed: int
    opponent_seed: int | None
    declaration: int

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.opponent_seed is not None:
            check_seed(self.opponent_seed, "opponent seed")
        if self.declaration not in _DECLARATIONS:
            parse_declaration(self.declaration)  # raises: says what there is to choose from

    @classmethod
    def standard(cls, seed: int) -> "DealRequest":
        """A seed's deal under the declaration seed % 10."""
        return cls(seed, None, seed % 10)

    def deal(self) -> Deal:
        """The four hands."""
        deal = deal_from_seed(self.seed)
        return deal if self.opponent_seed is None else deal_with_fixed_hand(deal.hands[0], self.opponent_seed)

    @property
    def split(self) -> Split:
        """The split that the seed belongs to."""
        return split_of(self.seed)

    @property
    def file_name(self) -> str:
        """The name of the shard: "seed_00000000_decl_0.parquet", "seed_00000000_opp2_decl_0.parquet"."""
        opponent = "" if self.opponent_seed is None else f"_opp{self.opponent_seed}"
        return f"seed_{self.seed:08d}{opponent}_decl_{self.declaration}.parquet"

    def relative_path(self) -> Path:
        """Where the shard lies in its folder: "train/seed_00000000_decl_0.parquet"."""
        return Path(self.split, self.file_name)
