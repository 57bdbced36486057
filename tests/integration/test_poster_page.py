"""The page about a hand in a browser: whole, readable on a narrow screen, and nothing that it has to fetch."""

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from forge_core.bids.advice import Stakes, advise_call
from forge_core.bids.matrix import bid_matrix
from forge_core.bids.settings import BidSettings
from forge_core.players.registry import make_player
from forge_core.rules import Auction, parse_hand
from forge_view.poster import write_poster

HAND = parse_hand("6-4,5-5,4-2,3-1,2-0,1-1,0-0")


def test_a_poster_is_shown_whole(browser: webdriver.Chrome, tmp_path: Path) -> None:
    settings = BidSettings(samples=10, playouts=5, seat_model="highest")
    matrix = bid_matrix(HAND, range(10), settings, make_player("highest"))
    path = tmp_path / "hand.html"
    write_poster(path, matrix, advise_call(matrix, Auction(3), Stakes()), Stakes(), HAND[0])
    for width in (1100, 500):
        browser.set_window_size(width, 900)
        browser.get(path.as_uri())
        drawing = browser.find_element(By.CSS_SELECTOR, "svg[role=img]")
        page = browser.find_element(By.TAG_NAME, "main").size
        assert drawing.size["width"] == page["width"]
        assert drawing.size["height"] > 0.9 * drawing.size["width"]
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    rows = browser.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert [row.text.split()[0] for row in rows] == [*map(str, range(30, 43)), "2-marks"]
    assert "Best opening lead: 0-0" in browser.find_element(By.TAG_NAME, "ul").text
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []
