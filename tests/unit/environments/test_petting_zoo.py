"""PettingZoo's own tests, and what they do not look at: rewards, masks, text (extra `rl`)."""

import numpy as np
import pytest

from forge_core.errors import InputError
from forge_core.rules import deal_from_seed

pytest.importorskip("pettingzoo", reason="pip install 'crystal-forge[rl]'")
from pettingzoo.test import api_test, seed_test

from forge_core.environments.petting_zoo import AGENTS, Texas42

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_the_api_as_petting_zoo_sees_it() -> None:
    api_test(Texas42(), num_cycles=500)
    api_test(Texas42(bid=30), num_cycles=500)


def test_seeds_as_petting_zoo_sees_them() -> None:
    seed_test(Texas42, num_cycles=500)


def _play_out(env: Texas42, seed: int) -> dict[str, float]:
    env.reset(seed=seed)
    chance = np.random.default_rng(seed)
    total = dict.fromkeys(AGENTS, 0.0)
    for agent in env.agent_iter():
        seen, reward, ended, _, _ = env.last()
        total[agent] += reward
        assert seen is not None
        env.step(None if ended else int(chance.choice(np.flatnonzero(seen["action_mask"]))))
    return total


def test_rewards_add_up_to_the_points_of_the_hand() -> None:
    env = Texas42()
    for seed in range(20):
        total = _play_out(env, seed)
        difference = env.hand.won[0] - env.hand.won[1]
        assert total == dict(zip(AGENTS, (difference, -difference, difference, -difference), strict=True))


def test_marks() -> None:
    env = Texas42(bid=32, declaration="sixes")
    for seed in range(20):
        total = _play_out(env, seed)
        assert total["seat_0"] == (1 if env.hand.won[0] >= 32 else -1)
        assert env.hand.declaration == 6


def test_text_and_refusals() -> None:
    env = Texas42(render_mode="ansi")
    env.reset(options={"deal": deal_from_seed(0), "declaration": "sixes"})
    assert "> seat 0: 0-0,2-0,2-2,3-1,4-0,4-4,5-2" in str(env.render())
    with pytest.raises(InputError, match="by seat 0"):
        env.step(27)
