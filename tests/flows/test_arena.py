"""The flow of the arena: blocks from the store, the same result as the command's."""

from collections.abc import Callable

import pytest

from forge_core.arena.run import run_match
from forge_core.arena.settings import Deals, MatchSettings
from forge_core.errors import InputError
from forge_core.players.registry import Means


def test_a_match_is_played_in_blocks_and_comes_from_the_store(stages: Callable[[], list[str]]) -> None:
    from flows.arena import arena

    match, deals = MatchSettings(a="highest", b="random"), Deals(start=50, count=120)
    first = arena(match, deals)
    assert stages() == ["arena made"] * 2
    again = arena(match, deals)
    assert stages() == ["arena cached"] * 2
    assert again == first
    alone = run_match(deals, match, Means(1)).as_json()
    assert {k: v for k, v in first.items() if k != "timing"} == {k: v for k, v in alone.items() if k != "timing"}
    arena(match, Deals(start=50, count=200))
    assert stages().count("arena cached") == 1


def test_a_player_that_does_not_exist_is_refused_before_anything_is_played(stages: Callable[[], list[str]]) -> None:
    from flows.arena import arena

    with pytest.raises(InputError, match="nobody"):
        arena(MatchSettings(a="highest", b="nobody"), Deals(count=10))
    assert stages() == []
