"""What the machine gives: its clock, a loop that serves many devices, an end for processes."""

import asyncio
import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

_YOUNG = 10_000
"""New objects that may gather before cycles among them are looked for; Python's own is 700."""

_PR_SET_PDEATHSIG = 1

# Goes on while the machine is suspended, as do the clocks of those who wait for a lease to run out;
# only Linux has it.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's clock, as ports.Clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.clock_gettime(_STEADY)


def run(main: Coroutine[Any, Any, T], *, uvloop: bool = True) -> T:
    """Like `asyncio.run`, for work on hundreds of sessions: on uvloop where the extra is installed.

    Nearly all that a session leaves behind goes without the garbage collector, so that looks for
    the rest rarely, and never at what was there before (`gc.freeze`).
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        with asyncio.Runner(loop_factory=_loop_factory() if uvloop else None) as runner:
            return runner.run(main)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def end_with(parent: int) -> None:
    """Let this process be killed when its parent is, whatever it is doing then.

    prctl(2), PR_SET_PDEATHSIG; other systems than Linux have no such thing.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It was gone already.
        os._exit(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
