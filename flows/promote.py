"""Make a model the champion."""

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import forms
from forge_core.learn.evaluation_settings import DEFAULT, EvaluationSettings
from tasks.promote import Promotion
from tasks.promote import promote as promote_model


@flow(name="promote")
def promote(
    model: forms.Model,
    force: str | None = None,
    trained_on: str | None = None,
    settings: forms.Settings[EvaluationSettings] = DEFAULT,
) -> Promotion:
    """Take a model into the catalog as the champion of its kind, if it plays better than the present one on val.

    model       an object of the store, or a model folder
    force       why it is promoted even if it is not better
    trained_on  the device, for a model whose config does not say it
    settings    how many states it is compared on, and measured on for its card
    """
    promotion = promote_model(model, force=force, trained_on=trained_on, settings=settings)
    words = f"# {promotion.name or 'Not promoted'}\n\n{promotion.reason}"
    create_markdown_artifact(words, key="promotion", description="What became of the model")
    return promotion
