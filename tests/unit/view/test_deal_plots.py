from pathlib import Path

import pytest

from forge_core.errors import InputError
from forge_core.shards.read import read_metadata
from forge_view.deal_plots import draw_deals


def test_deals_are_drawn(shard_folder: Path, tmp_path: Path) -> None:
    draw_deals(tmp_path / "deals.png", [read_metadata(path) for path in sorted(shard_folder.rglob("*.parquet"))])
    assert (tmp_path / "deals.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["deals.png"]


def test_no_deals_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no deals"):
        draw_deals(tmp_path / "deals.png", [])
