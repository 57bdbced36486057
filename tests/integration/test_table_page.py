"""The table in a real browser: rules and search are Python's, no seat sees more than its hand, a hand is played."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from typer.testing import CliRunner

from flows.cli import app
from forge_core.rules import Position, deal_from_seed
from forge_core.solver.search import search_q
from forge_core.solver.state import ILLEGAL, pack
from forge_view.table.site import PAGE, RULES, server, write_table

GAMES = """
const [games, done] = arguments;
(async () => {
  const {dealOf, legal, opening, play} = await import("/game.js"), {search} = await import("/search.js");
  const {worlds} = await import("/view.js"), rules = await (await fetch("/rules.json")).json();
  return games.map(({seed, declaration, slots}) => {
    const hands = dealOf(seed), exact = search(rules, declaration, hands), states = [];
    let position = opening(hands, declaration, seed % 4);
    for (const slot of slots) {
      const q = position.held.reduce((sum, mask) => sum + mask, 0) < 508 ? exact.q(position) : null;
      states.push({legal: legal(rules, position), q, leader: position.leader, won: position.won});
      position = play(rules, position, slot);
    }
    const plays = [], view = {declaration, bid: 30, bidder: seed % 4, seat: 0, hand: hands[0], plays};
    let at = opening(hands, declaration, seed % 4);
    for (const slot of slots.slice(0, 14)) {
      plays.push(at.hands[(at.leader + at.trick.length) % 4][slot]);
      at = play(rules, at, slot);
    }
    return {hands, states, won: position.won, worlds: worlds(rules, view, 8)};
  });
})().then(done, problem => done({problem: String(problem)}));
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    write_table(tmp_path / "table")
    with server(tmp_path / "table") as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/"
        web.shutdown()
        thread.join()


def test_the_page_plays_by_the_rules_and_searches_as_python(browser: webdriver.Chrome, address: str) -> None:
    games: list[dict[str, Any]] = []
    expected: list[list[Position]] = []
    for seed in range(40):
        rng, declaration = random.Random(seed), seed % 10
        positions = [Position(deal_from_seed(seed), declaration, leader=seed % 4)]
        slots: list[int] = []
        for _ in range(28):
            slots.append(rng.choice(positions[-1].legal_slots()))
            positions.append(positions[-1].play(slots[-1]))
        games.append({"seed": seed, "declaration": declaration, "slots": slots})
        expected.append(positions)
    browser.get(address + "#seed=1&bidder=0&bid=30")
    browser.set_script_timeout(120)
    found = browser.execute_async_script(GAMES, games)
    assert not isinstance(found, dict), found
    asked = 0
    for game, positions in zip(found, expected, strict=True):
        deal, before = positions[0].deal, positions[:-1]
        assert game["hands"] == [list(hand) for hand in deal.hands]
        assert game["won"] == list(positions[-1].won)
        q = search_q(
            np.tile(np.array(deal.dominoes, np.uint8), (28, 1)),
            np.full(28, positions[0].declaration, np.uint8),
            np.array([pack(each) for each in before], np.int64),
        )
        for state, position, row in zip(game["states"], before, q, strict=True):
            assert (state["leader"], state["won"]) == (position.leader, list(position.won))
            assert [slot for slot, may in enumerate(state["legal"]) if may] == list(position.legal_slots())
            if state["q"] is not None:
                asked += 1
                sign = 1 - 2 * (position.mover % 2)
                assert state["q"] == [None if value == ILLEGAL else sign * int(value) for value in row]
        for world in game["worlds"]:
            assert world[0] == list(deal.hands[0])
            assert sorted(domino for hand in world for domino in hand) == list(range(28))
            replay = Position(
                type(deal)(tuple(map(tuple, world))), positions[0].declaration, leader=positions[0].leader
            )
            for position, after in zip(before[:14], positions[1:15], strict=True):  # every world allows what was played
                domino = (
                    (set(position.deal.hands[position.mover]))
                    .intersection(
                        d
                        for s, d in enumerate(position.deal.hands[position.mover])
                        if (position.held[position.mover] ^ after.held[position.mover]) >> s & 1
                    )
                    .pop()
                )
                slot = replay.deal.hands[replay.mover].index(domino)
                assert slot in replay.legal_slots()
                replay = replay.play(slot)
    assert asked > 500


def test_a_person_plays_a_hand(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    browser.execute_script(
        "window.sent = []; const post = Worker.prototype.postMessage;"
        "Worker.prototype.postMessage = function (data) { window.sent.push(data); post.call(this, data); };"
    )
    browser.execute_script("location.hash = 'seed=5&bidder=0&bid=30&pace=0.02'")
    waiting = WebDriverWait(browser, 60, poll_frequency=0.05)
    waiting.until(lambda _: "name the trumps" in browser.find_element(By.ID, "said").text)
    [fives] = [each for each in browser.find_elements(By.CSS_SELECTOR, "#panel button") if each.text == "fives"]
    fives.click()
    for turn in range(7):
        waiting.until(lambda _: browser.find_element(By.ID, "said").text.startswith("Your"))
        tiles = browser.find_elements(By.CSS_SELECTOR, "#hand .tile")
        assert len(tiles) == 7 - turn
        first = next(i for i, tile in enumerate(tiles) if tile.get_attribute("aria-disabled") == "false")
        if turn == 0:
            browser.find_element(By.ID, "hint").click()
            waiting.until(
                lambda _: (
                    "The champion" in browser.find_element(By.ID, "advice").text
                    or "would play" in browser.find_element(By.ID, "advice").text
                )
            )
            assert browser.find_elements(By.CSS_SELECTOR, "#hand .best")
        if turn % 2:
            browser.find_element(By.TAG_NAME, "body").send_keys(str(first + 1))
        else:
            browser.find_elements(By.CSS_SELECTOR, "#hand .tile")[first].click()
        if turn < 6:
            waiting.until(lambda _, n=6 - turn: len(browser.find_elements(By.CSS_SELECTOR, "#hand .tile")) == n)
    waiting.until(lambda _: browser.find_element(By.ID, "replay").is_displayed())
    result = browser.find_element(By.ID, "result").text
    made, others = (int(word.strip(".")) for word in result.split(": ")[1].split(" to "))
    assert made + others == 42
    assert len(browser.find_elements(By.CSS_SELECTOR, "#tricks button")) == 28
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_LEFT)
    waiting.until(lambda _: "P(make)" in browser.find_element(By.ID, "told").text)
    sent = browser.execute_script("return window.sent")
    views = [each["view"] for each in sent if each["ask"] == "choose"]
    assert len(views) >= 21
    for view in views:
        assert set(view) == {"declaration", "bid", "bidder", "seat", "hand", "plays"}
        assert view["hand"] == list(deal_from_seed(5).hands[view["seat"]])
    assert [each["ask"] for each in sent if "hands" in each] == ["judge"]  # and that one after the last play
    assert browser.get_log("browser") == []


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["table", "--output", str(tmp_path / "page")])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "page").iterdir()} == {*PAGE, RULES}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "", "[", "127.0.0.1@x", "0.0.0.0"])
def test_foreign_names_are_refused(address: str, host: str) -> None:
    assert httpx.get(address, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_pages_of_other_origins_are_refused(address: str, origin: str) -> None:
    assert httpx.get(address, headers={"origin": origin}).status_code == 403
    assert httpx.get(address, headers={"origin": address.rstrip("/")}).status_code == 200


def test_nobody_else_gets_a_connection_or_a_file(address: str) -> None:
    port = httpx.URL(address).port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=5):
        pass  # on Linux that is this machine, too, and reached by what listens everywhere
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(f"GET /../../../../../etc/passwd HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert b"404" in raw.makefile("rb").readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    forge = Path(sys.executable).with_name("forge")
    words = [str(forge), "table", "--port", "0"]
    with subprocess.Popen(words, env=os.environ | {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        address = run.stdout.readline().split()[0]
        assert "<html" in httpx.get(address).text
        assert list(tmp_path.iterdir())
        run.send_signal(number)
        assert run.wait(60) == 0
    assert not list(tmp_path.iterdir())
