"""Many items, few tasks."""

import asyncio

import pytest

from tasks.remote.running import for_each


def test_tasks_do_not_grow_with_the_items() -> None:
    done: list[int] = []
    tasks: list[int] = []

    async def work(item: int) -> None:
        tasks.append(len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        done.append(item)

    asyncio.run(for_each(work, range(1000)))
    assert sorted(done) == list(range(1000))
    assert max(tasks) == 17, "sixteen, and the one that waits for them"


def test_the_first_failure_is_raised_as_it_is_and_ends_the_others() -> None:
    begun: list[int] = []

    async def work(item: int) -> None:
        begun.append(item)
        if item == 20:
            raise FileNotFoundError(item)
        await asyncio.sleep(0)

    with pytest.raises(FileNotFoundError):
        asyncio.run(for_each(work, range(1000)))
    assert len(begun) < 100
