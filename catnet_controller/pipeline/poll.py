"""Loop: looks at the branch and the open pull requests, and raises a trigger for what moved.

The certain way to hear of a change: one conditional request a step while nothing moves, for the
branch and for the pull requests in turn. After a start the first step looks at both, without a
condition, so what happened while the daemon was down is found. Now and then it looks so again: a
replica that lagged may have given an etag together with what was no longer true.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from catnet_controller.errors import CatnetError, Transient
from catnet_controller.models import POLLED, Trigger
from catnet_controller.ports import Repository, Telemetry, Timers, Triggers

log = structlog.get_logger(__name__)

_REASON = "poll"
_AFRESH = 100
"""Steps after which both are looked at without a condition."""


class Poll:
    """One look a step. ``webhooks``: whether there are any, so that one can be missed."""

    def __init__(
        self,
        *,
        branch: str,
        triggers: Triggers,
        repository: Repository,
        telemetry: Telemetry,
        timers: Timers,
        webhooks: bool,
    ) -> None:
        self._branch = branch
        self._triggers = triggers
        self._repository = repository
        self._telemetry = telemetry
        self._timers = timers
        self._webhooks = webhooks
        self._head_etag: str | None = None
        self._pulls_etag: str | None = None
        self._looks = deque((self._look_at_branch, self._look_at_pulls))
        self._troubles: dict[object, str] = {}
        self._refusals: dict[object, str] = {}
        self._first = True
        self._steps = 0
        self._found: dict[str, str] = {}
        """What no webhook had told of when it was found: the commit by its ref."""

    @property
    def trouble(self) -> str | None:
        """What keeps it from seeing GitHub, or None."""
        return next(iter(self._troubles.values()), None)

    @property
    def refusal(self) -> str | None:
        """The same where only a person can mend it: that GitHub is away for a while passes."""
        return next(iter(self._refusals.values()), None)

    async def step(self) -> bool:
        """Look once; False always: the next look is a matter of time, not of work found."""
        await self._count_missed()
        self._steps += 1
        if self._steps % _AFRESH == 0:
            self._head_etag = self._pulls_etag = None
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
            self._troubles[look] = said = f"{error.message} {error.next_step}"
            if not isinstance(error, Transient):
                self._refusals[look] = said
            self._telemetry.polled("error")
            log.warning("poll failed", code=error.code, error=error.message)
        else:
            self._troubles.pop(look, None)
            self._refusals.pop(look, None)
            self._telemetry.polled("moved" if moved else "unchanged")
            await self._timers.ring(POLLED, 0.0)

    async def _count_missed(self) -> None:
        """Those found by the former looks that no webhook has told of in the meantime either."""
        found, self._found = self._found, {}
        for ref, sha in found.items():
            last = await self._triggers.raised(ref)
            if last is not None and last.reason == _REASON and last.sha == sha:
                self._telemetry.missed()
                log.warning("no webhook told of a change", ref=ref, sha=sha)

    async def _moved(self, ref: str, sha: str, *, known: bool) -> None:
        last = await self._triggers.raised(ref)
        await self._triggers.trigger(Trigger(ref=ref, reason=_REASON, sha=sha))
        told = last is not None and last.sha == sha
        # What was there before CatNet was is not missed.
        if self._webhooks and not told and (known or not self._first):
            self._found[ref] = sha

    async def _look_at_branch(self) -> bool:
        head = await self._repository.head(self._branch, self._head_etag)
        if head is None:
            return False
        ref = f"branch/{self._branch}"
        known = await self._triggers.ref_state(ref)
        moved = known is None or known.sha != head.sha
        if moved:
            await self._moved(ref, head.sha, known=known is not None)
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
                await self._moved(ref, pull.sha, known=known is not None)
                moved = True
        self._pulls_etag = etag
        return moved
