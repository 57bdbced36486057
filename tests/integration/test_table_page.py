"""The table in a real browser: rules, search and network are Python's, and no seat sees more than its hand."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from typer.testing import CliRunner

from configs.installation import Installation
from flows.cli import app
from forge_core.learn.catalog import CHAMPION
from forge_core.players.contracts import Contracts, Table
from forge_core.players.decisions import Decisions, Player
from forge_core.players.registry import make_player
from forge_core.rules import Position, deal_from_seed
from forge_core.seat.catalog import SeatCatalog
from forge_core.seat.encode import encode
from forge_core.seat.model import chance_to_make
from forge_core.seat.onnx_model import onnx_seat
from forge_core.seat.player import SeatPlayer
from forge_core.solver.search import search_q
from forge_core.solver.state import ILLEGAL, pack
from forge_view.table.runtime import NoRuntime, runtime
from forge_view.table.site import MODEL, PAGE, PLAYERS, RULES, RUNTIME, TableNetwork, server, write_table

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


NETWORK = """
const [views, hands, done] = arguments;
(async () => {
  const {encode} = await import("/encode.js"), {networkPlayer} = await import("/network.js");
  const rules = await (await fetch("/rules.json")).json();
  const player = await networkPlayer(rules, (await (await fetch("/players.json")).json()).network);
  const encoded = views.map(view => encode(rules, view)), chosen = [], priced = [];
  const began = performance.now();
  for (const view of views) chosen.push(await player.choose(view));
  const ms = (performance.now() - began) / views.length;
  for (const hand of hands) priced.push((await player.price(hand, 34)).map(each => each.pMake));
  return [encoded.map(({inputs, slots, legal}) => [[...inputs], slots, legal]), chosen, priced, ms];
})().then(done, problem => done({problem: String(problem)}));
"""
REASON = "Got no npm on this machine."


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with server(folder) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{web.server_port}/"
        finally:
            web.shutdown()
            thread.join()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The table without a network."""
    write_table(tmp_path / "table", REASON)
    with served(tmp_path / "table") as address:
        yield address


@pytest.fixture(scope="module")
def champion() -> Path:
    found = SeatCatalog().find(CHAMPION)
    assert found is not None
    return found / "model.onnx"


@pytest.fixture
def table(tmp_path: Path, champion: Path) -> Path:
    """The folder of the table with the champion."""
    try:
        files = runtime(Installation().home.absolute() / "browser")
    except NoRuntime as problem:
        pytest.skip(str(problem))
    write_table(tmp_path / "network", TableNetwork("champion", champion, files))
    return tmp_path / "network"


def random_decisions() -> list[Decisions]:
    """What the movers of random games know at each of the 28 plies; every declaration, bid, bidder and side."""
    n = 20
    seeds = np.arange(700, 700 + n)
    deals = np.array([deal_from_seed(int(seed)).dominoes for seed in seeds], np.uint8)
    bids = (30 + seeds % 13).astype(np.uint8)
    contracts = Contracts(deals, (seeds % 10).astype(np.uint8), (seeds // 3 % 4).astype(np.uint8), bids, seeds)
    table, player, rows = Table.of(contracts), make_player("random"), np.arange(n)
    assert isinstance(player, Player)
    asked: list[Decisions] = []
    for ply in range(28):
        asked.append(table.decisions(rows, ply))
        table.put(rows, ply, player.play(asked[-1]), asked[-1], "random")
    return asked


def views_of(asked: Decisions) -> list[dict[str, Any]]:
    """As the page asks a player."""
    hands = asked.original_hands()
    return [
        {
            "declaration": int(asked.declarations[row]),
            "bid": int(asked.bids[row]),
            "bidder": int(asked.bidders[row]),
            "seat": int(asked.seats[row]),
            "hand": hands[row].tolist(),
            "plays": asked.plays[row].tolist(),
        }
        for row in range(len(asked))
    ]


def test_the_network_sees_and_plays_as_python(browser: webdriver.Chrome, table: Path, champion: Path) -> None:
    asked, player = random_decisions(), SeatPlayer(onnx_seat(champion), "seat:champion")
    hands = np.array([deal_from_seed(seed).hands[0] for seed in range(20)], np.uint8)
    browser.set_script_timeout(120)
    with served(table) as address:
        browser.get(address)
        answer = browser.execute_async_script(NETWORK, [v for each in asked for v in views_of(each)], hands.tolist())
    assert not isinstance(answer, dict), answer
    encoded, chosen, priced, ms = answer
    print(f"{ms:.2f} ms a decision")  # noqa: T201
    n = len(asked[0])
    plays, sure = [], []
    for ply, decisions in enumerate(asked):
        expected, rows = encode(decisions), slice(n * ply, n * ply + n)
        inputs, slots, legal = (np.array(part) for part in zip(*encoded[rows], strict=True))
        assert (inputs.astype(np.float32) == expected.inputs).all()
        assert (slots == expected.slots).all()
        assert (legal == expected.legal).all()
        said = chance_to_make(player.model.chances(decisions), decisions)
        dominoes, played = decisions.original_hands(), player.play(decisions)
        for row, found in enumerate(chosen[rows]):
            options = {each["play"]: each["pMake"] for each in found["options"]}
            of_python = dict(zip(dominoes[row].tolist(), said[row].tolist(), strict=True))
            assert options == pytest.approx({play: of_python[play] for play in options}, abs=1e-4)
            assert found["pMake"] == options[found["play"]]
            plays.append(found["play"] == played[row])
            sure.append(found["pMake"])
    assert all(plays)
    assert np.std(sure) > 0.1  # answers that were all alike would agree, too
    bids, keys = np.full(len(hands), 34, np.uint8), np.zeros(len(hands), np.uint64)
    assert (np.argmax(priced, axis=1) == player.declare(hands, bids, keys)).all()


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


def opened(browser: webdriver.Chrome, address: str) -> None:
    """Open the page, wait for its players, and note what they are sent."""
    browser.get(f"{address}#seed=5&bidder=0&bid=30")  # asks no player: the trumps are yours to name
    loaded(browser)
    browser.execute_script(
        "window.sent = []; const post = Worker.prototype.postMessage;"
        "Worker.prototype.postMessage = function (data) { window.sent.push(data); post.call(this, data); };"
    )


def loaded(browser: webdriver.Chrome) -> None:
    WebDriverWait(browser, 60).until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#who [value=search]"))


def text_of(browser: webdriver.Chrome, name: str) -> str:
    return browser.find_element(By.ID, name).text


def play_a_hand(browser: webdriver.Chrome, player: str, adviser: str) -> None:
    """By clicks and keys on an open page, and look at what the players were sent."""
    browser.execute_script("location.hash = 'seed=5&bidder=0&bid=30&pace=0.02'")
    waiting = WebDriverWait(browser, 60, poll_frequency=0.05)
    waiting.until(lambda _: "name the trumps" in text_of(browser, "said"))
    [fives] = [each for each in browser.find_elements(By.CSS_SELECTOR, "#panel button") if each.text == "fives"]
    fives.click()
    for turn in range(7):
        waiting.until(lambda _: text_of(browser, "said").startswith("Your"))
        tiles = browser.find_elements(By.CSS_SELECTOR, "#hand .tile")
        assert len(tiles) == 7 - turn
        first = next(i for i, tile in enumerate(tiles) if tile.get_attribute("aria-disabled") == "false")
        if turn == 0:
            browser.find_element(By.ID, "hint").click()
            waiting.until(lambda _: f"The {adviser} would play" in text_of(browser, "advice"))
            assert browser.find_elements(By.CSS_SELECTOR, "#hand .best")
        if turn % 2:
            browser.find_element(By.TAG_NAME, "body").send_keys(str(first + 1))
        else:
            browser.find_elements(By.CSS_SELECTOR, "#hand .tile")[first].click()
        if turn < 6:
            waiting.until(lambda _, n=6 - turn: len(browser.find_elements(By.CSS_SELECTOR, "#hand .tile")) == n)
    waiting.until(lambda _: browser.find_element(By.ID, "replay").is_displayed())
    made, others = (int(word.strip(".")) for word in text_of(browser, "result").split(": ")[1].split(" to "))
    assert made + others == 42
    assert len(browser.find_elements(By.CSS_SELECTOR, "#tricks button")) == 28
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_LEFT)
    waiting.until(lambda _: f"alone, the {adviser} plays" in text_of(browser, "told"))
    assert "P(make)" in text_of(browser, "told")
    sent = browser.execute_script("return window.sent")
    choices = [each for each in sent if each["ask"] == "choose"]
    assert len(choices) >= 21
    for message in choices:
        assert set(message) == {"id", "ask", "player", "view"}
        assert message["player"] == player
        view = message["view"]
        assert set(view) == {"declaration", "bid", "bidder", "seat", "hand", "plays"}
        assert view["hand"] == list(deal_from_seed(5).hands[view["seat"]])
    assert [each["ask"] for each in sent if "hands" in each] == ["judge"]  # and that one after the last play


def test_a_person_plays_a_hand_against_the_search(browser: webdriver.Chrome, address: str) -> None:
    opened(browser, address)
    assert text_of(browser, "missing") == f"No network plays here. {REASON}"
    play_a_hand(browser, "search", "search")
    assert browser.get_log("browser") == []


def test_a_person_plays_a_hand_against_the_network(browser: webdriver.Chrome, table: Path) -> None:
    with served(table) as address:
        opened(browser, address)
    assert not browser.find_element(By.ID, "missing").is_displayed()
    play_a_hand(browser, "network", "network")  # without a server by now: nothing more is fetched
    assert browser.get_log("browser") == []


def test_the_network_bids_and_names_the_trumps(browser: webdriver.Chrome, table: Path) -> None:
    waiting = WebDriverWait(browser, 60, poll_frequency=0.05)
    with served(table) as address:
        opened(browser, address)
        browser.execute_script("location.hash = 'seed=5&bidder=2&bid=34&pace=0.02'")
        waiting.until(lambda _: text_of(browser, "contract").startswith("Partner bids 34"))
        browser.execute_script("location.hash = 'seed=3&pace=0.02'")  # seat 3 deals, so you call first
        waiting.until(lambda _: text_of(browser, "said") == "Your call.")
        browser.find_elements(By.CSS_SELECTOR, "#panel button")[1].click()
        waiting.until(
            lambda _: browser.execute_script("return window.sent.filter(each => each.ask === 'call').length") == 3
        )
        sent = browser.execute_script("return window.sent")
    hands = deal_from_seed(3).hands
    named = next(each for each in sent if each["ask"] == "declare")
    assert set(named) == {"id", "ask", "player", "hand", "bid"}
    assert named["hand"] == list(deal_from_seed(5).hands[2])
    calls = [each for each in sent if each["ask"] == "call"]
    assert [each["hand"] for each in calls] == [list(hands[seat]) for seat in (1, 2, 3)]
    assert all(set(each) == {"id", "ask", "player", "hand", "lowest", "forced"} for each in calls)


def test_who_plays_is_chosen_in_the_page(browser: webdriver.Chrome, table: Path) -> None:
    waiting = WebDriverWait(browser, 60, poll_frequency=0.05)
    hint = lambda: browser.find_element(By.ID, "hint").click()  # noqa: E731
    with served(table) as address:
        browser.get(f"{address}#seed=5&bidder=0&bid=30&trump=fives&pace=0.02")
        waiting.until(lambda _: text_of(browser, "said") == "Your lead.")
        loaded(browser)
        who = browser.find_element(By.ID, "who")
        assert who.accessible_name == "Who plays, and advises"
        assert [each.text for each in Select(who).options] == ["the network champion", "exact search of 40 deals"]
        hint()
        waiting.until(lambda _: text_of(browser, "advice").startswith("The network would play"))
        Select(who).select_by_value("search")
        assert text_of(browser, "advice") == ""
        hint()
        waiting.until(lambda _: text_of(browser, "advice").startswith("The search would play"))
        assert "players=search" in browser.current_url
        browser.refresh()
        waiting.until(lambda _: text_of(browser, "said") == "Your lead.")
        hint()
        waiting.until(lambda _: text_of(browser, "advice").startswith("The search would play"))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda table: (table / MODEL).unlink(), "seat.onnx is missing (404)"),
        (lambda table: _change_a_byte(table / MODEL), "seat.onnx is damaged"),
        (lambda table: (table / RUNTIME / "ort.wasm.min.mjs").unlink(), "ort.wasm.min.mjs"),
        (lambda table: (table / RUNTIME / "ort-wasm-simd-threaded.wasm").write_bytes(b"\0asm"), "wasm"),
    ],
)
def test_without_a_file_of_the_network_the_search_plays(
    browser: webdriver.Chrome, table: Path, harm: Callable[[Path], None], says: str
) -> None:
    waiting = WebDriverWait(browser, 60, poll_frequency=0.05)
    harm(table)
    with served(table) as address:
        browser.get(f"{address}#seed=5&bidder=0&bid=30&trump=fives&pace=0.02")
        waiting.until(lambda _: text_of(browser, "said") == "Your lead.")
        waiting.until(lambda _: text_of(browser, "missing"))
        problem = text_of(browser, "missing")
        assert problem.startswith("No network plays here. ")
        assert says in problem
        assert problem.endswith(" Write the page again with forge table.")
        browser.find_element(By.ID, "hint").click()
        waiting.until(lambda _: text_of(browser, "advice").startswith("The search would play"))


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("table")  # the runtime is there
def test_the_command_writes_the_page(tmp_path: Path, champion: Path) -> None:
    for words in ([], ["--model", "champion"], ["--model", str(champion.parent)], ["--model", str(champion)]):
        page = tmp_path / "page" / str(len(words))
        done = CliRunner().invoke(app, ["table", "--output", str(page), *words])
        assert done.exit_code == 0, done.output
        assert {path.name for path in page.iterdir()} == {*PAGE, RULES, PLAYERS, MODEL, RUNTIME}
        assert json.loads((page / PLAYERS).read_text())["network"]["name"] == champion.parent.name


def test_the_command_without_onnxruntime_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("FORGE_HOME", str(tmp_path / "home"))
    words = ["table", "--output", str(tmp_path / "page")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "page").iterdir()} == {*PAGE, RULES, PLAYERS}
    assert json.loads((tmp_path / "page" / PLAYERS).read_text())["missing"].startswith(REASON)
    assert REASON in done.stderr
    for model, code, says in (("champion", 1, REASON), ("nobody", 2, "Got 'nobody', which names no seat")):
        done = CliRunner().invoke(app, [*words, "--model", model])  # one that was asked for is a must
        assert done.exit_code == code
        assert says in done.stderr


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
