import pytest

from forge_core.errors import InputError
from forge_core.shards.settings import ShardSettings
from forge_core.shards.strategy import Strategy, mixture_text, parse_mixture


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("uniform", {Strategy.UNIFORM: 1}),
        ("by-depth", {Strategy.BY_DEPTH: 1}),
        ("played = 0.5 , uniform=2", {Strategy.UNIFORM: 2, Strategy.PLAYED: 0.5}),
    ],
)
def test_mixtures_are_read(text: str, weights: dict[Strategy, float]) -> None:
    assert parse_mixture(text) == weights
    assert parse_mixture(mixture_text(text)) == weights


def test_equal_mixtures_are_equal_settings() -> None:
    assert ShardSettings(strategy="played,uniform=2.0") == ShardSettings(strategy="uniform=2,played=1")
    assert ShardSettings(strategy="uniform=3") == ShardSettings()


@pytest.mark.parametrize("text", ["", "best", "uniform=0", "uniform=-1", "uniform=x", "uniform,uniform", "played=inf"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="strategy"):
        parse_mixture(text)
