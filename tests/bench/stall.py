"""Bench `loop`: how long the event loop answers nobody while a fleet is compared."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from catnet_controller.app.beside import Beside
from catnet_controller.ios.diff import compare
from catnet_controller.ports import Offload
from tests.bench import configs
from tests.bench.frame import Bench, Figure, Run, against

T = TypeVar("T")

_LINES = 3_000
_VARIANTS = 20
_SIDE_BY_SIDE = 10
"""Jobs at a time, as many as a daemon runs."""
_LIMIT = 0.05


def run(asked: Run) -> Iterator[Figure]:
    devices = 30 if asked.quick else 1_000
    text = configs.running(_LINES)
    wanted = [configs.changed(text, seed=seed) for seed in range(_VARIANTS)]
    jobs = [partial(compare, text, wanted[number % _VARIANTS]) for number in range(devices)]
    what = f"{devices:,} devices of {_LINES:,} lines"

    asked.tell(f"{what}, beside the loop")
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    bystander = context.Process(target=_bystander, args=(far,), daemon=True)
    bystander.start()
    near.recv()
    with Beside() as beside:
        longest, usual, spent = asyncio.run(_measure(beside, jobs, asked.tell))
    near.send("stop")
    machine = float(near.recv())
    bystander.join()
    few = jobs[: min(devices, 50)]
    asked.tell(f"{len(few)} devices, in a thread")
    with ThreadPoolExecutor(max_workers=1) as pool:
        threaded, late, _ = asyncio.run(_measure(_threaded(pool), few, asked.tell))
    longest_title = f"{what}: longest stall, s"
    yield against("loop", longest_title, longest, _LIMIT, name="limit of 50 ms")
    yield against("loop", longest_title, longest, threaded, name=f"a thread, {len(few)} devices")
    # What a busy machine takes from everybody is no stall of ours.
    yield against("loop", longest_title, longest, machine, name="an idle loop at the same time")
    yield against(
        "loop", f"{what}: 99 % of stalls, s", usual, late, name=f"a thread, {len(few)} devices"
    )
    yield Figure(
        bench="loop",
        against="nobody",
        measure=f"{what}: seconds by the wall",
        ours=round(spent, 3),
    )


async def _measure(
    offload: Offload, jobs: Sequence[Callable[[], object]], tell: Callable[[str], None]
) -> tuple[float, float, float]:
    """The longest stall, that which 99 % do not exceed, and the seconds it all took."""
    stalls: list[float] = []
    free = asyncio.Semaphore(_SIDE_BY_SIDE)
    done = 0

    async def one(job: Callable[[], object]) -> None:
        nonlocal done
        async with free:
            await offload(job)
        done += 1
        if done % 50 == 0:
            tell(f"{done} of {len(jobs)}")

    async def tick() -> None:
        while True:
            asleep = time.perf_counter()
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - asleep - 0.001)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        async with asyncio.TaskGroup() as work:
            for job in jobs:
                work.create_task(one(job))
        ticking.cancel()
    stalls.sort()
    return stalls[-1], stalls[len(stalls) * 99 // 100], time.perf_counter() - begun


def _bystander(far: "Connection[Any, Any]") -> None:
    """The longest stall of a loop that has nothing to do, in a process of its own."""
    far.send("ready")

    async def idle() -> float:
        longest = 0.0
        while not far.poll():
            asleep = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - asleep - 0.001)
        return longest

    far.send(asyncio.run(idle()))


def _threaded(pool: ThreadPoolExecutor) -> Offload:
    async def offload(work: Callable[[], T], /, *, within: float | None = None) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    return offload


BENCH = Bench(name="loop", about="answer while a fleet is compared", run=run)
