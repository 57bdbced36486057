"""All stages, by name: a new one is one module with its body, and one line here."""

from collections.abc import Mapping
from typing import Any

from tasks import arena, bids, evaluate, export, generate, generate_eq, publish, tokenize, train, train_seat
from tasks.stage import Stage

STAGES: Mapping[str, Stage[Any]] = {
    module.STAGE.name: module.STAGE
    for module in (
        generate,
        tokenize,
        train,
        evaluate,
        export,
        publish,
        generate_eq,
        arena,
        bids,
        train_seat,
    )
}
