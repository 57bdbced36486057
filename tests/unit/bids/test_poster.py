"""The page about a hand."""

import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from forge_core.bids.advice import Stakes, advise_call
from forge_core.bids.matrix import BidMatrix, Method
from forge_core.bids.settings import BidSettings
from forge_core.errors import InputError
from forge_core.rules import Auction, parse_hand
from forge_view.bids import heat_colour
from forge_view.poster import write_poster

HAND = parse_hand("6-4,5-5,4-2,3-1,2-0,1-1,0-0")


def poster(path: Path) -> Path:
    rng = np.random.default_rng(0)
    counts = {method: rng.multinomial(200, np.ones(43) / 43, size=10) for method in Method}
    matrix = BidMatrix(HAND, tuple(range(10)), counts, BidSettings(), 0)
    write_poster(path, matrix, advise_call(matrix, Auction(3), Stakes()), Stakes(), HAND[0])
    return path


def test_colours_run_from_red_to_green() -> None:
    assert [heat_colour(p) for p in (0, 0.5, 1)] == ["#c0392b", "#f1c40f", "#1e8449"]


def test_a_picture(tmp_path: Path) -> None:
    pixels = matplotlib.image.imread(poster(tmp_path / "hand.png"))
    assert pixels.shape[:2] == (1753, 1240)
    assert (pixels[..., :3].min(axis=2) < 0.5).mean() > 0.05


def test_a_page_to_print(tmp_path: Path) -> None:
    if shutil.which("pdftoppm") is None or shutil.which("pdftotext") is None:
        pytest.skip("needs poppler's pdftoppm and pdftotext")
    path = poster(tmp_path / "hand.pdf")
    text = subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True, text=True).stdout
    assert "What to bid with" in text
    subprocess.run(["pdftoppm", "-r", "40", "-png", path, tmp_path / "page"], check=True)
    (page,) = tmp_path.glob("page*.png")  # one page
    assert (matplotlib.image.imread(page)[..., :3].min(axis=2) < 0.5).mean() > 0.05


def test_a_page_for_a_browser(tmp_path: Path) -> None:
    text = poster(tmp_path / "new" / "hand.html").read_text()
    assert text.count("<tr>") == 15  # a head and 14 bids
    assert 'role="img" aria-label="What to bid with' in text
    assert "http://www.w3.org" not in text.split("<body>")[0]
    assert "<script" not in text


def test_no_other_format(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Got a poster 'hand"):
        poster(tmp_path / "hand.gif")
    assert list(tmp_path.iterdir()) == []
