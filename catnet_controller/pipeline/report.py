"""Loop: takes what waits in the outbox to GitHub until it is in.

What GitHub refuses is given up, and said to the operator, when it is about this one message or
about messages of its kind. While the token is not accepted at all nothing is given up: everything
waits, as for a rate limit, and goes out once the token is good.
"""

import random

import structlog

from catnet_controller.errors import (
    CatnetError,
    GithubDenied,
    NotVisibleYet,
    ReportRefused,
    RepositoryMoved,
    SecretMissing,
    Transient,
)
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
from catnet_controller.ports import Clock, Outbox, Reporter, Repository

log = structlog.get_logger(__name__)

BATCH = 20
GONE = 3600.0
"""Seconds that a commit or pull request may be missing before nothing is said of it any more."""
LONGEST_HOLD = 300.0
"""Seconds until a token that is not accepted is tried again, at most."""
REVIVED = 7 * 86400.0
"""How old, in seconds, reports may be that are tried again once what was missing is there."""
REVIVED_EVERY = 3600.0
"""Least seconds between two times that those of one kind are tried again."""


class Report:
    """One batch a step."""

    def __init__(
        self,
        *,
        branch: str,
        outbox: Outbox,
        reporter: Reporter,
        repository: Repository,
        clock: Clock,
    ) -> None:
        self._branch = branch
        self._outbox = outbox
        self._reporter = reporter
        self._repository = repository
        self._clock = clock
        self._denied: str | None = None
        self._denials = 0
        self._held_until = 0.0
        self._troubles: dict[type[Message], str] = {}
        self._taken_at: dict[type[Message], float] = {}
        self._revived_at: dict[type[Message], float] = {}

    @property
    def trouble(self) -> str | None:
        """The last refusal that only the operator can mend, or None.

        By kind of message: a token that may post statuses and no comments is a trouble that stays,
        however many statuses are taken.
        """
        return self._denied or next(iter(self._troubles.values()), None)

    async def step(self) -> bool:
        """Deliver what is due; False when nothing was, or while all of it has to wait."""
        if self._clock.monotonic() < self._held_until:
            return False
        rows = await self._outbox.due(BATCH)
        for row in rows:
            await self._deliver(row)
            if self._denied:
                return False
        return bool(rows)

    async def _deliver(self, row: OutboxRow) -> None:
        try:
            remote = await self._send(row)
        except Transient as error:
            await self._defer(row, error)
        except ReportRefused as error:
            await self._give_up(row, error)
        except CatnetError as error:
            await self._refused(row, error)
        else:
            await self._outbox.delivered(row, remote)
            await self._taken(row.message)

    async def _taken(self, message: Message) -> None:
        """The first of its kind, at all or after a refusal, shows that others are taken too."""
        kind, now = type(message), self._clock.now()
        first = kind in self._troubles or kind not in self._taken_at
        self._accepted()
        self._troubles.pop(kind, None)
        self._taken_at[kind] = now
        revived_at = self._revived_at.get(kind)
        if first and (revived_at is None or not revived_at <= now < revived_at + REVIVED_EVERY):
            self._revived_at[kind] = now
            if revived := await self._outbox.revive(now - REVIVED, message):
                log.info("reports tried again", like=message.key, number=revived)

    async def _defer(self, row: OutboxRow, error: Transient) -> None:
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

    async def _refused(self, row: OutboxRow, error: CatnetError) -> None:
        """A refusal of the token, or of messages of this kind; or else of this one."""
        try:
            denial = await self._denial()
        except Transient as unknown:
            await self._defer(row, unknown)
            return
        if denial is not None:
            await self._hold(row, denial)
            return
        self._accepted()
        kind = type(row.message)
        # One that was written before another was taken says nothing of its kind.
        if self._taken_at.get(kind, 0.0) < row.created_at:
            self._troubles[kind] = f"{error.message} {error.next_step}"
        await self._give_up(row, error)

    async def _denial(self) -> CatnetError | None:
        """Why the token is no good for anything; None when it reads the branch."""
        try:
            await self._repository.head(self._branch)
        except (GithubDenied, SecretMissing) as error:
            return error
        except RepositoryMoved:
            return None
        return None

    async def _hold(self, row: OutboxRow, denial: CatnetError) -> None:
        """Nothing goes out for a while: GitHub locks out who tries a bad token too often."""
        self._denials += 1
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        delay = min(LONGEST_HOLD, retry.backoff(self._denials, jitter=jitter))
        self._held_until = self._clock.monotonic() + delay
        self._denied = f"{denial.message} {denial.next_step}"
        log.error(
            "reports held up",
            key=row.message.key,
            code=denial.code,
            error=denial.message,
            next_step=denial.next_step,
            seconds=round(delay, 1),
        )
        await self._outbox.defer(row, self._clock.now() + delay, self._denied)

    def _accepted(self) -> None:
        self._denied, self._denials = None, 0

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
