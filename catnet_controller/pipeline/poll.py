"""Loop: looks at the branch and the open pull requests, and raises a trigger for what moved.

The certain way to hear of a change: one conditional request a step while nothing moves, for the
branch and for the pull requests in turn. After a start the first step looks at both, without a
condition, so what happened while the daemon was down is found.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from catnet_controller.errors import CatnetError
from catnet_controller.models import Trigger
from catnet_controller.ports import Repository, Telemetry, Triggers

log = structlog.get_logger(__name__)


class Poll:
    """One look a step."""

    def __init__(
        self, *, branch: str, triggers: Triggers, repository: Repository, telemetry: Telemetry
    ) -> None:
        self._branch = branch
        self._triggers = triggers
        self._repository = repository
        self._telemetry = telemetry
        self._head_etag: str | None = None
        self._pulls_etag: str | None = None
        self._looks = deque((self._look_at_branch, self._look_at_pulls))
        self._troubles: dict[object, str] = {}
        self._first = True

    @property
    def trouble(self) -> str | None:
        """What keeps it from seeing GitHub, or None."""
        return next(iter(self._troubles.values()), None)

    async def step(self) -> bool:
        """Look once; False always: the next look is a matter of time, not of work found."""
        for _ in range(len(self._looks) if self._first or self._troubles else 1):
            look = self._looks[0]
            self._looks.rotate(-1)
            await self._try(look)
        self._first = False
        return False

    async def _try(self, look: Callable[[], Awaitable[bool]]) -> None:
        try:
            moved = await look()
        except CatnetError as error:
            self._troubles[look] = f"{error.message} {error.next_step}"
            self._telemetry.polled("error")
            log.warning("poll failed", code=error.code, error=error.message)
        else:
            self._troubles.pop(look, None)
            self._telemetry.polled("moved" if moved else "unchanged")

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
