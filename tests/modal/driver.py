"""A program that makes shards on the control plane, to be disturbed: `driver.py FOLDER DEALS [BUDGET [LIFE]]`.

LIFE is how many seconds Modal is taken to need until it notices that a program is gone.
"""

import sys
from pathlib import Path

from configs.modal import Place
from forge_core.shards.settings import ShardSettings
from tasks.generate import STAGE, GenerateSettings
from tasks.remote import budget as budgets
from tasks.remote import executor
from tasks.stage import Call, Context


def main(folder: str, deals: str, budget: str = "5", life: str = "") -> None:
    if life:
        budgets.HEARTBEAT_LIFE, budgets.IDLE, budgets.STARTUP_LIMIT, budgets._LEAST_TIME = float(life), 1, 1, 1
    executor.block_size_at = lambda _place, _stage: 1
    settings = GenerateSettings(
        shards=ShardSettings(states_per_deal=10), deals=tuple((seed, None, seed % 10) for seed in range(int(deals)))
    )
    place = Place(agreed=True, budget=float(budget), max_containers=2, retries=0 if life else 2)
    executor.ModalExecutor(place, Context()).run(Call(STAGE, settings), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
