"""The oracle and the players that a person names, with what this installation has."""

from configs.installation import Installation
from forge_core.expected_q.oracle import HybridOracle, Oracle
from forge_core.learn.catalog import CHAMPION
from forge_core.players.registry import Means


def oracle_named(name: str = "exact") -> Oracle:
    """The oracle that a name asks for.

    Args:
        name: "exact", the solver; the name or path of a model; "hybrid" or "hybrid:NAME", the champion or that model
            until three tricks are left and the solver from there on.

    Raises:
        ModelError: There is no such model.
    """
    here = Installation()
    if name == "exact":
        from tasks.exact_oracle import exact_oracle

        return exact_oracle(here.thread_count())
    from tasks.oracles import model_oracle

    kind, _, model = name.partition(":")
    if kind == "hybrid":
        return HybridOracle(oracle_named(model or CHAMPION), oracle_named())
    return model_oracle(name, catalog=here.models)


def player_means() -> Means:
    """What players are made with here; models are known by name or path."""
    from tasks.oracles import seat_players

    here = Installation()
    return Means(here.thread_count(), oracle_named, seat_players(str, catalog=here.models))
