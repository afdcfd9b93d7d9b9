"""Many that want to write at the same time in; one transaction for all who wait, out.

A commit waits for the disk. In a storm of webhooks everybody who came while one commit was under
way shares the next, so that a thousand a second cost tens of commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 200
"""Rows of a transaction: others want to write as well."""

_Waiting = tuple[T, "asyncio.Future[None]"]


class Arrivals(Generic[T]):
    """``write`` records them all, or raises and records none."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[_Waiting[T]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, item: T) -> None:
        """Returns once it is durable; raises what ``write`` raised.

        What has arrived is written even if nobody waits for it any more.
        """
        told = asyncio.get_running_loop().create_future()
        self._waiting.append((item, told))
        if self._writer is None:
            # Begins after those who came in the same moment: each commit costs more than a row.
            work = asyncio.create_task  # noqa: TID251 - each who waits hears of an error
            self._writer = work(self._work(), name="arrivals")
        await told

    async def _work(self) -> None:
        """Write until nobody waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._flush(batch)
        finally:
            self._writer = None
            # Left only where this was cancelled: the loop ends.
            for _, told in self._waiting:
                told.cancel()
            self._waiting.clear()

    async def _flush(self, batch: Sequence[_Waiting[T]]) -> None:
        try:
            await self._write([item for item, _ in batch])
        except asyncio.CancelledError:
            for _, told in batch:
                told.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - each who waits hears of it
            for _, told in batch:
                if not told.done():
                    told.set_exception(error)
        else:
            for _, told in batch:
                if not told.done():
                    told.set_result(None)
