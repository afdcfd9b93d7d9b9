"""Loop: claims due jobs, one per device, and hands each to the stage that works on the device."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from catnet_controller.errors import LeaseLost
from catnet_controller.models import Claim
from catnet_controller.ports import Jobs

log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Starts a named task in the task group of whoever waits."""


class Execute:
    """Claims up to ``concurrency`` jobs at once; ``work`` runs one to its recorded end."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        work: Callable[[Claim], Awaitable[None]],
        concurrency: int,
        spawn: Spawn,
    ) -> None:
        self._jobs = jobs
        self._work = work
        self._concurrency = concurrency
        self._spawn = spawn
        # By job and fence: a job that was lost can come back before its first run has ended.
        self._running: dict[tuple[int, int], Claim] = {}
        self._draining = False

    @property
    def running(self) -> int:
        """Jobs that run now."""
        return len(self._running)

    def drain(self) -> None:
        """Claim nothing more; what runs ends by itself."""
        self._draining = True

    async def step(self) -> bool:
        """Claim what is due and free; False when nothing was."""
        free = self._concurrency - len(self._running)
        if self._draining or free <= 0:
            return False
        claims = await self._jobs.claim(free)
        for claim in claims:
            self._running[claim.job.id, claim.fence] = claim
            self._spawn(self._run(claim), f"job {claim.job.id} {claim.job.device.name}")
        return bool(claims)

    async def heartbeat(self) -> bool:
        """Extend the leases of what runs here; only of that, or a lost job would never end."""
        if self._running:
            await self._jobs.renew(tuple(self._running.values()))
        return False

    async def _run(self, claim: Claim) -> None:
        job = claim.job
        with structlog.contextvars.bound_contextvars(
            deployment=job.deployment, job=job.id, device=job.device.name
        ):
            try:
                await self._work(claim)
            except LeaseLost:
                log.warning("job given up: it was superseded, cancelled or taken over")
            except Exception:
                # Its lease runs out and the job is claimed again; the daemon lives on.
                log.exception("job could not be recorded")
            finally:
                self._running.pop((job.id, claim.fence), None)
