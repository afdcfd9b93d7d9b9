"""Pure work comes in, what it gives goes out: computed here and now."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def at_once(work: Callable[[], T], /) -> T:
    """A ports.Offload for a lab of a few devices; a daemon gives one that keeps its loop free."""
    return work()
