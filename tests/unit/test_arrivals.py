"""Those who write at the same time share a transaction, and each hears how it ended."""

import asyncio
from collections.abc import Sequence
from itertools import chain

import pytest

from catnet_controller.errors import StoreBusy
from catnet_controller.web.arrivals import Arrivals


class Disk:
    """Holds each write until it is let go."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.begun = asyncio.Event()
        self.free = asyncio.Semaphore(0)
        self.failing = False

    async def write(self, items: Sequence[int]) -> None:
        self.begun.set()
        await self.free.acquire()
        if self.failing:
            raise StoreBusy("busy")
        self.written.append(list(items))


async def turn() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_comes_during_a_write_shares_the_next() -> None:
    disk = Disk()
    arrivals = Arrivals(disk.write)
    async with asyncio.TaskGroup() as group:
        group.create_task(arrivals.record(0))
        await disk.begun.wait()
        for number in range(1, 300):
            group.create_task(arrivals.record(number))
        for _ in range(3):
            disk.free.release()
    assert [len(each) for each in disk.written] == [1, 200, 99]
    assert sorted(chain(*disk.written)) == list(range(300))
    disk.free.release()
    await arrivals.record(300)
    assert disk.written[-1] == [300]


async def test_who_comes_in_the_same_moment_shares_the_first_write() -> None:
    disk = Disk()
    arrivals = Arrivals(disk.write)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(arrivals.record(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # the first, whose coming began it
        disk.free.release()
    assert disk.written == [[0, 1, 2, 3]]
    disk.free.release()
    await arrivals.record(4)
    assert disk.written[-1] == [4]


async def test_all_who_shared_a_write_that_failed_hear_of_it() -> None:
    disk = Disk()
    disk.failing = True
    arrivals = Arrivals(disk.write)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(failed(arrivals, number)) for number in range(5)]
        await turn()
        disk.free.release()
        disk.free.release()
    assert all(task.result() for task in tasks)


async def failed(arrivals: Arrivals[int], number: int) -> bool:
    with pytest.raises(StoreBusy):
        await arrivals.record(number)
    return True


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_one_who_leaves_holds_up_nobody_and_is_written(leaver: int) -> None:
    disk = Disk()
    arrivals = Arrivals(disk.write)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(arrivals.record(0))]
        await disk.begun.wait()
        tasks += [group.create_task(arrivals.record(number)) for number in range(1, 4)]
        await turn()
        tasks[leaver].cancel()
        await turn()
        assert [task.done() for task in tasks] == [n == leaver for n in range(4)]
        disk.free.release()
        disk.free.release()
        await turn()
        last = group.create_task(arrivals.record(9))
        disk.free.release()
    assert last.done()
    assert disk.written == [[0], [1, 2, 3], [9]]


async def test_a_failed_write_is_not_held_against_the_next() -> None:
    disk = Disk()
    disk.failing = True
    arrivals = Arrivals(disk.write)
    disk.free.release()
    assert await failed(arrivals, 0)
    disk.failing = False
    disk.free.release()
    await arrivals.record(1)
    assert disk.written == [[1]]


def test_where_the_loop_ends_nobody_waits_for_ever() -> None:
    disk = Disk()
    arrivals = Arrivals(disk.write)
    tasks: list[asyncio.Task[None]] = []

    async def leave() -> None:
        tasks.append(asyncio.create_task(arrivals.record(0)))
        await disk.begun.wait()
        tasks.append(asyncio.create_task(arrivals.record(1)))
        await turn()

    asyncio.run(leave())
    assert all(task.cancelled() for task in tasks)
    assert disk.written == []

    async def again() -> None:
        disk.free.release()
        await arrivals.record(2)

    asyncio.run(again())
    assert disk.written == [[2]]
