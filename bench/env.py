"""Steps a second of the PettingZoo environment in random play, observations and action masks included (extra `rl`)."""

import random
import time

import numpy as np
from report import options, publish

from forge_core.environments.petting_zoo import Texas42


def steps_per_second(seconds: float) -> float:
    """Random legal play through PettingZoo's own `last` and `step`."""
    env, chance, steps = Texas42(), random.Random(0), 0
    start = time.perf_counter()
    env.reset(seed=0)
    while time.perf_counter() - start < seconds:
        env.reset()
        for _ in range(28):
            seen, *_ = env.last()
            assert seen is not None
            env.step(chance.choice(np.flatnonzero(seen["action_mask"]).tolist()))
        steps += 28
    return steps / (time.perf_counter() - start)


def main() -> None:
    asked = options(__doc__)
    rates = [steps_per_second(1 if asked.quick else 3) for _ in range(3)]
    publish("env", {"steps_per_second": float(np.median(rates))}, asked)


if __name__ == "__main__":
    main()
