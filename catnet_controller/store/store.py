"""The store: every store role of `ports`, on one SQLite file or on a PostgreSQL database.

Here the asyncio side meets the transactions: a method gives the time, runs plain functions of its
neighbours as one transaction, and wakes whoever waits for work.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Self

import sqlalchemy as sa

from catnet_controller.errors import CancelRefused, DeviceExists, SettingsInvalid
from catnet_controller.models import (
    Act,
    Claim,
    Delivery,
    Deployment,
    Desired,
    DeviceState,
    Intent,
    Job,
    JobPlan,
    Message,
    Mode,
    Order,
    OutboxRow,
    Outcome,
    Pause,
    Planned,
    Problem,
    QueueDepth,
    RefState,
    Revision,
    Role,
    Session,
    SigningKey,
    State,
    Step,
    Tally,
    Token,
    Trigger,
    User,
    Which,
)
from catnet_controller.ports import Arrival, Clock, Conclude, Patience
from catnet_controller.store import (
    accounts,
    asked,
    deployments,
    duties,
    glances,
    inventory,
    outbox,
    pausing,
    queue,
    refs,
    retention,
    sqlite,
)
from catnet_controller.store.dispatch import Dispatcher
from catnet_controller.store.lockfile import Lock
from catnet_controller.store.tx import Database

TEXTS = 20
"""Desired texts stored in one transaction: others get their turn between."""
LARGEST = 2**31 - 1
"""No number of a row is larger, on any database."""
MARGIN = 0.1
"""Share of a lease for which nothing is typed any more although nobody else may claim yet: what is
on its way to the device arrives, and two clocks do not run alike."""
DUTY = 15.0
"""Seconds that a duty is kept for a daemon without a sign of life."""

Instant = Callable[[sa.Connection], float]
"""The clock by which leases run out."""


class Store:
    """Made by ``at`` or ``on``; ``work`` is where loops wait for work, ``db`` the transactions."""

    def __init__(
        self,
        *,
        db: Database,
        lock: Lock | None,
        url: str | None,
        instant: Instant | None,
        clock: Clock,
        lease: float,
        worker: str,
        conclude: Conclude | None,
        sites: Sequence[str],
        per_site: int,
        max_failures: int,
    ) -> None:
        self.db = db
        self._lock = lock
        self._url = url
        self._clock = clock
        self._lease = lease
        self._worker = worker
        self._conclude = conclude
        self.max_failures = max_failures
        self._bounds = queue.Bounds(sites=tuple(sites), per_site=per_site)
        # Leases run by a clock that starts at the time of day and never jumps afterwards: setting
        # the machine's clock must not take the devices away from those who work on them.
        offset = clock.now() - clock.monotonic()
        self._instant: Instant = instant or (lambda _: offset + clock.monotonic())
        self._duties: dict[str, float] = {}
        # By this machine's clock, reckoned from before the store was asked: so it is never late.
        self._held: dict[tuple[int, int], float] = {}
        self.work = Dispatcher(clock=clock, horizon=self._horizon)

    @classmethod
    async def at(
        cls,
        path: Path,
        *,
        clock: Clock,
        worker: str,
        lease: float = 60.0,
        conclude: Conclude | None = None,
        per_site: int = 0,
        max_failures: int = 0,
    ) -> Self:
        """Open or create the store; ``path`` is its directory, or its file (``*.db``).

        Brings the schema up to date after checking the file. ``lease`` in seconds; renew it well
        before. ``conclude`` lets a deployment end at once whose last job was superseded on its
        way back to the queue; without it that waits for the next ``open`` or ``finish``.
        ``per_site`` bounds the jobs that run in one site; 0: no bound. Later waves of a push are
        held back when more than ``max_failures`` devices failed.

        Raises StoreFailed when the file is in use, damaged, of another program or too new.
        """
        db, lock = await sqlite.at(path)
        return cls(
            db=db,
            lock=lock,
            url=None,
            instant=None,
            clock=clock,
            lease=lease,
            worker=worker,
            conclude=conclude,
            sites=(),
            per_site=per_site,
            max_failures=max_failures,
        )

    @classmethod
    async def on(
        cls,
        url: str,
        *,
        clock: Clock,
        worker: str,
        lease: float = 20.0,
        conclude: Conclude | None = None,
        sites: Sequence[str] = (),
        per_site: int = 0,
        max_failures: int = 0,
        instant: Instant | None = None,
        patience: float | None = None,
    ) -> Self:
        """Open the store on PostgreSQL, which any number of daemons share.

        ``worker`` names one process. ``sites`` are those whose jobs it claims, all when there are
        none. ``instant`` is another clock for the leases than the server's. Raises StoreFailed
        where the database refuses, StoreBusy where it is away, SettingsInvalid without its driver.
        """
        postgres = _postgres()
        db = await postgres.at(url, patience=postgres.PATIENCE if patience is None else patience)
        return cls(
            db=db,
            lock=None,
            url=url,
            instant=instant or postgres.instant,
            clock=clock,
            lease=lease,
            worker=worker,
            conclude=conclude,
            sites=sites,
            per_site=per_site,
            max_failures=max_failures,
        )

    async def close(self) -> None:
        """End what is being written and free the file. A second call does nothing."""
        await self.db.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def wait(self, timeout: float) -> None:
        """Return when there may be work, or after ``timeout`` seconds (see `Dispatcher.wait`)."""
        await self.work.wait(timeout)

    # --- Triggers ------------------------------------------------------------------------------

    async def receive(self, arrived: Sequence[Arrival]) -> None:
        def record(conn: sa.Connection) -> None:
            refs.receive(conn, arrived, self._clock.now())
            self._call(conn)

        await self.db.tx(record)
        self.work.wake()

    async def trigger(self, trigger: Trigger) -> None:
        def record(conn: sa.Connection) -> None:
            refs.raise_(conn, trigger, self._clock.now())
            self._call(conn)

        await self.db.tx(record)
        self.work.wake()

    async def next_trigger(self) -> Trigger | None:
        return await self.db.read(refs.next_trigger, self._clock.now())

    async def settle(self, trigger: Trigger) -> None:
        await self.db.share(refs.settle, trigger)

    async def postpone(self, trigger: Trigger, due_at: float) -> None:
        await self.db.share(refs.postpone, trigger, due_at)
        self.work.wake()

    async def raised(self, ref: str) -> Trigger | None:
        return await self.db.read(refs.raised, ref)

    async def ref_state(self, ref: str) -> RefState | None:
        return await self.db.read(refs.ref_state, ref)

    async def forget_ref(self, ref: str) -> None:
        await self.db.tx(refs.forget, ref)

    async def deliveries(self, limit: int = 100) -> Sequence[Delivery]:
        """The last webhook deliveries, newest first."""
        return await self.db.read(refs.deliveries, limit)

    # --- Deployments ---------------------------------------------------------------------------

    async def open(
        self,
        revision: Revision,
        mode: Mode,
        *,
        cause: str,
        jobs: Sequence[JobPlan],
        problems: Sequence[Problem] = (),
        states: Sequence[DeviceState] = (),
        trigger: Trigger | None = None,
        conclude: Conclude,
    ) -> Deployment:
        """As the port says; a push that is refused for its problems supersedes nothing."""
        opening = deployments.Opening(
            revision=revision,
            mode=mode,
            cause=cause,
            jobs=jobs,
            problems=problems,
            states=states,
            trigger=trigger,
        )
        texts = [plan.desired for plan in jobs]
        now = self._clock.now()
        # Before and apart: texts are found by digest only, so until a job refers to them they are
        # not there for anyone, and storing thousands of them holds nobody up.
        for start in range(0, len(texts), TEXTS):
            await self.db.tx(inventory.keep, texts[start : start + TEXTS], now)

        def record(conn: sa.Connection) -> Deployment:
            self._call(conn)
            return deployments.open_(conn, opening, conclude, self._clock.now())

        deployment = await self.db.tx(record)
        self.work.wake()
        return deployment

    def on_ended(self, tell: Callable[[Deployment], None]) -> None:
        """From now on ``tell`` hears once of each deployment that was ended here, however it was:
        by its last job, superseded, cancelled. It is called in a thread of the store."""
        self.db.tell = tell

    async def deployment(self, number: int) -> Deployment | None:
        if not 0 < number <= LARGEST:
            return None
        return await self.db.read(deployments.get, number)

    async def history(self, limit: int = 100, which: Which | None = None) -> Sequence[Deployment]:
        """Without the long texts of the outcomes (diff, commands, transcript …)."""
        found = []
        for number in await self.db.read(deployments.latest, limit, which or Which()):
            deployment = await self.db.read(deployments.get, number, brief=True)
            if deployment is not None:
                found.append(deployment)
        return found

    async def desired(self, digest: str) -> Desired | None:
        return await self.db.read(inventory.desired, digest)

    async def planned(self, device: str, desired: str, since: float) -> Planned | None:
        return await self.db.read(deployments.planned, device, desired, since)

    async def cancel(self, number: int, reason: str, conclude: Conclude) -> Deployment:
        now = self._clock.now()

        def end(conn: sa.Connection) -> Deployment:
            known = deployments.get(conn, number, brief=True)
            if known is None or known.state.final:
                state = "not on record" if known is None else f"{known.state.value} already"
                raise CancelRefused(f"deployment {number} is {state}", next_step="Nothing to do.")
            self._call(conn)
            ended, left = queue.cancel(conn, number, reason, now)
            if not ended:
                raise CancelRefused(
                    f"deployment {number} is past the point of cancelling on {', '.join(left)}:"
                    " the device is armed, and is confirmed or reverted in a moment"
                )
            return deployments.settle(conn, number, conclude, now)

        await self.db.tx(end)
        self.work.wake()
        found = await self.db.read(deployments.get, number)
        assert found is not None
        return found

    # --- Glances -------------------------------------------------------------------------------

    async def newest(self, limit: int, before: int | None = None) -> Sequence[int]:
        return await self.db.read(glances.newest, limit, before)

    async def tally(self, number: int) -> Tally | None:
        if not 0 < number <= LARGEST:
            return None
        return await self.db.read(glances.tally, number)

    async def jobs(
        self,
        number: int,
        *,
        limit: int,
        offset: int = 0,
        state: State | None = None,
        words: str = "",
    ) -> Sequence[Job]:
        return await self.db.read(glances.jobs, number, limit, offset, state, words)

    async def history_of(self, device: str, limit: int) -> Sequence[tuple[Deployment, Job]]:
        return await self.db.read(glances.history_of, device, limit)

    async def job(self, number: int) -> Job | None:
        return await self.db.read(glances.job, number)

    # --- Brake ---------------------------------------------------------------------------------

    async def paused(self) -> Pause | None:
        return await self.db.read(pausing.get)

    async def pause(self, pause: Pause, conclude: Conclude) -> None:
        now = self._clock.now()

        def stop(conn: sa.Connection) -> None:
            pausing.put(conn, pause)
            queue.hold(conn, now)
            deployments.conclude_ended(conn, conclude, now)
            deployments.restate(conn, conclude, now)

        await self.db.tx(stop)
        self.work.wake()

    async def resume(self, conclude: Conclude) -> Pause | None:
        now = self._clock.now()

        def go(conn: sa.Connection) -> Pause | None:
            known = pausing.get(conn)
            if known is not None:
                pausing.put(conn, None)
                self._call(conn)
                deployments.restate(conn, conclude, now)
            return known

        ended = await self.db.tx(go)
        self.work.wake()
        return ended

    # --- Jobs ----------------------------------------------------------------------------------

    async def claim(self, limit: int) -> Sequence[Claim]:
        claims: list[Claim] = []

        def take(conn: sa.Connection) -> None:
            claims[:] = queue.claim(
                conn,
                limit=limit,
                now=self._clock.now(),
                instant=self._instant(conn),
                lease=self._lease,
                worker=self._worker,
                paused=pausing.get(conn) is not None,
                bounds=self._bounds,
            )
            self._conclude_ended(conn)

        until = self._clock.monotonic() + self._lease
        # Two that count what runs in a site must not count side by side.
        run = self.db.tx if self._bounds.per_site else self.db.share
        try:
            await run(take)
        except asyncio.CancelledError:
            # Nobody will work on what was taken in the meantime.
            for each in claims:
                await self.release(each)
            raise
        self._hold(claims, until)
        return claims

    async def renew(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        until = self._clock.monotonic() + self._lease
        held = await self.db.share(lambda conn: queue.renew(conn, claims, self._until(conn)))
        for each in claims:
            self._held.pop((each.job.id, each.fence), None)
        self._hold(held, until)
        return held

    def holds(self, claim: Claim) -> bool:
        margin = self._lease * MARGIN
        return self._clock.monotonic() < self._held.get((claim.job.id, claim.fence), 0.0) - margin

    def _hold(self, claims: Sequence[Claim], until: float) -> None:
        now = self._clock.monotonic()
        for gone in [each for each, end in self._held.items() if end <= now]:
            del self._held[gone]
        for each in claims:
            self._held[each.job.id, each.fence] = until

    async def checkpoint(self, claim: Claim, step: Step, intent: Intent | None = None) -> None:
        """As the port says; without ``intent`` the one on record stays. Extends the lease."""
        until = 0.0

        def record(conn: sa.Connection) -> None:
            nonlocal until
            until = self._clock.monotonic() + self._lease
            queue.checkpoint(conn, claim, step, intent, self._until(conn))

        await self.db.persist(record)
        self._hold([claim], until)

    async def finish(
        self, claim: Claim, outcome: Outcome, state: DeviceState, conclude: Conclude
    ) -> Deployment:
        """As the port says; a device that left the inventory does not come back by it."""
        now = self._clock.now()

        def end(conn: sa.Connection) -> Deployment:
            queue.finish(conn, claim, outcome, state, now, max_failures=self.max_failures)
            return deployments.settle(conn, claim.job.deployment, conclude, now)

        deployment = await self.db.persist(end)
        self.work.wake()
        return deployment

    async def retry(
        self, claim: Claim, outcome: Outcome, run_at: float, state: DeviceState | None = None
    ) -> None:
        """As the port says; superseded instead when a newer deployment replaced the job."""

        def put_back(conn: sa.Connection) -> None:
            queue.retry(conn, claim, outcome, run_at, self._clock.now(), state=state)
            self._conclude_ended(conn)

        await self.db.persist(put_back)
        self.work.wake()

    async def release(self, claim: Claim) -> None:
        """As the port says; superseded instead when a newer deployment replaced the job."""

        def put_back(conn: sa.Connection) -> None:
            queue.release(conn, claim, self._clock.now())
            self._conclude_ended(conn)

        await self.db.persist(put_back)
        self.work.wake()

    async def free_leases(self) -> int:
        """As the port says; nothing where other daemons may hold them: theirs run out."""
        if self._url is not None:
            return 0

        def free(conn: sa.Connection) -> int:
            freed = queue.free_leases(conn, self._clock.now())
            self._conclude_ended(conn)
            return freed

        freed = await self.db.tx(free)
        self.work.wake()
        return freed

    # --- Duties --------------------------------------------------------------------------------

    async def mine(self, duty: str) -> bool:
        """Whether it is for this daemon to do now; always, where it has the store for itself."""
        if self._url is None:
            return True
        now = self._clock.monotonic()
        # Renewed when half of it is gone, so that most looks cost nothing.
        if now < self._duties.get(duty, now) - DUTY / 2:
            return True

        def take(conn: sa.Connection) -> bool:
            instant = self._instant(conn)
            return duties.take(conn, duty, self._worker, instant, instant + DUTY)

        held = await self.db.share(take)
        self._duties[duty] = now + DUTY if held else now
        return held

    async def keep_duties(self) -> None:
        """Renew what this daemon has; to be called well within `DUTY` seconds."""
        now = self._clock.monotonic()
        for duty in [each for each, until in self._duties.items() if until > now]:
            await self.mine(duty)

    async def leave_duties(self) -> None:
        """Let others have them at once."""
        if self._duties:
            await self.db.share(duties.leave, self._worker)
            self._duties.clear()

    async def ring(self, timer: str, interval: float) -> bool:
        return await self.db.share(duties.ring, timer, interval, self._clock.now())

    async def listen(self) -> bool:
        """Wait until another daemon wrote work and wake whoever waits here; False where none can.

        Raises StoreBusy or StoreFailed when the connection is lost.
        """
        if self._url is None:
            return False
        async with _postgres().listening(self._url) as calls:
            # What was called while nobody listened.
            self.work.wake()
            async for _ in calls:
                self.work.wake()
        return True

    # --- Accounts ------------------------------------------------------------------------------

    async def add_user(self, user: User, *, first: bool = False) -> None:
        await self.db.tx(accounts.add_user, user, first)

    async def user(self, name: str) -> User | None:
        return await self.db.read(accounts.find_user, name)

    async def users(self) -> Sequence[User]:
        return await self.db.read(accounts.users)

    async def change_user(
        self,
        name: str,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        return await self.db.tx(
            accounts.change_user,
            name,
            role=role,
            disabled=disabled,
            password=password,
            now=self._clock.now(),
        )

    async def rehash(self, name: str, old: str, new: str) -> None:
        await self.db.tx(accounts.rehash, name, old, new)

    async def open_session(self, session: Session, *, password: str) -> bool:
        return await self.db.tx(accounts.open_session, session, password, self._clock.now())

    async def session(self, number: str) -> tuple[Session, User] | None:
        return await self.db.read(accounts.find_session, number, self._clock.now())

    async def end_session(self, number: str) -> None:
        await self.db.tx(accounts.end_session, number)

    async def signing_keys(self) -> Sequence[SigningKey]:
        return await self.db.read(accounts.signing_keys)

    async def add_signing_key(self, key: SigningKey, *, drop_before: float) -> None:
        await self.db.tx(accounts.add_signing_key, key, drop_before)

    async def add_token(self, token: Token, digest: str) -> None:
        await self.db.tx(accounts.add_token, token, digest)

    async def token(self, digest: str) -> Token | None:
        return await self.db.read(accounts.find_token, digest, self._clock.now())

    async def tokens(self) -> Sequence[Token]:
        return await self.db.read(accounts.tokens)

    async def remove_token(self, name: str) -> None:
        await self.db.tx(accounts.remove_token, name)

    async def attempt(self, subjects: Mapping[str, Patience]) -> float:
        return await self.db.tx(accounts.attempt, subjects, self._clock.now())

    async def forgive(self, subject: str, *, all_of_it: bool) -> None:
        await self.db.tx(accounts.forgive, subject, all_of_it)

    async def begin_act(self, act: Act) -> int:
        return await self.db.tx(accounts.begin_act, act)

    async def end_act(self, number: int, result: str) -> None:
        await self.db.tx(accounts.end_act, number, result)

    async def acts(
        self, limit: int = 100, *, before: int | None = None, who: str | None = None
    ) -> Sequence[Act]:
        return await self.db.read(accounts.acts, limit, before, who)

    async def prune_accounts(self, *, audit_before: float) -> int:
        """Remove what has ended, and the audit log before that time; how many rows."""
        return await self.db.tx(accounts.prune, self._clock.now(), audit_before)

    # --- States --------------------------------------------------------------------------------

    async def states(self) -> Mapping[str, DeviceState]:
        return await self.db.read(inventory.states)

    async def state(self, name: str) -> DeviceState | None:
        return await self.db.read(inventory.one, name)

    async def record(self, state: DeviceState) -> None:
        """As the port says; nothing for a device that is not in the inventory."""
        await self.db.share(inventory.observe, state)

    async def add(self, state: DeviceState, desired: Desired | None) -> None:
        name, now = state.device.name, self._clock.now()

        def put(conn: sa.Connection) -> None:
            if not inventory.add(conn, state):
                raise DeviceExists(f"there is a device {name} already")
            if desired is not None:
                inventory.keep(conn, [desired], now)

        await self.db.tx(put)

    async def forget(self, names: Sequence[str]) -> None:
        """As the port says; what waits for them and has not touched them is cancelled."""
        now = self._clock.now()

        def drop(conn: sa.Connection) -> None:
            inventory.forget(conn, names)
            for name in names:
                queue.cancel_waiting(conn, name, "the device left the inventory", now)
            self._conclude_ended(conn)

        await self.db.tx(drop)
        self.work.wake()

    # --- Orders --------------------------------------------------------------------------------

    async def order(self, comment: int) -> Order | None:
        return await self.db.read(asked.find, comment)

    async def orders(self) -> Sequence[Order]:
        return await self.db.read(asked.waiting)

    async def begin(
        self,
        order: Order,
        trigger: Trigger,
        *,
        raised: Trigger | None,
        messages: Sequence[Message],
    ) -> bool:
        now = self._clock.now()

        def write_down(conn: sa.Connection) -> bool:
            new = asked.add(conn, order)
            if new:
                outbox.put(conn, messages, now)
            if new and raised is not None:
                refs.raise_(conn, raised, now)
            refs.settle(conn, trigger)
            self._call(conn)
            return new

        new = await self.db.tx(write_down)
        self.work.wake()
        return new

    async def claim_order(self, comment: int) -> bool:
        return await self.db.tx(asked.claim, comment, self._clock.now())

    async def carry(self, comment: int, deployment: int) -> None:
        await self.db.tx(asked.carry, comment, deployment)

    async def end_order(self, comment: int, messages: Sequence[Message]) -> None:
        now = self._clock.now()

        def end(conn: sa.Connection) -> None:
            if asked.end(conn, comment, now):
                outbox.put(conn, messages, now)

        await self.db.tx(end)
        self.work.wake()

    # --- Outbox --------------------------------------------------------------------------------

    async def put(self, messages: Sequence[Message]) -> None:
        await self.db.tx(outbox.put, messages, self._clock.now())

    async def correct(self, messages: Sequence[Message]) -> None:
        await self.db.tx(outbox.correct, messages, self._clock.now())
        self.work.wake()

    async def due(self, limit: int) -> Sequence[OutboxRow]:
        return await self.db.read(outbox.due, limit, self._clock.now())

    async def delivered(self, row: OutboxRow, remote: str | None) -> None:
        await self.db.share(outbox.delivered, row, remote, self._clock.now())

    async def defer(self, row: OutboxRow, run_at: float, error: str) -> None:
        await self.db.share(outbox.defer, row, run_at, error)
        self.work.wake()

    async def give_up(self, row: OutboxRow, error: str) -> None:
        await self.db.share(outbox.give_up, row, error, self._clock.now())

    async def revive(self, since: float, like: Message | None = None) -> int:
        revived = await self.db.tx(outbox.revive, since, self._clock.now(), like)
        if revived:
            self.work.wake()
        return revived

    async def probe(self, since: float) -> int:
        probed = await self.db.tx(outbox.probe, since, self._clock.now())
        if probed:
            self.work.wake()
        return probed

    # --- Meter, Housekeeping -------------------------------------------------------------------

    async def depth(self) -> QueueDepth:
        return await self.db.read(retention.depth, self._clock.now())

    async def alive(self) -> None:
        await self.db.share(retention.beat, self._worker, self._clock.now())

    async def prune(self, *, before: float, keep_deployments: int) -> int:
        """Drop what ended before this time; gives how many deployments.

        The newest ``keep_deployments`` stay whatever their age, and the last one of each ref.
        """
        dropped = 0
        while some := await self.db.tx(retention.prune_deployments, before, keep_deployments):
            dropped += some
        await self.db.tx(retention.prune_rest, before, self._clock.now())
        if self._url is None:
            await self.db.bare(retention.give_back_space)
        return dropped

    async def held_backups(self) -> frozenset[str]:
        return await self.db.read(retention.held_backups)

    # --- inside --------------------------------------------------------------------------------

    def _until(self, conn: sa.Connection) -> float:
        return self._instant(conn) + self._lease

    def _call(self, conn: sa.Connection) -> None:
        """Wake the other daemons as well, when this transaction is committed."""
        if self._url is not None:
            _postgres().notify(conn)

    def _conclude_ended(self, conn: sa.Connection) -> None:
        if self._conclude is not None:
            deployments.conclude_ended(conn, self._conclude, self._clock.now())

    async def _horizon(self, since: float) -> float | None:
        def first(conn: sa.Connection) -> float | None:
            ahead = self._instant(conn) - self._clock.now()
            due, expiry = retention.horizon(conn, since), retention.expiry(conn, since + ahead)
            times = [due, None if expiry is None else expiry - ahead]
            return min((each for each in times if each is not None), default=None)

        return await self.db.read(first)


def _postgres() -> ModuleType:
    """The driver is an extra: nobody who runs on one machine has to install it."""
    try:
        from catnet_controller.store import postgres
    except ImportError as error:
        raise SettingsInvalid(
            f"store.url: a PostgreSQL database needs its driver ({error.name} is not installed)",
            next_step="Install `catnet-controller[postgres]`.",
        ) from error
    return postgres
