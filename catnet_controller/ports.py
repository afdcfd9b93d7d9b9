"""What the flow needs from the edges, cut by role; `app` gives each role to a real part."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from catnet_controller.errors import CatnetError
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.models import (
    Act,
    AnswerMessage,
    Backup,
    Claim,
    CommentMessage,
    Conclusion,
    Delivery,
    Deployment,
    Desired,
    Device,
    DeviceState,
    Exchange,
    Head,
    Intent,
    IssueMessage,
    Job,
    JobPlan,
    Message,
    Mode,
    Note,
    Order,
    OutboxRow,
    Outcome,
    Pause,
    Planned,
    Problem,
    Pull,
    QueueDepth,
    ReactionMessage,
    Reading,
    RecordMessage,
    RefState,
    Restored,
    Revision,
    Role,
    Session,
    SigningKey,
    State,
    StatusMessage,
    Step,
    Tally,
    Token,
    Trigger,
    User,
    Which,
)

T = TypeVar("T")

Conclude = Callable[[Deployment], Conclusion]
"""Pure: from a deployment with its jobs and outcomes to its state and messages."""


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back; for durations."""
        ...


class Offload(Protocol):
    """Runs pure work that takes long beside the event loop.

    A ``functools.partial`` may be computed in another process: its function is one of a module (or
    a method of something that can be pickled), and so can be its arguments and its result. Any
    other callable stays in this process, in a thread.
    """

    async def __call__(self, work: Callable[[], T], /, *, within: float | None = None) -> T:
        """What ``work`` gives; what it raises is raised here.

        ``within`` is for a ``functools.partial`` that runs what somebody wrote, a pattern or a
        template: it is computed in another process however small it is, and TooSlow is raised when
        it takes longer than so many seconds.
        """
        ...


# --- store -------------------------------------------------------------------------------------


Arrival = tuple[Delivery, Trigger | None]
"""A webhook delivery, and the trigger that it raises."""


class Triggers(Protocol):
    """Wake-ups, one row per ref, durable."""

    async def receive(self, arrived: Sequence[Arrival]) -> None:
        """Record webhook deliveries and raise their triggers in one transaction."""
        ...

    async def trigger(self, trigger: Trigger) -> None:
        """Raise a trigger; one that waits for the same ref is renewed (seq + 1, due at once)."""
        ...

    async def next_trigger(self) -> Trigger | None:
        """The oldest trigger that is due, or None. It stays until settled."""
        ...

    async def settle(self, trigger: Trigger) -> None:
        """Drop the trigger unless it was raised again since (its seq grew)."""
        ...

    async def postpone(self, trigger: Trigger, due_at: float) -> None:
        """Look again at ``due_at``; attempt + 1. No effect if it was raised again since."""
        ...

    async def raised(self, ref: str) -> Trigger | None:
        """The trigger last raised for a ref, also when it was settled since."""
        ...

    async def ref_state(self, ref: str) -> RefState | None: ...

    async def forget_ref(self, ref: str) -> None:
        """A pull request was closed or a branch deleted."""
        ...


class Deployments(Protocol):
    """Deployments and their jobs."""

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
        """Open a deployment, all in one transaction.

        Stores the desired texts, the jobs and the inventory (``states`` are upserted). With a
        ``trigger``, marks the ref as planned at this sha and settles it. Supersedes pending jobs
        (without an intent) of older deployments that this one replaces: every one of the same
        ref when it came with a trigger; and those of a device that gets a job here when ref and
        mode are the same, or when this is a push and they are push or check. With a trigger and
        another revision also pushes and dry-runs of the ref that run without an intent: whoever
        works on one loses its lease. Writes the messages
        that ``conclude`` gives for the new deployment and for every deployment that thereby
        became final. A deployment without jobs, or with problems, is final at once.
        """
        ...

    async def deployment(self, number: int) -> Deployment | None: ...

    async def history(self, limit: int = 100, which: Which | None = None) -> Sequence[Deployment]:
        """The last deployments, newest first, with their jobs; ``which`` leaves out others."""
        ...

    async def desired(self, digest: str) -> Desired | None:
        """A desired text by its digest."""
        ...

    async def cancel(self, number: int, reason: str, conclude: Conclude) -> Deployment:
        """End what has not touched its device: what waits, and what runs but is not armed yet.

        Whoever works on such a job loses its lease. Jobs with an intent go on. Raises
        CancelRefused when none is left to cancel, or the deployment is over.
        """
        ...


class Plans(Protocol):
    """What was planned on pull requests."""

    async def planned(self, device: str, desired: str, since: float) -> Planned | None:
        """The plan of a pull request for this desired text (its digest) on this device.

        None when it was made before ``since``, and when something was pushed by it already.
        """
        ...


class Glances(Protocol):
    """What a page shows of deployments, without reading all of their jobs."""

    async def newest(self, limit: int, before: int | None = None) -> Sequence[int]:
        """Numbers of deployments, newest first."""
        ...

    async def tally(self, number: int) -> Tally | None: ...

    async def jobs(
        self,
        number: int,
        *,
        limit: int,
        offset: int = 0,
        state: State | None = None,
        words: str = "",
    ) -> Sequence[Job]:
        """Jobs of a deployment in full: failures first, then what runs, waits, changed something.

        ``words`` is a part of the device's name.
        """
        ...

    async def history_of(self, device: str, limit: int) -> Sequence[tuple[Deployment, Job]]:
        """The last jobs of a device without their long texts, newest first, each with its
        deployment without jobs."""
        ...

    async def job(self, number: int) -> Job | None:
        """One job in full."""
        ...


class Timers(Protocol):
    """Timers that outlive a restart, and ring once for all daemons of a store."""

    async def ring(self, timer: str, interval: float) -> bool:
        """Whether ``interval`` seconds have passed since it last rang, which is now then.

        The first call only starts it.
        """
        ...


class Brake(Protocol):
    """Pushes paused and resumed; what only looks, and rollbacks, go on."""

    async def paused(self) -> Pause | None: ...

    async def pause(self, pause: Pause, conclude: Conclude) -> None:
        """Claim no push until resumed; one that runs but is not armed yet waits again.

        An interrupted push is still claimed: its device is in the middle. Writes the messages of
        the pushes that wait. A second pause replaces reason and name.
        """
        ...

    async def resume(self, conclude: Conclude) -> Pause | None:
        """Gives what was ended by it, None when nothing was paused."""
        ...


class Jobs(Protocol):
    """The durable queue: leases with a fence, one running job per device."""

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Take up to ``limit`` due jobs, one per device, none on a device that is leased.

        Order: interrupted jobs (with an intent), rollback, push, dry-run, check, backup; then by
        age. The job becomes running, attempt + 1, the device's fence + 1.
        """
        ...

    async def renew(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Extend the leases of these claims; gives those that are still ours.

        The others are not held any more from now on.
        """
        ...

    async def checkpoint(self, claim: Claim, step: Step, intent: Intent | None = None) -> None:
        """Record that ``step`` begins, and the intent. Raises LeaseLost if the fence moved."""
        ...

    async def finish(
        self, claim: Claim, outcome: Outcome, state: DeviceState, conclude: Conclude
    ) -> Deployment:
        """End the job (``outcome.state``) and record the device's state, in one transaction.

        Frees the device. Applies ``conclude`` to the deployment, final or not, writes its
        messages, and gives the deployment as it is now. Raises LeaseLost if the fence moved.
        """
        ...

    async def retry(
        self, claim: Claim, outcome: Outcome, run_at: float, state: DeviceState | None = None
    ) -> None:
        """Put the job back to pending until ``run_at``; frees the device. Keeps its intent.

        Records ``state`` in the same transaction. Raises LeaseLost if the fence moved.
        """
        ...

    def holds(self, claim: Claim) -> bool:
        """Whether the lease runs, as far as is known here; False well before another may claim."""
        ...

    async def release(self, claim: Claim) -> None:
        """Give a job back untouched (drain): pending again, attempt - 1."""
        ...

    async def free_leases(self) -> int:
        """At start of the only daemon of this store: end every lease. Gives how many."""
        ...


class States(Protocol):
    """Recorded state of the devices.

    The fields ``device`` and ``desired`` belong to the inventory: only ``Deployments.open`` writes
    them, ``record`` and ``Jobs.finish`` keep them. Where the branch wants another text by now
    than ``state.desired``, sync is recorded as unknown.
    """

    async def states(self) -> Mapping[str, DeviceState]: ...

    async def state(self, name: str) -> DeviceState | None:
        """That of one device; None when it is not in the inventory."""
        ...

    async def record(self, state: DeviceState) -> None: ...

    async def add(self, state: DeviceState, desired: Desired | None) -> None:
        """A device that CatNet itself keeps, and what the repository wants on it, if anything.

        Raises DeviceExists when there is one of this name.
        """
        ...

    async def forget(self, names: Sequence[str]) -> None:
        """These devices left the inventory: no state, no new job; history stays."""
        ...


class Orders(Protocol):
    """What comments ask for, durable."""

    async def order(self, comment: int) -> Order | None: ...

    async def orders(self) -> Sequence[Order]:
        """Those that are not over, oldest first."""
        ...

    async def begin(
        self,
        order: Order,
        trigger: Trigger,
        *,
        raised: Trigger | None,
        messages: Sequence[Message],
    ) -> bool:
        """Write it down with its messages, raise what it asks to look at, and settle its own
        trigger, in one transaction. Nothing but the last, and False, when it is there already."""
        ...

    async def claim_order(self, comment: int) -> bool:
        """Mark it as begun; False when somebody did already."""
        ...

    async def carry(self, comment: int, deployment: int) -> None:
        """This deployment came of it."""
        ...

    async def end_order(self, comment: int, messages: Sequence[Message]) -> None:
        """It is over; its last messages go out with that, once."""
        ...


class Outbox(Protocol):
    """Messages to GitHub, written with what they speak of, delivered until they are in."""

    async def put(self, messages: Sequence[Message]) -> None:
        """What waits or is in already is no news, nor for an hour what was given up."""
        ...

    async def correct(self, messages: Sequence[Message]) -> None:
        """As ``put``, each only where something was said under its key before."""
        ...

    async def due(self, limit: int) -> Sequence[OutboxRow]: ...

    async def delivered(self, row: OutboxRow, remote: str | None) -> None:
        """Mark as in; stays due when a newer message replaced it meanwhile (its seq grew)."""
        ...

    async def defer(self, row: OutboxRow, run_at: float, error: str) -> None: ...

    async def give_up(self, row: OutboxRow, error: str) -> None:
        """Stop trying this message; it stays visible with its error."""
        ...

    async def revive(self, since: float, like: Message | None = None) -> int:
        """Try again what was given up and is no older than that. How many there are.

        Only messages of the same kind as ``like``, if any.
        """
        ...

    async def probe(self, since: float) -> int:
        """The same with one message of each kind: of these the one that was tried longest ago."""
        ...


class Meter(Protocol):
    """How much waits."""

    async def depth(self) -> QueueDepth: ...

    async def alive(self) -> None:
        """Raise StoreFailed or StoreBusy if the store cannot be written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How failed logins are answered: the one with the number ``free`` locks out for a second, each
    further one for twice as long, up to ``longest`` seconds; after ``forget`` seconds without one
    all are forgotten."""

    free: int
    longest: float
    forget: float = 86_400.0

    def wait(self, failures: int) -> float:
        """Seconds that a subject with so many failures is locked out."""
        over = failures - self.free
        return 0.0 if over < 0 else min(2.0 ** min(over, 30), self.longest)


class Accounts(Protocol):
    """Who may ask: users with their sessions, tokens of machines, and what was asked for."""

    async def add_user(self, user: User, *, first: bool = False) -> None:
        """Raises AccountRefused for a name that is taken; ``first``: when there is any user."""
        ...

    async def user(self, name: str) -> User | None: ...

    async def users(self) -> Sequence[User]: ...

    async def change_user(
        self,
        name: str,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        """Change what is given, and end every session of the user.

        Raises AccountRefused for an unknown name, and rather than leave no admin that can log in.
        """
        ...

    async def rehash(self, name: str, old: str, new: str) -> None:
        """The same password under stronger parameters; nothing when it was changed meanwhile."""
        ...

    async def open_session(self, session: Session, *, password: str) -> bool:
        """False when the user was disabled or got another password than ``password`` (its hash)
        since it was looked at."""
        ...

    async def session(self, number: str) -> tuple[Session, User] | None:
        """None when it has ended, or its user is disabled."""
        ...

    async def end_session(self, number: str) -> None: ...

    async def signing_keys(self) -> Sequence[SigningKey]:
        """Newest first."""
        ...

    async def add_signing_key(self, key: SigningKey, *, drop_before: float) -> None:
        """Add a key, and forget those that were made before."""
        ...

    async def add_token(self, token: Token, digest: str) -> None:
        """Raises AccountRefused for a name that is taken."""
        ...

    async def token(self, digest: str) -> Token | None:
        """None when it is unknown or has expired."""
        ...

    async def tokens(self) -> Sequence[Token]: ...

    async def remove_token(self, name: str) -> None:
        """Raises AccountRefused for an unknown name."""
        ...

    async def attempt(self, subjects: Mapping[str, Patience]) -> float:
        """Count a login of these subjects before its password is looked at.

        Seconds to wait when one of them is locked out; then nothing is counted.
        """
        ...

    async def forgive(self, subject: str, *, all_of_it: bool) -> None:
        """The login was right: forget every failure of the subject, or the last one."""
        ...

    async def begin_act(self, act: Act) -> int:
        """Write a line of the audit log; its number."""
        ...

    async def end_act(self, number: int, result: str) -> None: ...

    async def acts(
        self, limit: int = 100, *, before: int | None = None, who: str | None = None
    ) -> Sequence[Act]:
        """The audit log, newest first; ``before`` is the number of an act."""
        ...


class Housekeeping(Protocol):
    """Bounds on what is kept."""

    async def prune(self, *, before: float, keep_deployments: int) -> int: ...

    async def held_backups(self) -> Collection[str]:
        """Ids of the backups that an unfinished job goes back to, or the next rollback."""
        ...


# --- GitHub ------------------------------------------------------------------------------------


class Repository(Protocol):
    """The config repository on GitHub, read side."""

    async def head(self, branch: str, etag: str | None = None) -> Head | None:
        """Where the branch points; None when unchanged since ``etag``.

        Raises RepositoryMoved when the branch is not there.
        """
        ...

    async def pulls(self, etag: str | None = None) -> tuple[Sequence[Pull], str] | None:
        """The open pull requests and the etag of this answer; None when unchanged."""
        ...

    async def pull(self, number: int) -> Pull: ...

    async def revision(self, sha: str, ref: str) -> Revision:
        """The commit's title and author. Raises NotVisibleYet when GitHub does not show it."""
        ...

    async def parents(self, sha: str) -> Sequence[str]:
        """The commits that a commit was made of. Raises NotVisibleYet like ``revision``."""
        ...

    async def goes_back(self, known: str, shown: str) -> bool:
        """Whether ``shown`` is what ``known`` was made on, or GitHub cannot tell.

        Raises NotVisibleYet when it does not show that commit.
        """
        ...

    async def files(self, sha: str, *, most_new: int | None = None) -> Mapping[str, bytes]:
        """Every file of the repository at a commit by path, verified by blob sha, cached.

        ``most_new`` is for a fork: of a stranger's files, not more than that are read that were
        not read before. Raises SnapshotRefused for what cannot be read as it stands.
        """
        ...


class Crew(Protocol):
    """Who writes under pull requests."""

    async def comment(self, number: int) -> Note | None:
        """None when there is none, or GitHub does not show it yet."""
        ...

    async def member(self, team: str, login: str) -> bool:
        """Whether somebody is in a team of the organisation of the repository, now."""
        ...


class Reporter(Protocol):
    """The config repository on GitHub, write side."""

    async def status(self, message: StatusMessage) -> None: ...

    async def comment(self, message: CommentMessage, remote: str | None) -> str:
        """Create or edit the one comment of a pull request; gives the next ``remote``."""
        ...

    async def issue(self, message: IssueMessage, remote: str | None) -> str:
        """Open, edit or close the issue of what is wrong; gives the next ``remote``."""
        ...

    async def reaction(self, message: ReactionMessage) -> None: ...

    async def record(self, message: RecordMessage, remote: str | None) -> str:
        """Say in GitHub's list of deployments how one stands; gives the next ``remote``."""
        ...

    async def answer(self, message: AnswerMessage, remote: str | None) -> str:
        """Create or edit the one answer to a comment; gives the next ``remote``."""
        ...


# --- devices -----------------------------------------------------------------------------------

Decide = Callable[[str], ChangeSet]
"""Pure: from a running-config to the change set; raises Refused when it must not be typed.

It takes long, so it is run through an Offload: a function that can be pickled, as a partial is.
"""

Checkpoint = Callable[[Step, Intent | None], Awaitable[None]]
"""Called before each step; raises LeaseLost when this worker must not touch the device."""

Ours = Callable[[], bool]
"""Asked before each line is typed, without waiting: whether the lease on the device still runs.

Between two steps a process can be frozen for as long as it takes another to take the job over.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """How a push ended. ``error`` None means: pushed, proved, confirmed and saved."""

    change_set: ChangeSet | None = None
    before: Reading | None = None
    after: Reading | None = None
    transcript: tuple[Exchange, ...] = ()
    error: CatnetError | None = None
    restored: Restored = Restored.NOT_NEEDED
    remaining: str = ""


class Devices(Protocol):
    """The devices of the network: the only way to touch one."""

    async def read(
        self, device: Device, checkpoint: Checkpoint, ours: Ours | None = None
    ) -> Reading:
        """Read and back up the running-config; types only ``show`` and ``terminal`` commands."""
        ...

    async def push(
        self, device: Device, decide: Decide, checkpoint: Checkpoint, ours: Ours | None = None
    ) -> PushResult:
        """The device transaction: read, compare, arm, push, prove, confirm, save."""
        ...

    async def recover(
        self,
        device: Device,
        intent: Intent,
        decide: Decide,
        checkpoint: Checkpoint,
        ours: Ours | None = None,
    ) -> PushResult:
        """Finish what a killed push left: confirm and save if proved, else revert.

        ``error`` None means the device has what was wanted, saved; else it was reverted (see
        ``restored``) and the job may be tried again from its beginning.
        """
        ...


class BackupFiles(Protocol):
    """The backups, to be read."""

    async def read(self, number: str) -> str:
        """The text of a backup. Raises NoSuchBackup, BackupDamaged or StoreFailed."""
        ...

    async def list(self, device: str) -> Sequence[Backup]:
        """The backups of a device, newest first, each looked through."""
        ...


# --- telemetry ---------------------------------------------------------------------------------


class Telemetry(Protocol):
    """What is counted. Names of the metrics are those of the telemetry room."""

    def delivery(self, event: str, result: str, number: int = 1) -> None: ...

    def job_ended(self, job: Job, outcome: Outcome) -> None: ...

    def device_state(self, state: DeviceState) -> None: ...

    def devices_gone(self, names: Sequence[str]) -> None: ...

    def depth(self, depth: QueueDepth) -> None: ...

    def rate_limit(self, remaining: int) -> None: ...

    def polled(self, result: str) -> None: ...

    def missed(self) -> None:
        """The poll found a change that no webhook told of."""
        ...

    def login(self, result: str) -> None:
        """Somebody tried to log in: ``complete``, ``failed`` or ``locked-out``."""
        ...

    def host_key(self, verdict: str) -> None:
        """A device showed a key that was not known: ``learnt``, ``unknown`` or ``changed``."""
        ...
