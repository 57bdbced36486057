"""A process that trains beside the one that started it; see `ddp`. It writes nothing and says nothing."""

import os
import sys
from threading import Thread

from forge_core.learn.ddp import READY, WorkerSpec
from forge_core.learn.train import TrainerConfig, train
from forge_core.solver.gpu import cuda_device


def main(spec: WorkerSpec) -> None:
    """Train, as long as the process that asked for it is there."""
    Thread(target=_end_with_the_caller, daemon=True).start()
    sys.stdout.write(READY)
    sys.stdout.flush()
    os.dup2(2, 1)  # nobody reads the pipe any more
    trainer_config = TrainerConfig(
        resume=spec.resume,
        accelerator=spec.accelerator,
        devices=spec.devices,
        strategy=spec.strategy,
        solver_threads=spec.solver_threads,
        solver_device=cuda_device() if spec.solves_on_cuda else None,
    )
    train(spec.tokens, spec.output, spec.settings, trainer_config, initial=spec.initial)


def _end_with_the_caller() -> None:
    os.read(0, 1)  # returns when the other end of standard input is closed, be it by the caller's death
    os._exit(1)


if __name__ == "__main__":
    main(WorkerSpec.model_validate_json(sys.argv[1]))
