"""Pure work comes in, what it gives goes out: computed here and now."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def at_once(work: Callable[[], T], /, *, within: float | None = None) -> T:  # noqa: ARG001
    """A ports.Offload for a lab of a few devices; a daemon gives one that keeps its loop free."""
    return work()
