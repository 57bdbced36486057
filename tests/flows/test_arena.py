"""The flow of the arena: blocks from the store, the same results as the command's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forge_core.arena.run import run_contest
from forge_core.arena.settings import Contest, Deals
from forge_core.errors import InputError
from forge_core.players.registry import Means


def untimed(values: dict[str, Any]) -> dict[str, Any]:
    matches = [{k: v for k, v in match.items() if k != "timing"} for match in values.get("matches", ())]
    return {k: v for k, v in values.items() if k not in ("timing", "matches")} | {"matches": matches}


def alone(contest: Contest, deals: Deals) -> dict[str, Any]:
    return untimed(run_contest(contest, deals, Means(1)).as_json())


def test_a_match_is_played_in_blocks_and_comes_from_the_store(stages: Callable[[], list[str]]) -> None:
    from flows.arena import arena

    contest, deals = Contest(players=("highest", "random")), Deals(start=50, count=120)
    first = arena(contest, deals)
    assert stages() == ["arena made"] * 2
    again = arena(contest, deals)
    assert stages() == ["arena cached"] * 2
    assert again == first
    assert untimed(first) == alone(contest, deals)
    arena(contest, Deals(start=50, count=200))
    assert stages().count("arena cached") == 1


def test_a_sequential_test_ends_after_the_round_that_decides_it(stages: Callable[[], list[str]]) -> None:
    from flows.arena import arena

    contest, deals = Contest(players=("cheat", "random"), sprt="0.5:0.6"), Deals(count=1000)
    assert untimed(arena(contest, deals)) == alone(contest, deals)
    assert stages() == ["arena made"] * 4


def test_whole_games(stages: Callable[[], list[str]]) -> None:
    from flows.arena import arena

    contest, deals = Contest(players=("highest", "random"), games=True, bidders=("fixed:32", "pass")), Deals(count=10)
    assert untimed(arena(contest, deals)) == alone(contest, deals)
    assert stages() == ["arena made"]


def test_everyone_against_everyone_with_a_plot_on_the_page_and_in_mlflow(
    stages: Callable[[], list[str]], home: Path
) -> None:
    from mlflow import MlflowClient
    from prefect.client.orchestration import get_client

    from flows.arena import arena

    contest, deals = Contest(players=("random", "cheat", "highest")), Deals(count=40)
    assert untimed(arena(contest, deals)) == alone(contest, deals)
    assert stages() == ["arena made"] * 3
    with get_client(sync_client=True) as client:
        matches = [found for found in client.read_artifacts() if found.key == "match"]  # other tests' too
        shown = str(max(matches, key=lambda found: str(found.created)).data)
    assert "1. cheat" in shown
    assert "data:image/png" in shown
    mlflow = MlflowClient(f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    [run] = mlflow.search_runs(["1"])
    assert set(run.data.metrics) == {"elo/random", "elo/cheat", "elo/highest"}
    assert [file.path for file in mlflow.list_artifacts(run.info.run_id)] == ["ratings.png"]


def test_a_player_that_does_not_exist_is_refused_before_anything_is_played(stages: Callable[[], list[str]]) -> None:
    from flows.arena import arena

    with pytest.raises(InputError, match="nobody"):
        arena(Contest(players=("highest", "nobody")), Deals(count=10))
    assert stages() == []
