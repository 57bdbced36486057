import pytest
from pydantic import ValidationError

from forge_core.learn.settings import TrainSettings


def test_every_field_says_what_it_is() -> None:
    assert all(field.description for field in TrainSettings.model_fields.values())


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"network": "cnn"}, {"learning_rate": 0}, {"warmup": 1}, {"unknown": 1}, {"seed": -1}],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainSettings.model_validate(wrong)


def test_the_quick_check_changes_nothing_but_the_amount() -> None:
    settings = TrainSettings(network="transformer", size="large", kind="policy", batch_size=4096)
    quick = settings.quick_check()
    assert quick.architecture == settings.architecture
    assert quick.kind == settings.kind
    assert quick.epochs * (quick.samples_per_epoch or 0) <= 512
