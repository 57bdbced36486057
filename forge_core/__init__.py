"""The domain library of Crystal Forge: Texas 42 from the rules to E[Q].

No Prefect, no Modal, no MLflow, no YAML and no environment variables in here. Imports point one way:

    expected_q, learn -> tokens -> shards -> solver -> rules -> errors      (artifacts stands beside them)

`import forge_core` alone gives the functions of `forge_core.surface`, each loaded when it is first used:

    solve             all values of a deal                   q_values         what each play is worth, all hands open
    information_set   what a seat knows                      worlds           the deals that fit it
    advise            what each play is worth to a seat      load_model       a trained network
    open_shards       solved states as a polars frame        open_games       E[Q] decisions as a polars frame
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forge_core.surface import (
        advise,
        information_set,
        load_model,
        open_games,
        open_shards,
        q_values,
        solve,
        worlds,
    )

__all__ = ["advise", "information_set", "load_model", "open_games", "open_shards", "q_values", "solve", "worlds"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from forge_core import surface

        return getattr(surface, name)
    raise AttributeError(f"module 'forge_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
