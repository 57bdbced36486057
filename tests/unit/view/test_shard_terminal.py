from pathlib import Path

from rich.console import Console

from forge_core.rules import hand_name
from forge_core.shards.generate import write_deal
from forge_core.shards.request import DealRequest
from forge_core.shards.settings import Keep, ShardSettings
from forge_view.shard_terminal import describe


def text_of(path: Path) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(describe(path))
    return captured.get()


def test_a_shard_shows_its_deal_its_spread_and_some_states(shard: Path) -> None:
    text = text_of(shard)
    assert "1 (ones)" in text
    for hand in DealRequest(1, None, 1).deal().hands:
        assert hand_name(hand) in text
    assert "plays left" in text
    assert text.count("holds") == text.count("to play") + text.count("leads") == 3
    assert " q " in text


def test_a_table_shows_the_opening(tmp_path: Path) -> None:
    receipt = write_deal(DealRequest(1, None, 1), ShardSettings(keep=Keep.TABLE), tmp_path)
    text = text_of(tmp_path / receipt.relative_path)
    assert "28 plays left, V +38" in text
    assert " q " not in text
