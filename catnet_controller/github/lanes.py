"""Blocking calls in, awaited results out: a thread with a thing of its own, one call at a time.

PyGithub is synchronous, an instance of it belongs to one thread, and a thread that hangs cannot
be stopped. So each lane is one daemon thread that builds, uses and closes its own instance; when
a call takes too long the lane leaves thread and instance behind and starts anew.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog

from catnet_controller.errors import GithubUnavailable

_log = structlog.get_logger(__name__)
_HUNG_AT_MOST: Final = 8


class Closable(Protocol):
    """What a thread may own."""

    def close(self) -> None: ...


R = TypeVar("R")
C = TypeVar("C", bound=Closable)


class _Thread(Generic[C]):
    """A daemon thread that owns an instance. Daemon: a server that hangs cannot hold our exit."""

    def __init__(self, *, name: str, instance: C) -> None:
        self._instance = instance
        self._work: queue.SimpleQueue[tuple[Callable[[C], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self.ended: Future[None] = Future()
        self.left_at = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, call: Callable[[C], R]) -> "Future[R]":
        future: Future[R] = Future()
        self._work.put((call, future))
        return future

    def finish(self) -> None:
        """End after what is being done now."""
        self._work.put(None)

    def _run(self) -> None:
        try:
            while (item := self._work.get()) is not None:
                call, future = item
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    result = call(self._instance)
                except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                    future.set_exception(error)
                else:
                    future.set_result(result)
        finally:
            self._instance.close()
            self.ended.set_result(None)


class Lane(Generic[C]):
    """One request at a time. A thread that does not come back in time is abandoned.

    ``hold`` is for how many seconds at most nothing new is begun while an abandoned call still
    runs: what it asks for could otherwise be done after what is asked for next, and undo it.
    """

    def __init__(
        self, *, name: str, build: Callable[[], C], deadline: float, hold: float = 0.0
    ) -> None:
        self._name = name
        self._build = build
        self._deadline = deadline
        self._hold = hold
        self._lock = asyncio.Lock()
        self._thread: _Thread[C] | None = None
        self._abandoned: list[_Thread[C]] = []
        self._closed = False

    async def run(self, call: Callable[[C], R]) -> R:
        async with self._lock:
            if self._closed:
                raise GithubUnavailable("the connection to GitHub is closed")
            self._abandoned = [thread for thread in self._abandoned if thread.alive]
            if len(self._abandoned) >= _HUNG_AT_MOST:
                raise GithubUnavailable(f"{len(self._abandoned)} calls to GitHub hang")
            held = asyncio.get_running_loop().time() - self._hold
            if any(thread.left_at > held for thread in self._abandoned):
                raise GithubUnavailable("an earlier call to GitHub has not ended yet")
            if self._thread is None:
                self._thread = _Thread(name=f"github-{self._name}", instance=self._build())
            thread = self._thread
            try:
                async with asyncio.timeout(self._deadline):
                    return await asyncio.wrap_future(thread.submit(call))
            except (TimeoutError, asyncio.CancelledError) as cause:
                # The thread cannot be stopped, and its instance must not be shared.
                thread.finish()
                thread.left_at = asyncio.get_running_loop().time()
                self._abandoned.append(thread)
                if self._thread is thread:
                    self._thread = None
                if isinstance(cause, asyncio.CancelledError):
                    raise
                _log.warning("github lane abandoned", lane=self._name, seconds=self._deadline)
                raise GithubUnavailable(
                    f"GitHub did not finish an answer in {self._deadline:g} s"
                ) from cause

    async def close(self) -> None:
        self._closed = True
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        thread.finish()
        try:
            async with asyncio.timeout(2):
                await asyncio.shield(asyncio.wrap_future(thread.ended))
        except TimeoutError:
            _log.warning("github lane left behind", lane=self._name)
