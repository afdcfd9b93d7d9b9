"""When a failed attempt is tried again, and when it is not."""

from catnet_controller.errors import CatnetError, RateLimited, Transient

FIRST_DELAY = 5.0
LONGEST_DELAY = 600.0


def backoff(attempt: int, *, jitter: float) -> float:
    """Seconds to wait after the ``attempt``-th failure (from 1), doubling up to ten minutes.

    ``jitter`` in [0, 1) comes from the caller and spreads devices that failed together over half
    of the delay.
    """
    delay: float = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 16))
    return delay * (1.0 - jitter / 2)


def again(
    error: CatnetError, attempt: int, *, limit: int | None, now: float, jitter: float
) -> float | None:
    """When to try again, in seconds since the epoch; None when trying again cannot help.

    Only transient errors are tried again, at most ``limit`` times (None: without end).
    """
    if not isinstance(error, Transient):
        return None
    if limit is not None and attempt > limit:
        return None
    if isinstance(error, RateLimited):
        return max(error.not_before, now + 1.0)
    return now + backoff(attempt, jitter=jitter)
