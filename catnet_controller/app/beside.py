"""Pure work that takes long comes in; what it gives comes out, computed beside the event loop.

A thread is not beside enough: it holds the interpreter's lock for 5 ms at a time, and for more
than 100 ms in one collection of garbage, and as long the loop answers nobody. So what can be sent
to another process is computed there. Not a ProcessPoolExecutor: there one input that kills its
worker breaks every other job's work too, nothing has a deadline, and workers outlive a daemon
that was killed.
"""

import asyncio
import gc
import itertools
import multiprocessing
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Self, TypeVar

import structlog

from catnet_controller.app import machine
from catnet_controller.errors import CatnetError, InternalFault, TooSlow

T = TypeVar("T")

log = structlog.get_logger(__name__)

_SMALL = 8 * 1024
"""Bytes of input: what is smaller is computed here before it could be sent (about 100 lines)."""
_DEADLINE = 600.0
"""Seconds; a comparison of 30,000 lines takes less than ten, a commit of a thousand devices 200."""
_COLLECT = 100
"""Jobs after which a process looks for garbage that holds itself."""
_IDLE = 60.0
"""Seconds without work after which the processes are ended, and with them their memory."""


class Beside:
    """Processes and threads for pure work, as ports.Offload; a context.

    A ``functools.partial`` is sent to another process when its input is large: its function is
    one of a module, and arguments and result can be pickled. Anything else runs in a thread.
    Processes start when they are needed and end when nobody needs them.
    """

    def __init__(self, *, deadline: float = _DEADLINE, idle: float = _IDLE) -> None:
        # Two at least, so that one long comparison does not keep everybody waiting.
        workers = max(2, min(4, os.cpu_count() or 1))
        self._callers = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="compute")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="build")
        self._deadline = deadline
        self._idle = idle
        self._lock = Lock()
        self._resting: list[_Worker] = []
        self._alive: set[_Worker] = set()
        self._closed = False
        self._waiting = 0
        self._bedtime: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bedtime is not None:
            self._bedtime.cancel()
        with self._lock:
            self._closed = True
            alive = list(self._alive)
        # Killed, not asked: what they compute is wanted by nobody any more.
        for worker in alive:
            worker.kill()
        for pool in (self._callers, self._thread):
            pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, work: Callable[[], T], /, *, within: float | None = None) -> T:
        """Raises InternalFault when the work kills its process twice or takes too long, TooSlow
        when it takes longer than ``within`` seconds."""
        loop = asyncio.get_running_loop()
        if not isinstance(work, partial):
            return await loop.run_in_executor(self._thread, work)
        self._waiting += 1
        if self._bedtime is not None:
            self._bedtime.cancel()
        try:
            return await loop.run_in_executor(self._callers, self._compute, work, within)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._closed:
                self._bedtime = loop.call_later(self._idle, self._end_resting)

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes there are."""
        with self._lock:
            return tuple(worker.pid for worker in self._alive)

    # --- in a thread ---------------------------------------------------------------------------

    def _compute(self, work: "partial[T]", within: float | None) -> T:
        sent = pickle.dumps(work, pickle.HIGHEST_PROTOCOL)
        # What somebody wrote may take the interpreter's lock for ever, however small it is.
        if len(sent) < _SMALL and within is None:
            return work()
        for again in (True, False):
            worker = self._taken()
            try:
                succeeded, answer = worker.ask(sent, within or self._deadline)
            except TimeoutError:
                self._drop(worker)
                if within is not None:
                    raise TooSlow(f"it takes longer than {within:g} s") from None
                raise InternalFault(
                    f"a computation was stopped after {self._deadline:g} s",
                    next_step="Report this with the configuration it happened with.",
                ) from None
            except (EOFError, OSError) as error:
                self._drop(worker)
                if again and not self._closed:
                    log.warning("a compute process died; once more", exitcode=worker.exitcode)
                    continue
                raise InternalFault("a computation ended its process") from error
            self._put_back(worker)
            if not succeeded:
                raise answer
            result: T = answer
            return result
        raise AssertionError  # the second round returns or raises

    def _taken(self) -> "_Worker":
        with self._lock:
            if self._closed:
                raise InternalFault("nothing is computed any more: CatNet is stopping")
            if self._resting:
                return self._resting.pop()
            worker = _Worker()
            self._alive.add(worker)
            return worker

    def _put_back(self, worker: "_Worker") -> None:
        with self._lock:
            self._resting.append(worker)

    def _drop(self, worker: "_Worker") -> None:
        worker.kill()
        with self._lock:
            self._alive.discard(worker)

    def _end_resting(self) -> None:
        with self._lock:
            ended, self._resting = self._resting, []
            self._alive.difference_update(ended)
        for worker in ended:
            worker.kill()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        # A fresh interpreter: a fork would copy the locks of the daemon's threads as they stand.
        context = multiprocessing.get_context("spawn")
        self._calls, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="compute", daemon=True)
        try:
            self._process.start()
        except BaseException:
            self._calls.close()
            raise
        finally:
            # Only the child has its end, so the pipe ends when either of the two does.
            theirs.close()
        self.pid = self._process.pid or 0

    @property
    def exitcode(self) -> int | None:
        return self._process.exitcode

    def ask(self, sent: bytes, deadline: float) -> tuple[bool, Any]:
        """Raises TimeoutError, and EOFError or OSError when the process is gone."""
        self._calls.send_bytes(sent)
        if not self._calls.poll(deadline):
            raise TimeoutError
        answer: tuple[bool, Any] = pickle.loads(self._calls.recv_bytes())  # noqa: S301 - our child
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def _serve(calls: "Connection[Any, Any]") -> None:
    """The life of a process: it ends when the daemon does, however that ends."""
    # The daemon drains on these; it says itself when nothing is to be computed any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    daemon = multiprocessing.parent_process()
    assert daemon is not None
    assert daemon.pid is not None
    # What is computed meanwhile nobody waits for.
    machine.end_with(daemon.pid)
    _stand_back()
    # The trees that are compared have no cycles, and looking for some takes half of the time.
    gc.disable()
    with suppress(EOFError, OSError):
        for answered in itertools.count(1):
            calls.send_bytes(_answer(calls.recv_bytes()))
            if answered % _COLLECT == 0:
                gc.collect()


def _stand_back() -> None:
    """Let the daemon go first, where one may say so: a filter of system calls may forbid it."""
    with suppress(OSError):
        os.nice(5)


def _answer(sent: bytes) -> bytes:
    try:
        work = pickle.loads(sent)  # noqa: S301 - from the daemon, over a pipe nobody else has
        return pickle.dumps((True, work()), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
        if not isinstance(error, CatnetError):
            # Files and lines, no values: a configuration must not get into a log.
            error.add_note("".join(traceback.format_tb(error.__traceback__)))
        return pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
