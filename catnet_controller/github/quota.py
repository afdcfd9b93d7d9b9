"""What GitHub says of its limits in; when the next request may be sent, out.

Knocking during a limit prolongs it and may end in a ban, so there is one time for everything but
GraphQL, which has a number of requests of its own and shares the other limits with REST.
Rules: docs.github.com, rate-limits-for-the-rest-api and best-practices-for-using-the-rest-api.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import structlog

from catnet_controller.errors import RateLimited
from catnet_controller.github.replies import Answer
from catnet_controller.ports import Clock

_log = structlog.get_logger(__name__)

_RATE_TEXTS: Final = ("rate limit", "abuse detection", "temporarily blocked from content creation")
CORE: Final = "core"
"""What GitHub calls the requests of REST that it counts (x-ratelimit-resource)."""
GRAPHQL: Final = "graphql"
_LONGEST_WAIT: Final = 24 * 3600.0
_LONGEST_RESET: Final = 65 * 60.0
"""A number of requests is for an hour; a reset that is further away is none of GitHub's."""
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 15 * 60.0
_HOUR: Final = 3600.0


class Quota:
    """The limits of one account. ``spacing`` is seconds from the end of a write to the next."""

    def __init__(self, *, clock: Clock, spacing: float, writes_per_hour: int) -> None:
        self._clock = clock
        self._spacing = spacing
        self._writes_per_hour = writes_per_hour
        self._not_before = 0.0
        self._used_up: dict[str, float] = {}
        self._in_a_row = 0
        self._writes: deque[float] = deque()

    def admit(self, resource: str = CORE) -> None:
        """Raises RateLimited while GitHub wants us to wait."""
        not_before = max(self._not_before, self._used_up.get(resource, 0.0))
        if (now := self._clock.now()) < not_before:
            raise RateLimited(
                f"GitHub asked to wait {not_before - now:.0f} s more", not_before=not_before
            )

    async def admit_write(self, resource: str = CORE) -> None:
        """Wait for the distance between writes; RateLimited when an hour's share is used up."""
        self.admit(resource)
        now = self._clock.monotonic()
        while self._writes and self._writes[0] <= now - _HOUR:
            self._writes.popleft()
        if len(self._writes) >= self._writes_per_hour:
            raise RateLimited(
                f"{len(self._writes)} writes to GitHub in an hour, its limit for one account",
                not_before=self._clock.now() + self._writes[0] + _HOUR - now,
            )
        if self._writes:
            await asyncio.sleep(max(0.0, self._writes[-1] + self._spacing - now))

    def wrote(self) -> None:
        self._writes.append(self._clock.monotonic())

    def heed(self, answer: Answer) -> None:
        """Learn from an answer. Raises RateLimited when it is a refusal because of a limit."""
        if limited(answer):
            raise self.limit(answer)
        self._in_a_row = 0
        if left(answer.headers) == 0:
            self._use_up(answer.headers)

    def limit(self, answer: Answer) -> RateLimited:
        """Learn from an answer that is a refusal because of a limit."""
        now = self._clock.now()
        told = _retry_after(answer.headers)
        self._in_a_row += 1
        if told is None and left(answer.headers) == 0 and "x-ratelimit-reset" in answer.headers:
            not_before = self._use_up(answer.headers)
        else:
            doubled = _FIRST_PAUSE * 2 ** min(self._in_a_row - 1, 10)
            pause = min(doubled, _LONGEST_PAUSE) if told is None else told
            not_before = self._not_before = max(self._not_before, now + pause)
        _log.warning("github rate limit", seconds=round(not_before - now), told=told)
        return RateLimited(
            f"GitHub asks to wait {not_before - now:.0f} s"
            + (f": {answer.message}" if answer.message else ""),
            not_before=not_before,
        )

    def _use_up(self, headers: Mapping[str, str]) -> float:
        """No request is left of what the answer was counted to; until when."""
        name = resource(headers)
        until = max(self._used_up.get(name, 0.0), self._reset(headers))
        self._used_up[name] = until
        return until

    def _reset(self, headers: Mapping[str, str]) -> float:
        """When the quota is whole again, by our clock: GitHub's may differ, so use its Date."""
        now = self._clock.now()
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is None:
            return now + _FIRST_PAUSE
        theirs = _date(headers.get("date"))
        return now + min(max(1.0, reset - (now if theirs is None else theirs)), _LONGEST_RESET)


def resource(headers: Mapping[str, str]) -> str:
    """Which number of requests an answer was counted to."""
    return headers.get("x-ratelimit-resource", CORE)


def left(headers: Mapping[str, str]) -> float | None:
    """How many requests are left, if the answer tells."""
    return _number(headers.get("x-ratelimit-remaining"))


def limited(answer: Answer) -> bool:
    """Whether GitHub refuses because of a limit, and not for good."""
    if answer.status not in (401, 403):
        return answer.status == 429
    said = answer.message.lower()
    return (
        left(answer.headers) == 0
        or "retry-after" in answer.headers
        or any(words in said for words in _RATE_TEXTS)
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is None:
        until, now = _date(text), _date(headers.get("date"))
        seconds = until - now if until is not None and now is not None else _FIRST_PAUSE
    return min(max(1.0, seconds), _LONGEST_WAIT)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e12 else None


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError, TypeError):
        return None
