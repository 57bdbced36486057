"""The options of commands whose work may go to Modal: --on, --budget and so on."""

from typing import Annotated, Any

import typer

from flows.cli.options import PLACE, build, options_of, setting


def place_of(
    on: Annotated[
        str | None, typer.Option("--on", help='"modal", or "modal:T4"; several GPUs in order: "modal:L4,T4".')
    ] = None,
    budget: Annotated[float | None, setting(PLACE, "budget", before="On Modal: ")] = None,
    max_containers: Annotated[int | None, setting(PLACE, "max_containers", before="On Modal: ")] = None,
    time_limit: Annotated[int | None, setting(PLACE, "time_limit", before="On Modal: ")] = None,
    retries: Annotated[int | None, setting(PLACE, "retries", before="On Modal: ")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="On Modal: do not ask whether the cost is agreed to.")] = False,
) -> Any:
    """The place that was typed; None when the work is to be done here. InputError for a place that cannot be meant."""
    from configs.modal import Place
    from forge_core.errors import InputError

    given = {"budget": budget, "max_containers": max_containers, "time_limit": time_limit, "retries": retries}
    if on is None:
        if yes or any(value is not None for value in given.values()):
            raise InputError.of(
                got="--budget, --max-containers, --time-limit, --retries or --yes without --on",
                expected="a place where work costs something",
                remedy="name it, as in --on modal:T4",
            )
        return None
    return build(Place, {"gpus": Place.parse(on).gpus, "agreed": yes, **given})


modal_options = options_of(place_of, "on")
"""Gives a command these options; its parameter `on` then gets the place that was typed, None for here."""
