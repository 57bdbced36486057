"""The page of deployments/browser in a real browser: it sees what Python sees, and plays what Python plays."""

import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from typer.testing import CliRunner

from configs.installation import Installation
from deployments.browser.__main__ import main
from deployments.browser.site import PAGE, write_site
from forge_core.errors import DamagedFile, ModelError
from forge_core.learn.catalog import CHAMPION, Catalog
from forge_core.learn.export import export_onnx
from forge_core.learn.export_report import LIMITS, ExportSettings, Precision
from forge_core.learn.model import OnnxModel, config_of, write_model
from forge_core.learn.network import build_network
from forge_core.learn.settings import NetworkName, TrainSettings
from forge_core.rules import Deal, Position, deal_from_seed
from forge_core.solver.state import unpack
from forge_core.solver.value_table import solve
from forge_core.tokens.arrays import TokenArrays
from forge_core.tokens.encode import encode_states
from forge_view.table.runtime import FILES, NoRuntime, runtime
from forge_view.table.site import server

DEALS = range(900, 910)  # declaration = seed % 10
STATES = 300  # of each
ASK = """
const [positions, singly, done] = arguments;
(async () => {
  const {encode} = await import("/encode.js"), {legal} = await import("/game.js");
  const {best, open} = await import("/model.js");
  const rules = await (await fetch("/rules.json")).json(), model = await open("/model.onnx");
  const encoded = positions.map(position => encode(rules, position));
  const batches = singly ? encoded.map(each => [each]) : [encoded];
  const answers = [];
  for (const batch of batches) answers.push(...await model.ask(batch));
  return answers.map((answer, i) => ({...answer, plays: best(answer, legal(rules, positions[i]))}));
})().then(done, problem => done({problem: String(problem)}));
"""
ENCODE = """
const [positions, done] = arguments;
(async () => {
  const {encode} = await import("/encode.js"), {legal} = await import("/game.js");
  const rules = await (await fetch("/rules.json")).json();
  return positions.map(position => {
    const {tokens, mask} = encode(rules, position);
    return [[...tokens], [...mask], legal(rules, position).map(Number)];
  });
})().then(done, problem => done({problem: String(problem)}));
"""
PLAY = """
const [positions, done] = arguments;
(async () => {
  const {legal, play} = await import("/game.js"), rules = await (await fetch("/rules.json")).json();
  return positions.map(position => legal(rules, position).flatMap((may, slot) =>
    may ? [[slot, play(rules, position, slot)]] : []));
})().then(done, problem => done({problem: String(problem)}));
"""


@pytest.fixture(scope="module")
def states() -> tuple[list[dict[str, Any]], TokenArrays]:
    """States of ten deals, one a declaration, as positions for the page and as Python encodes them."""
    positions: list[dict[str, Any]] = []
    parts: list[tuple[np.ndarray, ...]] = []
    for seed in DEALS:
        deal, declaration = deal_from_seed(seed), seed % 10
        packed = solve(deal, declaration).sample(STATES, np.random.default_rng(seed))
        parts.append(
            encode_states(
                np.tile(np.array(deal.dominoes, np.uint8), (len(packed), 1)),
                np.full(len(packed), declaration, np.uint8),
                packed,
            )
        )
        positions += [as_json(unpack(int(state), deal, declaration)) for state in packed]
    tokens, mask, legal = (np.concatenate(part) for part in zip(*parts, strict=True))
    n = len(tokens)
    zeros = np.zeros(n, np.int8)
    arrays = TokenArrays(
        tokens=tokens,
        mask=mask,
        legal=legal,
        q=np.zeros((n, 7), np.int8),
        v=zeros,
        best=legal,
        plays_left=zeros,
        declaration=zeros,
        seed=np.repeat(np.array(DEALS), STATES)[:n],
    )
    return positions, arrays


def as_json(position: Position) -> dict[str, Any]:
    return {
        "declaration": position.declaration,
        "hands": [list(hand) for hand in position.deal.hands],
        "held": list(position.held),
        "leader": position.leader,
        "trick": list(position.trick),
        "won": list(position.won),
    }


@pytest.fixture(scope="module")
def exported(
    states: tuple[list[dict[str, Any]], TokenArrays], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[NetworkName], Path]:
    """A network's files; its first weights will do, the answers of which differ by points from state to state."""

    @cache
    def files(name: NetworkName) -> Path:
        folder = tmp_path_factory.mktemp(name)
        settings = TrainSettings(network=name)
        network = build_network(settings.architecture, settings.kind, 0)
        write_model(folder / "model", network, config_of(network, settings, dataset_digest="", best_epoch=0))
        export_onnx(folder / "model", folder / "onnx", states[1], ExportSettings(samples=200))
        return folder / "onnx"

    return files


@pytest.fixture(scope="module")
def ort() -> Path:
    try:
        return runtime(Installation().home.absolute() / "browser")
    except NoRuntime as problem:
        pytest.skip(str(problem))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which it is served."""
    folder = tmp_path / "site"
    folder.mkdir()
    with server(folder) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{web.server_port}/"
        web.shutdown()
        thread.join()


@pytest.fixture
def opened(ort: Path, site: tuple[Path, str], browser: webdriver.Chrome) -> Callable[[Path], webdriver.Chrome]:
    """Has the browser open the page with a model."""
    folder, address = site

    def opening(model: Path) -> webdriver.Chrome:
        write_site(model, folder, ort)
        browser.get(address)
        return browser

    return opening


def run(browser: webdriver.Chrome, script: str, *arguments: Any) -> Any:
    browser.set_script_timeout(120)
    found = browser.execute_async_script(script, *arguments)
    assert not isinstance(found, dict), found
    return found


class Agreement(NamedTuple):
    """The page's answers beside Python's; `given_up` is what Python thinks the page's play gives up, points."""

    slots: np.ndarray
    differences: np.ndarray
    given_up: np.ndarray


def compare(
    browser: webdriver.Chrome, model: Path, positions: list[dict[str, Any]], arrays: TokenArrays, rows: np.ndarray
) -> Agreement:
    """Ask the page that the browser is on, and Python."""
    legal = arrays.legal[rows]
    expected = OnnxModel(model)(arrays.tokens[rows], arrays.mask[rows])
    found = run(browser, ASK, [positions[row] for row in rows], False)
    slots = np.array([each["slots"] for each in found])
    values = np.array([each["value"] for each in found])
    plays = np.array([each["plays"] for each in found])
    assert legal[np.arange(len(rows)), plays].all()
    chosen = expected.slots[np.arange(len(rows)), plays]
    return Agreement(
        slots,
        np.concatenate((np.abs(slots - expected.slots)[legal], np.abs(values - expected.value))),
        np.where(legal, expected.slots, -np.inf).max(axis=1) - chosen,
    )


@pytest.mark.parametrize("network", ["mlp", "transformer"])
def test_it_plays_as_python(
    network: NetworkName,
    exported: Callable[[NetworkName], Path],
    opened: Callable[[Path], webdriver.Chrome],
    states: tuple[list[dict[str, Any]], TokenArrays],
) -> None:
    positions, arrays = states
    rows = np.arange(0, len(positions), len(positions) // 200)
    files = exported(network)
    for precision in Precision:
        browser = opened(files / precision.file)
        found = compare(browser, files / precision.file, positions, arrays, rows)
        assert found.differences.mean() <= LIMITS[precision].mean_difference
        if precision is Precision.FP32:
            assert found.differences.max() <= 1e-3
            assert found.given_up.max() <= 1e-3  # the same play, or one that Python cannot tell from it
            assert (np.ptp(found.slots, axis=0) > 0.1).all()  # answers that were all alike would agree, too
            singly = run(browser, ASK, [positions[row] for row in rows[:20]], True)
            assert np.allclose([each["slots"] for each in singly], found.slots[:20], atol=1e-3)


def test_the_champion_plays_as_python(
    opened: Callable[[Path], webdriver.Chrome], states: tuple[list[dict[str, Any]], TokenArrays]
) -> None:
    champion = Catalog().find(CHAMPION)
    assert champion is not None
    positions, arrays = states
    rows = np.arange(0, len(positions), len(positions) // 200)
    found = compare(opened(champion / "model.onnx"), champion / "model.onnx", positions, arrays, rows)
    assert found.differences.max() <= 1e-3
    assert found.given_up.max() <= 1e-3


def test_it_sees_what_python_sees(
    exported: Callable[[NetworkName], Path],
    opened: Callable[[Path], webdriver.Chrome],
    states: tuple[list[dict[str, Any]], TokenArrays],
) -> None:
    positions, arrays = states
    browser = opened(exported("mlp") / "model.onnx")
    found = run(browser, ENCODE, positions)
    n = len(positions)
    assert n > 2000
    assert (np.array([each[0] for each in found]).reshape(n, 32, 9) == arrays.tokens).all()
    assert (np.array([each[1] for each in found]) == arrays.mask).all()
    assert (np.array([each[2] for each in found]) == arrays.legal).all()
    for position, plays in zip(positions[::7], run(browser, PLAY, positions[::7]), strict=True):
        before = as_position(position)
        assert [slot for slot, _ in plays] == list(before.legal_slots())
        assert [after for _, after in plays] == [as_json(before.play(slot)) for slot, _ in plays]


def as_position(position: dict[str, Any]) -> Position:
    return Position(
        Deal(tuple(tuple(hand) for hand in position["hands"])),
        position["declaration"],
        held=tuple(position["held"]),
        leader=position["leader"],
        trick=tuple(position["trick"]),
    )


def test_a_person_plays_a_hand(
    exported: Callable[[NetworkName], Path], opened: Callable[[Path], webdriver.Chrome]
) -> None:
    browser = opened(exported("mlp") / "model.int8.onnx")
    place = browser.find_element(By.ID, "place")
    waiting = WebDriverWait(browser, 60)
    waiting.until(lambda _: "Seat 0 to play" in place.text)
    plays = browser.find_elements(By.CSS_SELECTOR, "[data-slot]")
    assert len(plays) == 7
    assert len(browser.find_elements(By.CSS_SELECTOR, ".best")) == 1
    plays[3].click()
    waiting.until(lambda _: "Seat 1 to play" in place.text)
    browser.find_element(By.ID, "back").click()
    waiting.until(lambda _: "Seat 0 to play" in place.text)
    browser.find_element(By.ID, "rest").click()
    waiting.until(lambda _: place.text == "the hand is over")
    score = [int(part.split(": ")[1]) for part in browser.find_element(By.ID, "score").text.split(" · ")]
    assert sum(score) == 42
    assert browser.get_log("browser") == []


def test_the_command(
    exported: Callable[[NetworkName], Path], ort: Path, site: tuple[Path, str], tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(main)
    page, taken = tmp_path / "page", site[1].split(":")[-1].strip("/")
    words = ["--model", str(exported("mlp"))]
    assert CliRunner().invoke(app, [*words, "--output", str(page)]).exit_code == 0
    assert {path.name for path in page.iterdir()} == {*PAGE, "rules.json", "model.json", "model.onnx", "ort"}
    refused = CliRunner().invoke(app, [*words, "--port", taken])
    assert refused.exit_code == 2
    assert "name another with --port" in refused.output.lower()
    nothing = CliRunner().invoke(app, ["--model", str(tmp_path), "--output", str(page)])
    assert nothing.exit_code == 1
    assert "without a model.onnx" in nothing.output


def test_a_page_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"something else")
    with pytest.raises(ModelError, match="is no model"):
        write_site(tmp_path / "other.onnx", tmp_path / "page", tmp_path)
    assert not (tmp_path / "page").exists()


def test_the_runtime_is_fetched_once_and_checked(ort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(path.name for path in ort.iterdir()) == sorted(FILES)
    monkeypatch.setenv("PATH", "")
    assert runtime(ort.parent) == ort
    with pytest.raises(NoRuntime, match="no npm on this machine"):
        runtime(tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_another_package_than_the_pinned_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho something else > onnxruntime-web.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/bin:/usr/bin")
    with pytest.raises(DamagedFile, match="not the pinned one"):
        runtime(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
