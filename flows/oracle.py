"""The oracle and the players that a person names, with what this installation has."""

from configs.installation import Installation
from forge_core.expected_q.oracle import Oracle
from forge_core.players.registry import Means


def oracle_named(name: str = "exact") -> Oracle:
    """The exact solver for "exact", or the model of that name or path. Raises ModelError."""
    here = Installation()
    if name == "exact":
        from tasks.exact_oracle import exact_oracle

        return exact_oracle(here.thread_count())
    from tasks.oracles import model_oracle

    return model_oracle(name, catalog=here.models)


def player_means() -> Means:
    """What players are made with here; models are known by name or path."""
    return Means(Installation().thread_count(), oracle_named)
