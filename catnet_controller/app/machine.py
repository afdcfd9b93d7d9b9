"""What the machine gives: its clock, and a loop that serves many devices."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_YOUNG = 10_000
"""New objects that may gather before cycles among them are looked for; Python's own is 700."""

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


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
