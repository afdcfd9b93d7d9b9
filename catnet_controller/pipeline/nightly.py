"""Loop: asks for a backup of every device whose last scheduled one is older than the interval."""

import structlog

from catnet_controller.errors import Refused
from catnet_controller.models import Mode
from catnet_controller.pipeline.request import request
from catnet_controller.ports import Clock, Conclude, Deployments, States

log = structlog.get_logger(__name__)

_AFTER_START = 300.0
"""Seconds that a daemon that has just started leaves to more urgent work."""
_BETWEEN = 60.0
"""Seconds between two looks at what is due."""


class Nightly:
    """``interval`` in seconds; 0 turns the timer off.

    What is due is told by the time recorded with each device, so a restart neither forgets a
    backup nor makes one twice. A device that could not be backed up is asked again an interval
    later; the job itself is tried again before.
    """

    def __init__(
        self,
        *,
        interval: float,
        deployments: Deployments,
        states: States,
        conclude: Conclude,
        clock: Clock,
    ) -> None:
        self._interval = interval
        self._deployments = deployments
        self._states = states
        self._conclude = conclude
        self._clock = clock
        self._next = clock.monotonic() + min(interval, _AFTER_START)
        self._asked: dict[str, float] = {}

    async def step(self) -> bool:
        """Open the backups that are due; True when there were any."""
        now = self._clock.monotonic()
        if not self._interval or now < self._next:
            return False
        self._next = now + min(self._interval, _BETWEEN)
        due = await self._due(now)
        if not due:
            return False
        try:
            deployment = await request(
                deployments=self._deployments,
                states=self._states,
                conclude=self._conclude,
                mode=Mode.BACKUP,
                devices=due,
                cause="backup timer",
            )
        except Refused as error:
            log.info("no backup", reason=error.message)
            return False
        self._asked.update(dict.fromkeys(due, now))
        log.info("backup opened", deployment=deployment.id, devices=len(deployment.jobs))
        return True

    async def _due(self, now: float) -> list[str]:
        states = await self._states.states()
        self._asked = {name: at for name, at in self._asked.items() if name in states}
        limit = self._clock.now() - self._interval
        return [
            name
            for name, state in states.items()
            if (state.desired is not None or state.device.added)
            and (state.backup_at is None or state.backup_at <= limit)
            and now - self._asked.get(name, now - self._interval) >= self._interval
        ]
