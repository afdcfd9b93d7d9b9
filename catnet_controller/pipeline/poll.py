"""Loop: looks at the branch and the open pull requests, and raises a trigger for what moved.

The certain way to hear of a change: one conditional request per look while nothing moves. After a
start the first look is unconditional, so what happened while the daemon was down is found.
"""

import structlog

from catnet_controller.errors import CatnetError
from catnet_controller.models import Trigger
from catnet_controller.ports import Repository, Telemetry, Triggers

log = structlog.get_logger(__name__)


class Poll:
    """One look a step. ``trouble`` is what keeps it from seeing GitHub, or None."""

    def __init__(
        self, *, branch: str, triggers: Triggers, repository: Repository, telemetry: Telemetry
    ) -> None:
        self._branch = branch
        self._triggers = triggers
        self._repository = repository
        self._telemetry = telemetry
        self._head_etag: str | None = None
        self._pulls_etag: str | None = None
        self.trouble: str | None = None

    async def step(self) -> bool:
        """Look once; False always: the next look is a matter of time, not of work found."""
        try:
            moved = await self._look_at_branch()
            moved = await self._look_at_pulls() or moved
        except CatnetError as error:
            self.trouble = f"{error.message} {error.next_step}"
            self._telemetry.polled("error")
            log.warning("poll failed", code=error.code, error=error.message)
        else:
            self.trouble = None
            self._telemetry.polled("moved" if moved else "unchanged")
        return False

    async def _look_at_branch(self) -> bool:
        head = await self._repository.head(self._branch, self._head_etag)
        if head is None:
            return False
        ref = f"branch/{self._branch}"
        known = await self._triggers.ref_state(ref)
        moved = known is None or known.sha != head.sha
        if moved:
            await self._triggers.trigger(Trigger(ref=ref, reason="poll", sha=head.sha))
        # Remembered only once the trigger is durable, or a crash in between would lose the move.
        self._head_etag = head.etag
        return moved

    async def _look_at_pulls(self) -> bool:
        answer = await self._repository.pulls(self._pulls_etag)
        if answer is None:
            return False
        pulls, etag = answer
        moved = False
        for pull in pulls:
            ref = f"pull/{pull.number}"
            known = await self._triggers.ref_state(ref)
            if pull.base == self._branch and (known is None or known.sha != pull.sha):
                await self._triggers.trigger(Trigger(ref=ref, reason="poll", sha=pull.sha))
                moved = True
        self._pulls_etag = etag
        return moved
