"""What a person does in the Prefect UI, with everything real: PostgreSQL, server, worker, MLflow, Chromium."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psutil import Process
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from ui import Ui

from tests.home import Home, wait_for
from tests.postgres import Postgres, has_postgres

pytestmark = pytest.mark.slow

SHARDS = ("--start-seed", "876", "--count", "27", "--states-per-deal", "500")  # 24 deals of train, 3 of val


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An installation on PostgreSQL with a worker, MLflow's pages, and a small data set in its store."""
    folder = tmp_path_factory.mktemp("home")
    if not has_postgres():
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    with Postgres() as database:
        home = Home(folder, PREFECT_API_DATABASE_CONNECTION_URL=database.url, FORGE_MODELS=str(folder / "models"))
        try:
            home.must("up", "--detach", "--pool", "cpu")
            home.must("generate", *SHARDS, "--output", str(folder / "shards"))
            home.must("tokenize", "--input", str(folder / "shards"))
            yield home
        finally:
            home.forge("down")
    assert not list(folder.rglob("prefect.db")), "the server was not on PostgreSQL"


@pytest.fixture
def ui(browser: Chrome, home: Home) -> Ui:
    browser.set_window_size(1280, 2000)  # lists show what fits
    return Ui(browser, home.address, home.credential)


def deployment(home: Home, name: str) -> str:
    return home.api(f"/deployments/name/{name}")["id"]


def artifacts(home: Home, run: str) -> dict[str, dict[str, Any]]:
    """The artifacts of a run by their keys."""
    found = home.api("/artifacts/filter", artifacts={"flow_run_id": {"any_": [run]}})
    return {each["key"]: each for each in found if each["key"]}


def test_a_training_is_started_from_the_form_and_shown_on_its_page(home: Home, ui: Ui) -> None:
    train = deployment(home, "train/on-demand")
    query = {"deployment_id": {"any_": [train]}}

    def runs() -> set[str]:
        return {run["id"] for run in home.api("/flow_runs/filter", flow_runs=query)}

    before = runs()

    ui.open(f"/deployments/deployment/{train}/run")
    assert ui.choices("Size")[:2] == ["tiny", "small"]
    assert {"qvalue", "policy"} == set(ui.choices("Kind"))
    ui.picture("form", height=1800)
    ui.fill("tokens", "latest")
    ui.fill("Epochs", "0")
    ui.click("Submit", "button")
    ui.read("0 is less than the minimum of 1")
    assert runs() == before

    ui.choose("Network", "mlp")
    ui.fill("Epochs", "12")
    ui.click("Submit", "button")
    (run,) = wait_for(lambda: runs() - before, "the run")
    state = wait_for(lambda: home.api(f"/flow_runs/{run}")["state"] if ended(home, run) else None, "its end")
    assert state["type"] == "COMPLETED", state["message"]
    look_at_training(home, ui, run)


def look_at_training(home: Home, ui: Ui, run: str) -> None:
    """Everything that the page of a training's run shows, and where its links lead."""
    model = next(key for key in artifacts(home, run) if key.startswith("model-"))
    ui.open(f"/runs/flow-run/{run}")
    ui.read("Completed", "train", "kept epoch", model.replace("-", " "))
    ui.picture("run")
    ui.click("Artifacts", "li")
    ui.read("training", "epochs", model)
    ui.picture("artifacts")
    ui.click("epochs")
    assert ui.read("12", "q_gap", "blunder_rate").count("%") >= 2 * 12
    ui.picture("epochs")
    ui.open(f"/artifacts/artifact/{artifacts(home, run)['training']['id']}")
    ui.read("epoch", "12 of 12", "samples")
    assert_picture(ui)
    ui.picture("training")
    ui.open(f"/artifacts/artifact/{artifacts(home, run)[model]['id']}")
    page = ui.read("Model", "parameters", "q_gap on val", "MLflow run")
    assert_picture(ui)
    ui.picture("model")

    tracked = ui.see("MLflow run", "a").get_attribute("href")  # links open tabs
    dataset = next(word for word in page.splitlines() if "dataset tokens" in word).split()[-1]
    ui.open(str(ui.see(f"tokens {dataset}", "a").get_attribute("href")))
    ui.read(f"tokens-{dataset}", "Flow run")
    ui.picture("dataset")
    ui.open(str(tracked))
    ui.read("q_gap", "train", "size", "dataset")
    ui.picture("mlflow")


def assert_picture(ui: Ui) -> None:
    """The page shows a picture that travels in the page."""
    image = wait_for(lambda: ui.browser.find_elements(By.CSS_SELECTOR, "img[src^='data:image/png']"), "the picture")[0]
    assert int(str(image.get_property("naturalWidth"))) > 300


def ended(home: Home, run: str) -> bool:
    return home.api(f"/flow_runs/{run}")["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


ENDLESS = {
    "train/on-demand": {"tokens": "latest", "settings": {"epochs": 100_000, "patience": 100_000, "seed": 1}},
    "generate/on-demand": {"deals": [{"start": 0, "count": 100_000}], "shards": {"keep": "all"}},
    "generate-games/on-demand": {"games": {"start": 0, "count": 1000}, "settings": {"n_worlds": 5000}},
}


@pytest.mark.parametrize("name", ENDLESS)
def test_cancelling_in_the_ui_stops_the_work(name: str, home: Home, ui: Ui) -> None:
    started = home.api(f"/deployments/{deployment(home, name)}/create_flow_run", parameters=ENDLESS[name])
    run = started["id"]
    if name.startswith("train"):
        wait_for(lambda: "epochs" in artifacts(home, run), "the first epoch")
    else:  # in the midst of one deal, or of one decision
        wait_for(lambda: list((home.folder / "store" / "building").glob("*")), "the work")
        time.sleep(5)
    assert processes(home, run)
    ui.open(f"/runs/flow-run/{run}")
    ui.click("Cancel", "button")
    ui.picture(f"cancel-{name.split('/')[0]}")
    ui.click("Confirm", "button")
    confirmed = time.monotonic()
    wait_for(lambda: not processes(home, run), "the end of the work")
    seconds = time.monotonic() - confirmed
    wait_for(lambda: home.api(f"/flow_runs/{run}")["state"]["type"] == "CANCELLED", "the state Cancelled")
    assert seconds <= 15, f"the work went on for {seconds:.1f} s"


def processes(home: Home, run: str) -> list[Process]:
    """The processes that compute for a run."""
    return [each for each in home.processes("engine") if run in each.environ().values()]


def test_schedules_make_runs(home: Home) -> None:
    query = {"deployments": {"name": {"any_": ["nightly"]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    wait_for(lambda: home.api("/flow_runs/filter", **query), "a run of a nightly deployment")


def test_postgresql_answers_many_at_once(home: Home) -> None:
    train = deployment(home, "train/on-demand")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": later}}

    def create(number: int) -> str:
        words = {"name": f"many {number}", "state": state, "parameters": ENDLESS["train/on-demand"]}
        return home.api(f"/deployments/{train}/create_flow_run", **words)["name"]  # raises for any refusal

    with ThreadPoolExecutor(8) as clients:
        assert len(set(clients.map(create, range(80)))) == 80
