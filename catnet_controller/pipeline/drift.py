"""Loop: asks for a check of every device each time the interval has passed."""

import structlog

from catnet_controller.errors import Refused
from catnet_controller.models import Deployment, Mode
from catnet_controller.pipeline.request import request
from catnet_controller.ports import Conclude, Deployments, States, Timers

log = structlog.get_logger(__name__)


class Drift:
    """``interval`` in seconds; 0 turns the timer off. The first check is one interval away.

    When the last one was is in the store: a restart neither forgets a check nor makes one twice,
    and of several daemons one opens it.
    """

    def __init__(
        self,
        *,
        interval: float,
        deployments: Deployments,
        states: States,
        conclude: Conclude,
        timers: Timers,
    ) -> None:
        self._interval = interval
        self._deployments = deployments
        self._states = states
        self._conclude = conclude
        self._timers = timers

    async def step(self) -> bool:
        """Open the check when it is due; True when it opened one."""
        if not self._interval or not await self._timers.ring("drift", self._interval):
            return False
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
