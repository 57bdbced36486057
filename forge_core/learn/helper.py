"""A process that trains beside the one that started it; see `together`. It writes nothing and says nothing."""

import os
import sys
from threading import Thread

from forge_core.learn.together import READY, Errand
from forge_core.learn.train import Surroundings, train
from forge_core.solver.gpu import cuda_device


def main(errand: Errand) -> None:
    """Train, as long as the process that asked for it is there."""
    Thread(target=_end_with_the_caller, daemon=True).start()
    sys.stdout.write(READY)
    sys.stdout.flush()
    os.dup2(2, 1)  # nobody reads the pipe any more
    surroundings = Surroundings(
        resume=errand.resume,
        accelerator=errand.accelerator,
        devices=errand.devices,
        strategy=errand.strategy,
        solver_threads=errand.solver_threads,
        solver_device=cuda_device() if errand.solves_on_cuda else None,
    )
    train(errand.tokens, errand.output, errand.settings, surroundings, initial=errand.initial)


def _end_with_the_caller() -> None:
    os.read(0, 1)  # returns when the other end of standard input is closed, be it by the caller's death
    os._exit(1)


if __name__ == "__main__":
    main(Errand.model_validate_json(sys.argv[1]))
