"""Many that want to write at the same time in; one transaction for all who wait, out.

A commit waits for the disk. In a storm of webhooks everybody who came while one commit was under
way shares the next, so that a thousand a second cost tens of commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 200
"""Rows of a transaction: others want to write as well."""


@dataclass(slots=True, kw_only=True)
class _Waiting(Generic[T]):
    """One who waits. ``told``: that it is written (True), or that it writes for all now (False)."""

    item: T
    told: asyncio.Future[bool]

    def tell(self, written: bool) -> bool:
        """Whether it still listens."""
        if self.told.done():
            return False
        self.told.set_result(written)
        return True


class Arrivals(Generic[T]):
    """``write`` records them all, or raises and records none."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._led = False
        self._waiting: list[_Waiting[T]] = []

    async def record(self, item: T) -> None:
        """Returns once it is durable; raises what ``write`` raised."""
        own = _Waiting(item=item, told=asyncio.get_running_loop().create_future())
        self._waiting.append(own)
        if self._led:
            try:
                if await own.told:
                    return
            except asyncio.CancelledError:
                # What has arrived is written by the others, though nobody waits for it any more.
                if own.told.done() and not own.told.cancelled() and not own.told.exception():
                    self._hand_over(written=own.told.result())
                raise
        self._led = True
        try:
            await self._gather(own)
            await self._flush(own)
        finally:
            self._hand_over(written=False)

    async def _gather(self, own: _Waiting[T]) -> None:
        """Let those in that came in the same moment: each commit costs more than a row."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            # Nobody was told anything, and nobody else writes for one who is not there.
            self._waiting.remove(own)
            raise

    async def _flush(self, own: _Waiting[T]) -> None:
        """Write what waits; ``own`` is of whoever does it."""
        waiting = [each for each in self._waiting if each is not own]
        others, self._waiting = waiting[: _MOST - 1], waiting[_MOST - 1 :]
        try:
            await self._write([own.item, *(each.item for each in others)])
        except asyncio.CancelledError:
            # Perhaps written, perhaps not: twice does no harm, and not at all would.
            self._waiting = others + self._waiting
            raise
        except Exception as error:
            for each in others:
                if not each.told.done():
                    each.told.set_exception(error)
            raise
        for each in others:
            each.tell(True)

    def _hand_over(self, *, written: bool) -> None:
        """The next who still listens writes; nothing to do for one who was ``written``."""
        if not written:
            self._led = any(each.tell(False) for each in self._waiting)
