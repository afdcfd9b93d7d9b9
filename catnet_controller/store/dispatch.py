"""Who wakes whom, inside one process: loops wait here for "there may be work"."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from catnet_controller.errors import CatnetError
from catnet_controller.ports import Clock

Horizon = Callable[[float], Awaitable[float | None]]
"""The first moment after the given one at which something falls due, if any is known."""


class Dispatcher:
    """A wake-up is a hint: losing one costs the time until the next look, never correctness."""

    def __init__(self, *, clock: Clock, horizon: Horizon) -> None:
        self._clock = clock
        self._horizon = horizon
        self._generation = 0
        self._pulse = asyncio.Event()
        # What each task has heard, and when: a wake-up between its look and its wait counts.
        self._heard: weakref.WeakKeyDictionary[asyncio.Task[Any], tuple[int, float]] = (
            weakref.WeakKeyDictionary()
        )

    def wake(self) -> None:
        """There may be work for anyone who waits."""
        self._generation += 1
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()

    async def wait(self, timeout: float) -> None:
        """Return when this process wrote work, something falls due, or after ``timeout`` seconds.

        Returns at once when that happened since the calling task last waited. Call it always from
        the same task, with a look for work in between.
        """
        task = asyncio.current_task()
        assert task is not None
        generation, since = self._heard.get(task, (self._generation, self._clock.now()))
        if generation == self._generation:
            pulse = self._pulse
            delay = await self._delay(since, timeout)
            try:
                async with asyncio.timeout(delay):
                    await pulse.wait()
            except TimeoutError:
                pass
        self._heard[task] = (self._generation, self._clock.now())

    async def _delay(self, since: float, timeout: float) -> float:
        try:
            due = await self._horizon(since)
        except CatnetError:
            # The look for work meets the same trouble and reports it; here only the time counts.
            return timeout
        return timeout if due is None else min(timeout, max(0.0, due - self._clock.now()))
