"""The clock of one simulated device: its time, timers, and stamps as IOS prints them."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


class Timer:
    """A pending call; ``cancel`` makes it never happen."""

    __slots__ = ("call", "due")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """What ``clock timezone NAME HOURS MINUTES`` says."""

    name: str = "UTC"
    minutes: int = 0


class DeviceClock:
    """Time as one device sees it.

    ``scale`` is IOS seconds per real second, ``start`` seconds since the epoch at power-on. At
    most one timer of the event loop is in use, whatever the number of pending calls.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop, scale: float, start: float) -> None:
        self._loop = loop
        self._scale = scale
        self._start = start
        self._origin = loop.time()
        self._skipped = 0.0
        self._queue: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._handle: asyncio.TimerHandle | None = None

    def uptime(self) -> float:
        """IOS seconds since power-on."""
        return (self._loop.time() - self._origin) * self._scale + self._skipped

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._start + self.uptime()

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call after ``seconds`` of IOS time."""
        timer = Timer(self.uptime() + seconds, call)
        self._count += 1
        heapq.heappush(self._queue, (timer.due, self._count, timer))
        self._arm()
        return timer

    def advance(self, seconds: float) -> None:
        """Let IOS time pass at once; what falls due in it happens now, in order."""
        end = self.uptime() + seconds
        while self._queue and self._queue[0][0] <= end:
            due, _, timer = heapq.heappop(self._queue)
            self._skipped += max(0.0, due - self.uptime())
            if timer.call is not None:
                timer.call()
        self._skipped += max(0.0, end - self.uptime())
        self._arm()

    def close(self) -> None:
        """Forget every pending call."""
        self._queue.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        while self._queue and self._queue[0][2].call is None:
            heapq.heappop(self._queue)
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._queue:
            wait = max(0.0, self._queue[0][0] - self.uptime()) / self._scale
            self._handle = self._loop.call_later(wait, self._due)

    def _due(self) -> None:
        self._handle = None
        # The loop may wake a hair early; what it woke for is due.
        end = self.uptime() + 1e-3 * self._scale
        while self._queue and self._queue[0][0] <= end:
            _, _, timer = heapq.heappop(self._queue)
            if timer.call is not None:
                timer.call()
        self._arm()


def _local(now: float, zone: Zone) -> datetime:
    return datetime.fromtimestamp(now, UTC) + timedelta(minutes=zone.minutes)


def long_stamp(now: float, zone: Zone) -> str:
    """``22:14:23 UTC Fri May 28 2021``, as in the header of a running-config."""
    at = _local(now, zone)
    return f"{at:%H:%M:%S} {zone.name} {at:%a %b} {at.day} {at:%Y}"


def clock_stamp(now: float, zone: Zone) -> str:
    """``22:14:23.512 UTC Fri May 28 2021``, as ``show clock`` prints it."""
    at = _local(now, zone)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} {zone.name} {at:%a %b} {at.day} {at:%Y}"


def log_stamp(now: float, zone: Zone) -> str:
    """``*Feb 15 15:56:41.528``, the start of a log message (day padded to two columns)."""
    at = _local(now, zone)
    return f"*{at:%b} {at.day:2d} {at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def file_stamp(now: float, zone: Zone) -> str:
    """``Feb-15-15-56-38.517`` or ``May--4-…``, as archive files are named; ``-TZ`` unless UTC."""
    at = _local(now, zone)
    stamp = f"{at:%b}-{at.day:2d}-{at:%H-%M-%S}.{at.microsecond // 1000:03d}".replace(" ", "-")
    return stamp if zone.name == "UTC" else f"{stamp}-{zone.name}"
