import pytest

from forge_core.shards.split import Split, split_of


@pytest.mark.parametrize(
    ("seed", "split"),
    [(0, Split.TRAIN), (899, Split.TRAIN), (900, Split.VAL), (949, Split.VAL), (950, Split.TEST), (999, Split.TEST)],
)
def test_a_seed_modulo_1000_decides(seed: int, split: Split) -> None:
    assert split_of(seed) is split
    assert split_of(seed + 7000) is split
