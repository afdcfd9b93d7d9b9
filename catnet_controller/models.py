"""The nouns every room shares: frozen, keyword-only, without behaviour that needs the outside.

Times are seconds since the epoch, UTC, as float (suffix ``_at``); durations are seconds. One word
per thing, the same in code, tables, metrics, API and docs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    """What a deployment does on its devices."""

    DRY_RUN = "dry-run"
    PUSH = "push"
    CHECK = "check"
    BACKUP = "backup"
    ROLLBACK = "rollback"


class State(StrEnum):
    """Where a job or a deployment stands. The last five are final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    HELD_BACK = "held-back"
    """Not begun, as devices of an earlier wave failed."""

    @property
    def final(self) -> bool:
        return self not in (State.PENDING, State.RUNNING)


class Sync(StrEnum):
    """Whether a device has what the repository wants."""

    IN_SYNC = "in-sync"
    OUT_OF_SYNC = "out-of-sync"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """Whether a device can be worked with."""

    REACHABLE = "reachable"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class Step(StrEnum):
    """The step boundaries of a job, in order; each is recorded before the step begins."""

    CONNECT = "connect"
    READ = "read"
    COMPARE = "compare"
    GUARD = "guard"
    ARM = "arm"
    PUSH = "push"
    PROVE = "prove"
    CONFIRM = "confirm"
    SAVE = "save"
    RECORD = "record"
    REVERT = "revert"


class Scope(StrEnum):
    """How much of the running-config the desired text speaks for."""

    FULL = "full"
    PARTIAL = "partial"


class Fallback(StrEnum):
    """What to do where the device cannot arm a revert timer."""

    REVERSE = "reverse"
    REFUSE = "refuse"


class Owner(StrEnum):
    """Who says that there is such a device, and where it is."""

    GIT = "git"
    """inventory.yaml of the config repository."""
    CATNET = "catnet"
    """CatNet itself: a person added the device."""


class Restored(StrEnum):
    """What a failed push left behind on the device."""

    NOT_NEEDED = "not-needed"
    RESTORED = "restored"
    PARTLY = "partly-restored"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong in a file people write. ``line`` 0 means the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.message}"
            if self.line
            else (f"{self.file}: {self.message}")
        )


class Expectation(StrEnum):
    """What a check of a user wants of the lines that a `show` prints."""

    MATCH = "match"
    NO_MATCH = "no-match"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A check of a user. ``pattern`` is a regular expression; ``origin`` is ``file:line``."""

    show: str
    expect: Expectation
    pattern: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What must be well on a device after a change. ``settle`` is how long it may take.

    ``watch``: interfaces and neighbours that were up stay up. ``ping`` has addresses, each as
    ``ADDRESS`` or ``ADDRESS vrf NAME``. ``lenient``: a probe that failed before the change already
    does not count against it; so it is for a rollback, never for a push.
    """

    watch: bool = True
    settle: float = 30.0
    ping: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What was well before a change: what is up, which targets answered, and the fingerprints of
    the answers that must not change."""

    interfaces: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    """One per probe: ``failed``, or a fingerprint, or empty for those that are not compared."""
    deaf: tuple[str, ...] = ()
    """Targets that did not answer before the change either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A jump host: an SSH server through which devices are reached."""

    name: str
    host: str
    port: int = 22
    credential: str = "default"
    algorithms: str = "modern"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One network element of the inventory, or one that a person added.

    ``username`` is for the login, in the place of that of the credential; empty: as that says.
    """

    name: str
    host: str
    port: int = 22
    platform: str = "ios"
    groups: tuple[str, ...] = ()
    site: str = ""
    credential: str = "default"
    algorithms: str = "modern"
    scope: Scope = Scope.FULL
    fallback: Fallback = Fallback.REFUSE
    window: int = 64
    """Lines typed ahead of their answers at most, under a revert timer; 1: one at a time."""
    wave: int = 0
    """A push goes to the devices of a wave when those of the lower ones are done."""
    jump: Jump | None = None
    checks: Checks = Checks()
    owner: Owner = Owner.GIT
    username: str = ""

    @property
    def added(self) -> bool:
        """Whether CatNet itself keeps it, not the repository."""
        return self.owner is Owner.CATNET


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit of the config repository and where it came from.

    ``ref`` is ``branch/<name>`` or ``pull/<number>``; it is the key of triggers as well. What a
    person asked for has ``recorded`` or ``rollback/<device>``.
    """

    sha: str
    ref: str
    title: str = ""
    author: str = ""

    @property
    def pull(self) -> int | None:
        return int(self.ref.removeprefix("pull/")) if self.ref.startswith("pull/") else None

    @property
    def reported(self) -> bool:
        """Whether its commit hears of it on GitHub: not when a person asked for some devices."""
        return bool(self.sha) and self.ref != "recorded"

    @property
    def rollback(self) -> bool:
        """Whether it is about taking a device back."""
        return self.ref.startswith("rollback/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The configuration the repository wants on one device, secrets unresolved.

    ``origins`` has one ``file:line`` per line of ``text``. ``digest`` is ``sha256:…`` of device
    name, scope and text, and is the key under which the store keeps it. ``literal``: it was read
    from a device, so what looks like a reference to a secret is none.
    """

    device: Device
    text: str
    digest: str
    origins: tuple[str, ...]
    literal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The repository at a revision: what it wants on each device, or what is wrong with it."""

    revision: Revision
    desired: Mapping[str, Desired] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """The recorded state of a device: a cache with a date; the device is the truth.

    ``digest`` is that of the running-config last seen. ``desired`` is the digest of
    the desired text that the branch wants now; ``applied`` that of the text last applied with
    success, ``revision`` its commit. ``quarantined`` is the commit that failed on this device and
    is not tried again by itself. ``declined`` is the digest of the desired text that a rollback
    took away: it is not pushed again until the branch wants another one or an operator asks.
    ``before`` is the backup made before the last change, ``backup_at`` when the last scheduled
    backup was made.
    """

    device: Device
    sync: Sync = Sync.UNKNOWN
    health: Health = Health.UNKNOWN
    digest: str | None = None
    seen_at: float | None = None
    desired: str | None = None
    applied: str | None = None
    revision: str | None = None
    applied_at: float | None = None
    quarantined: str | None = None
    declined: str | None = None
    before: str | None = None
    backup_at: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A job to be made: one device's part of a deployment that is about to open."""

    device: Device
    desired: Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a push was about to do, committed before the device is armed.

    A claimed job that has an intent and no end was interrupted: recovery reads the device and
    finishes or reverts; nothing is replayed from memory.
    """

    backup: str
    baseline: str
    armed: bool
    step: Step
    vitals: Vitals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to a job. All text is redacted; nothing here can leak a secret."""

    state: State
    changed: bool = False
    added: int = 0
    removed: int = 0
    diff: str = ""
    commands: tuple[str, ...] = ()
    reverse: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    """What the change touches that a reviewer must not overlook, the gravest first."""
    transcript: str = ""
    error_code: str | None = None
    error: str | None = None
    next_step: str | None = None
    restored: Restored = Restored.NOT_NEEDED
    remaining: str = ""
    backup: str | None = None
    read_at: float | None = None
    seen: str = ""
    """Digest of the running-config that was compared with."""
    moved: bool = False
    """The device had changed since the plan of its pull request."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds spent in each step, by the value of ``Step``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One device's part of a deployment, as the store knows it."""

    id: int
    deployment: int
    device: Device
    mode: Mode
    revision: Revision
    desired: str
    """Digest of the desired text; the text is in the store."""
    state: State = State.PENDING
    step: Step | None = None
    attempt: int = 0
    intent: Intent | None = None
    run_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a pull request was reviewed by: the device as it was seen, and what would be typed."""

    pull: int
    seen: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a device: the job, and the fence that proves the right."""

    job: Job
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing is pushed until somebody resumes: who said so, why, and since when."""

    by: str
    reason: str
    since: float

    def __str__(self) -> str:
        return f"paused by {self.by}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One revision taken to its devices."""

    id: int
    revision: Revision
    mode: Mode
    cause: str
    """Who or what asked: ``push``, ``pull-request``, ``drift timer``, ``user NAME`` …"""
    state: State = State.PENDING
    created_at: float = 0.0
    ended_at: float | None = None
    summary: str = ""
    """One line for people: the verdict's."""
    problems: tuple[Problem, ...] = ()
    jobs: tuple[Job, ...] = ()
    pause: Pause | None = None
    """What keeps this push from going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which deployments: all of what is given holds; ``before`` is the number of another one."""

    before: int | None = None
    mode: Mode | None = None
    state: State | None = None
    device: str | None = None
    cause: str | None = None
    sha: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """How many devices of a wave there are, are done with, and were held back untouched."""

    number: int
    total: int
    done: int
    held_back: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A deployment without its jobs, and how many of them stand where.

    ``changed`` counts those that are complete and found a difference.
    """

    deployment: Deployment
    counts: Mapping[State, int] = field(default_factory=dict)
    changed: int = 0
    waves: tuple[Wave, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return sum(count for state, count in self.counts.items() if state.final)

    @property
    def failed(self) -> int:
        return self.counts.get(State.FAILED, 0)

    @property
    def held_back(self) -> int:
        return self.counts.get(State.HELD_BACK, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants a device taken back to: one of ``backup``, ``revision`` and ``text``, or
    none of them for how it was before its last change.

    ``file`` is what the text is called; ``force`` takes one that seems to be another device's.
    """

    device: str
    by: str
    backup: str | None = None
    revision: str | None = None
    text: str | None = field(default=None, repr=False)
    file: str = ""
    dry_run: bool = True
    force: bool = False


class StatusState(StrEnum):
    """States of a GitHub commit status (docs.github.com/rest/commits/statuses)."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A commit status to be delivered. ``description`` is at most 140 characters."""

    sha: str
    context: str
    state: StatusState
    description: str
    target_url: str = ""

    @property
    def key(self) -> str:
        return f"status:{self.sha}:{self.context}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentMessage:
    """The one comment of a pull request, to be created or edited in place.

    ``hidden``: there is nothing in it to review, so it is shown folded.
    """

    pull: int
    body: str
    hidden: bool = False

    @property
    def key(self) -> str:
        return f"comment:{self.pull}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueMessage:
    """What is wrong with the network, as an issue; not ``open``: nothing is."""

    open: bool
    title: str = ""
    body: str = ""

    @property
    def key(self) -> str:
        return "issue:deploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionMessage:
    """A reaction to a comment: ``eyes``, ``rocket`` or ``confused``."""

    comment: int
    content: str

    @property
    def key(self) -> str:
        return f"reaction:{self.comment}:{self.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMessage:
    """The one answer to a comment under a pull request (``issue`` is its number)."""

    comment: int
    issue: int
    body: str

    @property
    def key(self) -> str:
        return f"answer:{self.comment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMessage:
    """How a deployment (``number``) stands in an environment, for GitHub's list of deployments.

    ``state`` is one of GitHub's: ``queued``, ``in_progress``, ``success``, ``failure``, ``error``.
    """

    sha: str
    environment: str
    number: int
    state: str
    description: str
    log_url: str = ""

    @property
    def key(self) -> str:
        return f"record:{self.number}:{self.environment}"


Message = (
    StatusMessage | CommentMessage | IssueMessage | ReactionMessage | AnswerMessage | RecordMessage
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message that waits for delivery. A newer message of the same key replaces the older.

    ``remote`` is what the reporter wants to know again of the thing last delivered under this key
    (the ids of a comment and its further parts).
    """

    id: int
    seq: int
    message: Message
    attempt: int = 0
    remote: str | None = None
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcomes of a deployment in words. ``line`` is at most 140 characters."""

    status: StatusState
    state: State
    line: str
    text: str
    """Markdown for the comment and the deployment page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What becomes of a deployment now: its state, its one line, and the messages it sends.

    ``corrections`` are said at its end, each only where something was said under its key before.
    """

    state: State
    summary: str
    messages: tuple[Message, ...] = ()
    corrections: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook delivery as recorded for diagnosis. ``verdict`` is accepted or ignored, and why."""

    guid: str
    event: str
    verdict: str
    received_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """ "Look at this ref now." Never says what to do; the reconciler reads the ref itself.

    ``sha`` is a hint (what the webhook named), None when unknown. ``force`` asks for a deployment
    even when the ref has not moved. ``seq`` grows each time the same ref is triggered again.
    """

    ref: str
    reason: str
    sha: str | None = None
    force: bool = False
    seq: int = 0
    attempt: int = 0
    due_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefState:
    """What was last planned for a ref."""

    ref: str
    sha: str
    deployment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a branch points. ``etag`` makes the next look conditional."""

    sha: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request. ``fork`` is true when the head is in another repository, or gone.

    ``merge`` is the commit that merging it would make, empty while GitHub has none. ``conflicts``
    is None while GitHub has not found out yet.
    """

    number: int
    sha: str
    base: str
    title: str
    author: str
    open: bool
    draft: bool
    fork: bool
    merge: str = ""
    conflicts: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment under a pull request. ``person``: not written by a program.

    ``association`` is what the author is to the repository, in GitHub's words (``MEMBER`` …).
    """

    id: int
    pull: int
    login: str
    person: bool
    association: str
    body: str
    created_at: float

    @property
    def digest(self) -> str:
        """Of author and text; another one when somebody edited the comment."""
        text = f"{self.login}\n{self.body}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(text).hexdigest()


class Verb(StrEnum):
    """What a comment can ask for."""

    PLAN = "plan"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a comment asks for. ``verb`` None: nobody knows.

    ``after`` is the number of the newest deployment when it was heard: what comes of it has a
    greater one. ``begun_at`` is when it was begun to be carried out, ``ended_at`` when it was
    answered.
    """

    comment: int
    pull: int
    login: str
    verb: Verb | None
    device: str = ""
    after: int = 0
    asked_at: float
    begun_at: float | None = None
    deployment: int | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A running-config kept as a file. ``id`` is ``<device>/<UTC time>-<checksum>``.

    ``digest`` is that of the normalised text, empty in a list; ``seen_at`` when the device last
    had this very text. Not ``good``: the file was cut or edited since.
    """

    id: str
    device: str
    taken_at: float
    digest: str = ""
    seen_at: float = 0.0
    size: int = 0
    good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A whole running-config as read from a device, and the backup made of it."""

    text: str
    read_at: float
    backup: Backup | None = None
    hostname: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A line typed and what the device answered, unredacted; redact before it leaves."""

    line: str
    answer: str


POLLED = "polled"
"""The timer that rings whenever GitHub was asked what is new and answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """How much waits: jobs by state, triggers, and the outbox with the age of its oldest row.

    ``given_up`` counts the messages that GitHub refused and nobody tries again, ``given_up_at`` is
    when the oldest of them was, ``refusal`` why, with what to do. ``polled_at`` is when GitHub was
    last asked what is new, with an answer.
    """

    pending: int
    running: int
    triggers: int
    outbox: int
    outbox_age: float
    given_up: int = 0
    given_up_at: float | None = None
    refusal: str = ""
    polled_at: float | None = None


# --- people and machines that ask ----------------------------------------------------------------


class Role(StrEnum):
    """What somebody may do; each includes the ones before it."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Acts on devices and deployments."""
    ADMIN = "admin"
    """Manages users and tokens."""

    def covers(self, other: "Role") -> bool:
        order = tuple(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with a password. ``password`` is its argon2 hash, never the password."""

    name: str
    role: Role
    password: str = field(repr=False)
    disabled: bool = False
    created_at: float = 0.0
    changed_at: float = 0.0
    """When the password was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login of a user; it ends at ``until``, or earlier when its row is taken away."""

    id: str = field(repr=False)
    user: str
    created_at: float
    until: float
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a machine shows instead of a password; the store keeps only a digest of it."""

    name: str
    role: Role
    created_at: float
    until: float
    created_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """What sessions are signed with; ``id`` stands in what was signed."""

    id: str
    secret: bytes = field(repr=False)
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A line of the audit log. ``result`` is ``started`` until the act has ended."""

    id: int = 0
    at: float
    who: str
    what: str
    address: str
    result: str
