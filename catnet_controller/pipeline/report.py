"""Loop: takes what waits in the outbox to GitHub until it is in."""

import random

import structlog

from catnet_controller.errors import CatnetError, NotVisibleYet, ReportRefused, Transient
from catnet_controller.models import (
    AnswerMessage,
    IssueMessage,
    Message,
    OutboxRow,
    ReactionMessage,
    RecordMessage,
    StatusMessage,
)
from catnet_controller.policy import retry
from catnet_controller.ports import Clock, Outbox, Reporter

log = structlog.get_logger(__name__)

BATCH = 20
GONE = 3600.0
"""Seconds that a commit or pull request may be missing before nothing is said of it any more."""


class Report:
    """One batch a step."""

    def __init__(self, *, outbox: Outbox, reporter: Reporter, clock: Clock) -> None:
        self._outbox = outbox
        self._reporter = reporter
        self._clock = clock
        self._troubles: dict[type[Message], str] = {}

    @property
    def trouble(self) -> str | None:
        """The last refusal that only the operator can mend, or None.

        By kind of message: a token that may post statuses and no comments is a trouble that stays,
        however many statuses are taken.
        """
        return next(iter(self._troubles.values()), None)

    async def step(self) -> bool:
        """Deliver what is due; False when nothing was."""
        rows = await self._outbox.due(BATCH)
        for row in rows:
            await self._deliver(row)
        return bool(rows)

    async def _deliver(self, row: OutboxRow) -> None:
        try:
            remote = await self._send(row)
        except Transient as error:
            now = self._clock.now()
            if isinstance(error, NotVisibleYet) and now - row.created_at > GONE:
                gone = ReportRefused(
                    f"{error.message}, for {GONE / 60:.0f} minutes now",
                    next_step="It is gone from GitHub, by a forced push perhaps; nothing to do.",
                )
                await self._give_up(row, gone)
                return
            jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
            run_at = retry.again(error, row.attempt + 1, limit=None, now=now, jitter=jitter)
            assert run_at is not None, "a transient error is retried without end"
            log.info("report deferred", key=row.message.key, code=error.code, error=error.message)
            await self._outbox.defer(row, run_at, error.message)
        except CatnetError as error:
            if not isinstance(error, ReportRefused):
                self._troubles[type(row.message)] = f"{error.message} {error.next_step}"
            await self._give_up(row, error)
        else:
            self._troubles.pop(type(row.message), None)
            await self._outbox.delivered(row, remote)

    async def _give_up(self, row: OutboxRow, error: CatnetError) -> None:
        log.error(
            "report given up",
            key=row.message.key,
            code=error.code,
            error=error.message,
            next_step=error.next_step,
        )
        await self._outbox.give_up(row, f"{error.message} {error.next_step}")

    async def _send(self, row: OutboxRow) -> str | None:
        message = row.message
        if isinstance(message, StatusMessage):
            await self._reporter.status(message)
            return None
        if isinstance(message, IssueMessage):
            return await self._reporter.issue(message, row.remote)
        if isinstance(message, ReactionMessage):
            await self._reporter.reaction(message)
            return None
        if isinstance(message, RecordMessage):
            return await self._reporter.record(message, row.remote)
        if isinstance(message, AnswerMessage):
            return await self._reporter.answer(message, row.remote)
        return await self._reporter.comment(message, row.remote)
