import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forge_core.expected_q.games import Game
from forge_core.expected_q.html import page, write_page

BROWSER = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1150,1000"),
]
RIGHT, END = "\ue014", "\ue010"


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


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Callable[[str, str, Any], Any]]:
    """Send WebDriver commands to a headless Chromium: (method, path under the session, body) -> value."""
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("no chromedriver: apt-get install chromium chromium-driver")
    with subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        started = next(line for line in process.stdout if "successfully" in line)
        port = re.findall(r"on port (\d+)", started)[0]

        def call(method: str, path: str, body: Any = None) -> Any:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]

        options = {"args": [*BROWSER, f"--user-data-dir={tmp_path / 'profile'}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        try:
            yield lambda method, path, body=None: call(method, f"/session/{session}/{path}", body)
        finally:
            call("DELETE", f"/session/{session}")
            process.terminate()


def test_the_page_in_a_real_browser(games: dict[int, Game], tmp_path: Path, browser: Callable[..., Any]):
    write_page(games[951], tmp_path / "game.html")
    browser("POST", "url", {"url": (tmp_path / "game.html").as_uri()})

    def text(element: str) -> str:
        script = {"script": f"return document.getElementById('{element}').textContent", "args": []}
        return browser("POST", "execute/sync", script)

    def press(key: str) -> None:
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        browser("POST", "actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    assert text("place").startswith("play 1 of 28, seat 0")
    assert "399,072,960 worlds" in text("worlds")
    press(RIGHT)
    press(RIGHT)
    assert text("place").startswith("play 3 of 28, seat 2")
    press(END)
    assert text("place").startswith("play 28 of 28")
    assert "exact" in text("worlds")
    assert "P(make)" in text("options")
    assert browser("POST", "se/log", {"type": "browser"}) == []
