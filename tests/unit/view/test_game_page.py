import json
import re
from pathlib import Path

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from forge_core.expected_q.games import Game
from forge_view.game_page import page, write_page


def test_the_page_stands_alone(games: dict[int, Game], tmp_path: Path):
    text = page(games[951])
    assert not re.search(r"(src|href)\s*=|https?://|@import|url\(", text)
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    content = json.loads(found[1])
    assert len(content["frames"]) == 28
    assert content["bid"] == 32
    write_page(games[951], tmp_path / "out" / "game.html")
    assert (tmp_path / "out" / "game.html").read_text(encoding="utf-8") == text
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_the_page_in_a_real_browser(games: dict[int, Game], tmp_path: Path, browser: Chrome):
    write_page(games[951], tmp_path / "game.html")
    browser.get((tmp_path / "game.html").as_uri())

    def text(element: str) -> str:
        return str(browser.find_element(By.ID, element).get_property("textContent"))

    def press(key: str) -> None:
        ActionChains(browser).send_keys(key).perform()

    assert text("place").startswith("play 1 of 28, seat 0")
    assert "399,072,960 worlds" in text("worlds")
    press(Keys.ARROW_RIGHT)
    press(Keys.ARROW_RIGHT)
    assert text("place").startswith("play 3 of 28, seat 2")
    press(Keys.END)
    assert text("place").startswith("play 28 of 28")
    assert "exact" in text("worlds")
    assert "P(make)" in text("options")
    assert browser.get_log("browser") == []
