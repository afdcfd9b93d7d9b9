"""Devices that CatNet itself keeps come in and go: added and removed by a person, not by git.

Adding one types nothing: it is pushed to with the next commit or when a person asks.
"""

import structlog

from catnet_controller.errors import DeviceRefused
from catnet_controller.models import Desired, Device, DeviceState, Revision
from catnet_controller.pipeline import snapshot as stage
from catnet_controller.pipeline.configs import Configs
from catnet_controller.policy import admission
from catnet_controller.policy.roster import ADDED
from catnet_controller.ports import Offload, States, Telemetry

log = structlog.get_logger(__name__)


class Adding:
    """``repository`` is its name, for people."""

    def __init__(
        self,
        *,
        repository: str,
        branch: str,
        states: States,
        configs: Configs,
        offload: Offload,
        telemetry: Telemetry,
    ) -> None:
        self._repository = repository
        self._ref = f"branch/{branch}"
        self._states = states
        self._configs = configs
        self._offload = offload
        self._telemetry = telemetry

    async def add(self, device: Device) -> DeviceState:
        """Raises DeviceExists, DeviceInGit and DeviceRefused, and what reading the repository
        raises."""
        states = await self._states.states()
        admission.admit(device, states, repository=self._repository)
        wanted = await self._wanted(device, stage.added(states))
        state = DeviceState(device=device, desired=wanted.digest if wanted is not None else None)
        await self._states.add(state, wanted)
        self._telemetry.device_state(state)
        log.info("device added", device=device.name, host=device.host, managed=wanted is not None)
        return state

    async def remove(self, name: str) -> bool:
        """False when there is no such device. Raises DeviceInGit for one of the repository."""
        state = await self._states.state(name)
        if state is None:
            return False
        if not state.device.added:
            raise admission.in_git(name, repository=self._repository)
        await self._states.forget([name])
        self._telemetry.devices_gone([name])
        log.info("device removed", device=name)
        return True

    async def _wanted(self, device: Device, others: tuple[Device, ...]) -> Desired | None:
        """What the repository has for it. A revision that is refused for something else says
        nothing; the next good one does."""
        found = await self._configs.known()
        if found is None:
            return None
        sha, files = found
        file = f"{ADDED}{device.name}.cfg"
        if file not in files:
            return None
        revision = Revision(sha=sha, ref=self._ref)
        snapshot = await stage.build(files, revision, self._offload, (*others, device))
        for problem in snapshot.problems:
            if problem.file == file:
                raise DeviceRefused(
                    f"what the repository wants on {device.name} has a problem: {problem}",
                    next_step="Correct the file in a commit, then add the device.",
                )
        return snapshot.desired.get(device.name)
