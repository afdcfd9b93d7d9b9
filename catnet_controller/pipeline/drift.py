"""Loop: asks for a check of every device each time the interval has passed."""

import structlog

from catnet_controller.errors import Refused
from catnet_controller.models import Deployment, Mode
from catnet_controller.pipeline.request import request
from catnet_controller.ports import Clock, Conclude, Deployments, States

log = structlog.get_logger(__name__)


class Drift:
    """``interval`` in seconds; 0 turns the timer off. The first check is one interval away."""

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
        self._next = clock.monotonic() + interval

    async def step(self) -> bool:
        """Open the check when it is due; True when it opened one."""
        if not self._interval or self._clock.monotonic() < self._next:
            return False
        self._next = self._clock.monotonic() + self._interval
        try:
            deployment: Deployment = await request(
                deployments=self._deployments,
                states=self._states,
                conclude=self._conclude,
                mode=Mode.CHECK,
                devices=None,
                cause="drift timer",
            )
        except Refused as error:
            log.info("no check", reason=error.message)
            return False
        log.info("check opened", deployment=deployment.id, devices=len(deployment.jobs))
        return True
