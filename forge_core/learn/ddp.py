"""Several devices: a process each, which learn from their shares of every batch.

Lightning would start the others by running this program's command line again. That may be a flow, a worker or a test,
and must not happen twice, so they are started here, each as `python -m forge_core.learn.ddp`. Such a process trains
beside the one that started it, and writes and says nothing. In a process that torchrun or SLURM has started beside
others, nothing is started.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from pydantic import BaseModel

from forge_core.errors import ForgeError
from forge_core.learn.settings import StrategyName, TrainSettings
from forge_core.solver.gpu import cuda_device


def processor_name(device: torch.device) -> str:
    """The name of a CUDA device, or of this machine's processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


READY = "ready\n"
_LEFT_BEHIND = ("MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")  # by Lightning, in this process's environment


class WorkerSpec(BaseModel):
    """What a worker is told: the arguments of `train`, as far as they can be told to another process.

    solves_on_cuda  whether a stream's deals are solved on the CUDA device
    """

    tokens: Path
    output: Path
    settings: TrainSettings
    initial: Path | None
    resume: Path | None
    accelerator: str
    devices: int
    strategy: StrategyName
    solver_threads: int
    solves_on_cuda: bool


class Leader(LightningEnvironment):
    """The first of several processes, which has started the others itself."""

    @property
    def creates_processes_externally(self) -> bool:
        """Lightning has nothing to start."""
        return True


def leader() -> Leader | None:
    """What to tell Lightning of this process; None = it finds that out itself, as something else starts processes."""
    beside_others = int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1  # only srun says so; a job alone does not
    slurm = SLURMEnvironment.detect() and beside_others
    return None if LightningEnvironment().creates_processes_externally or slurm else Leader()


@contextmanager
def workers(leader: Leader | None, spec: WorkerSpec) -> Generator[None]:
    """The other processes of a run, from before it begins until it is over, however it ends.

    Raises ForgeError when one of them cannot start.
    """
    if leader is None:
        yield
        return
    before = {name: os.environ.get(name) for name in _LEFT_BEHIND}
    threads = torch.get_num_threads()
    with ExitStack() as stack:
        started = [stack.enter_context(_start(leader, rank, spec)) for rank in range(1, spec.devices)]
        for process in started:
            _await(process)
        try:
            yield
        finally:
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()  # or the next run in this process would take it for its own
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)


def _start(leader: Leader, rank: int, spec: WorkerSpec) -> subprocess.Popen[str]:
    """Start a worker. It ends when its standard input does, so it outlives neither this block nor this process."""
    place = {"MASTER_ADDR": leader.main_address, "MASTER_PORT": str(leader.main_port), "LOCAL_RANK": str(rank)}
    return subprocess.Popen(
        [sys.executable, "-m", "forge_core.learn.ddp", spec.model_dump_json()],
        env=os.environ | place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process, which ends them
    )


def _await(process: subprocess.Popen[str]) -> None:
    """Wait until a worker has all that it needs: for one that is missing, Lightning waits half an hour."""
    if process.stdout is None or process.stdout.readline() != READY:
        raise ForgeError.of(
            got=f"a process that was to train beside this one and ended with exit code {process.wait()}",
            expected="a worker for each further device",
            remedy="see above what it said, or train on one device",
        )


def main(spec: WorkerSpec) -> None:
    """What a worker does: train, as long as the process that asked for it is there."""
    from forge_core.learn.train import TrainerConfig, train  # which imports this module

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
