"""What the web tests share: a store in memory, a fleet with every kind of trouble, a server."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer, TestClient, TestServer

from catnet_controller.errors import CancelRefused, CatnetError, DeviceExists, NoSuchConfig
from catnet_controller.github import events
from catnet_controller.ios.redact import redact
from catnet_controller.models import (
    Act,
    Backup,
    Conclusion,
    Delivery,
    Deployment,
    Desired,
    Device,
    DeviceState,
    Health,
    Job,
    JobPlan,
    Mode,
    Outcome,
    Pause,
    Problem,
    QueueDepth,
    RefState,
    Restored,
    Revision,
    Role,
    Session,
    SigningKey,
    State,
    Step,
    Sync,
    Tally,
    Token,
    Trigger,
    User,
    Wave,
    Which,
    Wish,
)
from catnet_controller.policy import admission
from catnet_controller.ports import Accounts, Arrival, Clock, Conclude, Patience
from catnet_controller.settings import Secret
from catnet_controller.telemetry.metrics import Metrics
from catnet_controller.web import calls, roles, server
from catnet_controller.web.passwords import Passwords
from catnet_controller.web.problems import Handler
from catnet_controller.web.reception import Reception
from catnet_controller.web.webhook import Webhook

TOKEN = "a-token-of-the-tests-0123456789"
PASSWORD = "four words and a comma,"
WEBHOOK_SECRET = b"webhook-secret-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOW = 1_790_000_000.0
SHA = "4f2a9c1e7b3d5a6f8091b2c3d4e5f60718293a4b"


class StillClock:
    """A clock that moves only when told."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def brief(it: Deployment) -> Deployment:
    """Without the long texts, as the store gives its history."""
    jobs = [
        job
        if job.outcome is None
        else replace(
            job,
            outcome=replace(
                job.outcome, diff="", commands=(), reverse=(), transcript="", remaining=""
            ),
        )
        for job in it.jobs
    ]
    return replace(it, jobs=tuple(jobs))


def _changed(job: Job) -> bool:
    return job.outcome is not None and job.outcome.changed


@dataclass
class Memory:
    """The store's roles that the web needs, in memory."""

    deliveries: list[Delivery] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    kept: dict[int, Deployment] = field(default_factory=dict)
    devices: dict[str, DeviceState] = field(default_factory=dict)
    queue: QueueDepth = field(
        default_factory=lambda: QueueDepth(
            pending=0, running=0, triggers=0, outbox=0, outbox_age=0.0
        )
    )
    texts: dict[str, Desired] = field(default_factory=dict)
    failing: CatnetError | None = None
    held: Pause | None = None

    async def receive(self, arrived: Sequence[Arrival]) -> None:
        if self.failing is not None:
            raise self.failing
        self.deliveries += (delivery for delivery, _ in arrived)
        self.triggers += (trigger for _, trigger in arrived if trigger is not None)

    async def trigger(self, trigger: Trigger) -> None:
        if self.failing is not None:
            raise self.failing
        self.triggers.append(trigger)

    async def next_trigger(self) -> Trigger | None:
        return self.triggers[0] if self.triggers else None

    async def settle(self, trigger: Trigger) -> None:
        self.triggers.remove(trigger)

    async def postpone(self, trigger: Trigger, due_at: float) -> None:
        raise NotImplementedError

    async def ref_state(self, ref: str) -> RefState | None:
        about = [it.id for it in self.kept.values() if it.revision.ref == ref]
        return RefState(ref=ref, sha=SHA, deployment=max(about)) if about else None

    async def forget_ref(self, ref: str) -> None:
        raise NotImplementedError

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
        raise NotImplementedError

    async def deployment(self, number: int) -> Deployment | None:
        return self.kept.get(number)

    async def history(self, limit: int = 100, which: Which | None = None) -> Sequence[Deployment]:
        which = which or Which()
        found = [
            brief(it)
            for number, it in sorted(self.kept.items(), reverse=True)
            if which.before is None or number < which.before
            if which.mode in (None, it.mode)
            if which.state in (None, it.state)
            if which.cause in (None, it.cause)
            if which.sha in (None, it.revision.sha)
            if which.device is None or any(job.device.name == which.device for job in it.jobs)
        ]
        return found[:limit]

    async def newest(self, limit: int, before: int | None = None) -> Sequence[int]:
        numbers = sorted(self.kept, reverse=True)
        return [it for it in numbers if before is None or it < before][:limit]

    async def tally(self, number: int) -> Tally | None:
        found = self.kept.get(number)
        if found is None:
            return None
        return Tally(
            deployment=replace(found, jobs=()),
            counts=Counter(job.state for job in found.jobs),
            changed=sum(_changed(job) for job in found.jobs if job.state is State.COMPLETE),
            waves=tuple(
                Wave(
                    number=number,
                    total=len(jobs),
                    done=sum(it.state.final and it.state is not State.HELD_BACK for it in jobs),
                    held_back=sum(it.state is State.HELD_BACK for it in jobs),
                )
                for number in sorted({job.device.wave for job in found.jobs})
                if (jobs := [job for job in found.jobs if job.device.wave == number])
            ),
        )

    async def jobs(
        self,
        number: int,
        *,
        limit: int,
        offset: int = 0,
        state: State | None = None,
        words: str = "",
    ) -> Sequence[Job]:
        order = {State.FAILED: 0, State.RUNNING: 1, State.PENDING: 2}
        found = [
            job
            for job in self.kept[number].jobs
            if (state is None or job.state is state) and words.lower() in job.device.name
        ]
        found.sort(key=lambda it: (order.get(it.state, 4 - _changed(it)), it.device.name))
        return found[offset : offset + limit]

    async def history_of(self, device: str, limit: int) -> Sequence[tuple[Deployment, Job]]:
        return [
            (replace(it, jobs=()), job)
            for it in await self.history()
            for job in it.jobs
            if job.device.name == device
        ][:limit]

    async def job(self, number: int) -> Job | None:
        return next((job for it in self.kept.values() for job in it.jobs if job.id == number), None)

    async def desired(self, digest: str) -> Desired | None:
        return self.texts.get(digest)

    async def cancel(self, number: int, reason: str, conclude: Conclude) -> Deployment:
        found = self.kept[number]
        if found.state.final:
            raise CancelRefused(f"deployment {number} is over")
        self.kept[number] = replace(found, state=State.CANCELLED, summary=reason)
        return self.kept[number]

    async def paused(self) -> Pause | None:
        return self.held

    async def pause(self, pause: Pause, conclude: Conclude) -> None:
        self.held = pause

    async def resume(self, conclude: Conclude) -> Pause | None:
        ended, self.held = self.held, None
        return ended

    async def states(self) -> Mapping[str, DeviceState]:
        if self.failing is not None:
            raise self.failing
        return self.devices

    async def state(self, name: str) -> DeviceState | None:
        return (await self.states()).get(name)

    async def record(self, state: DeviceState) -> None:
        self.devices[state.device.name] = state

    async def add(self, state: DeviceState, desired: Desired | None) -> None:
        if state.device.name in self.devices:
            raise DeviceExists(f"there is a device {state.device.name} already")
        self.devices[state.device.name] = state

    async def forget(self, names: Sequence[str]) -> None:
        for name in names:
            del self.devices[name]

    async def depth(self) -> QueueDepth:
        return self.queue

    async def alive(self) -> None:
        raise NotImplementedError


@dataclass
class Nobody:
    """Accounts without any user, session or token; what is done with http.token is kept."""

    done: list[Act] = field(default_factory=list)
    keys: list[SigningKey] = field(default_factory=list)

    async def users(self) -> Sequence[User]:
        return ()

    async def user(self, name: str) -> User | None:
        return None

    async def session(self, number: str) -> tuple[Session, User] | None:
        return None

    async def token(self, digest: str) -> Token | None:
        return None

    async def attempt(self, subjects: Mapping[str, Patience]) -> float:
        return 0.0

    async def forgive(self, subject: str, *, all_of_it: bool) -> None:
        """Nothing is counted here."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        return self.keys

    async def add_signing_key(self, key: SigningKey, *, drop_before: float) -> None:
        self.keys.insert(0, key)

    async def begin_act(self, act: Act) -> int:
        self.done.append(act)
        return len(self.done)

    async def end_act(self, number: int, result: str) -> None:
        self.done[number - 1] = replace(self.done[number - 1], result=result)


@dataclass
class Site:
    """A running server, a client of it, and what is behind it."""

    client: TestClient[Any, Any]
    store: Memory
    clock: StillClock
    metrics: Metrics
    reasons: dict[str, str]
    held_up: dict[str, str]
    asked: list[tuple[Mode, Sequence[str] | None, str]]
    wishes: list[Wish]


@dataclass
class Loudness:
    """How much would be logged."""

    level: str = "info"

    def set_level(self, level: str) -> None:
        self.level = level


@web.middleware
async def _held(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer of the API is as the table of calls says."""
    answer = await handler(request)
    call = calls.CALLS.get(roles.route(request))
    if call is not None and isinstance(answer, web.Response) and request.method != "HEAD":
        assert isinstance(answer.body, bytes)
        assert answer.status == call.status, (request.path, answer.status)
        trouble = calls.fault(call.answer, json.loads(answer.body))
        assert trouble is None, (request.path, trouble)
    return answer


def quick() -> Passwords:
    """Real argon2 that a test need not wait for."""
    return Passwords(memory=64, rounds=1)


@asynccontextmanager
async def site(store: Memory | None = None, **changes: Any) -> AsyncIterator[Site]:
    """Serve ``store``; ``changes`` replaces arguments of ``server.create``.

    Every answer is held to the OpenAPI document, unless ``held`` is False.
    """
    held = changes.pop("held", True)
    memory = store or Memory()
    clock = StillClock()
    metrics = Metrics(version="1.0")
    reasons: dict[str, str] = {}
    held_up: dict[str, str] = {}
    asked: list[tuple[Mode, Sequence[str] | None, str]] = []
    wishes: list[Wish] = []

    async def request(mode: Mode, names: Sequence[str] | None, cause: str) -> Deployment:
        asked.append((mode, names, cause))
        return Deployment(id=77, revision=Revision(sha="", ref="recorded"), mode=mode, cause=cause)

    async def rollback(wish: Wish) -> Deployment:
        wishes.append(wish)
        revision = Revision(sha="", ref=f"rollback/{wish.device}", title="rollback of a device")
        return Deployment(id=78, revision=revision, mode=Mode.ROLLBACK, cause=f"user {wish.by}")

    def conclude(it: Deployment) -> Conclusion:
        return Conclusion(state=it.state, summary=it.summary)

    async def configs() -> tuple[str, Mapping[str, int]]:
        if memory.failing is not None:
            raise memory.failing
        return SHA, {"configs/edge1.cfg": 512, "inventory.yaml": 99}

    async def show(path: str) -> tuple[str, str]:
        if path != "configs/edge1.cfg":
            raise NoSuchConfig(f"there is no {path}")
        return SHA, "hostname edge1\n"

    async def connect() -> str:
        return SHA

    async def backups(name: str) -> Sequence[Backup]:
        return [it for it in BACKUPS if it.device == name]

    async def backup(number: str) -> str:
        return CONFIG

    async def hide(text: str) -> str:
        return redact(text)

    async def differ(before: str, after: str | Desired) -> str:
        return DIFF if isinstance(after, Desired) else ""

    async def add(**words: Any) -> DeviceState:
        new = admission.device(**words)
        admission.admit(new, memory.devices, repository="acme/network-config")
        state = DeviceState(device=new)
        await memory.add(state, None)
        return state

    async def remove(name: str) -> bool:
        state = await memory.state(name)
        if state is not None and not state.device.added:
            raise admission.in_git(name, repository="acme/network-config")
        if state is not None:
            await memory.forget([name])
        return state is not None

    stack = AsyncExitStack()
    arguments: dict[str, Any] = {
        "triggers": memory,
        "deployments": memory,
        "glances": memory,
        "states": memory,
        "meter": memory,
        "brake": memory,
        "conclude": conclude,
        "accounts": Nobody(),
        "passwords": changes.get("passwords") or stack.enter_context(quick()),
        "configs": configs,
        "config": show,
        "connect": connect,
        "telemetry": metrics,
        "request": request,
        "rollback": rollback,
        "backups": backups,
        "add": add,
        "remove": remove,
        "loudness": Loudness(),
        "backup": backup,
        "hide": hide,
        "differ": differ,
        "ready": lambda: reasons,
        "held_up": lambda: held_up,
        "metrics": metrics.render,
        "clock": clock,
        "repository": "acme/network-config",
        "branch": "main",
        "token": Secret(TOKEN),
        "public_url": "https://catnet.example.net",
        "mode": Mode.PUSH,
        "version": "1.0",
        "commits": "https://github.com/acme/network-config/commit",
    }
    taken = {key: changes.pop(key) for key in _OF_THE_WEBHOOK & changes.keys()}
    arguments |= changes
    arguments.setdefault("webhook", _webhook(arguments, **taken).routes())
    application = server.create(**arguments)
    if held:
        application.middlewares.append(_held)
    async with stack, TestClient(TestServer(application)) as client:
        yield Site(
            client=client,
            store=memory,
            clock=clock,
            metrics=metrics,
            reasons=reasons,
            held_up=held_up,
            asked=asked,
            wishes=wishes,
        )


_OF_THE_WEBHOOK = {"verify", "max_bytes", "read_seconds"}


def _webhook(parts: Mapping[str, Any], **words: Any) -> Webhook:
    given: dict[str, Any] = {
        "verify": partial(events.verify, secrets=[WEBHOOK_SECRET]),
        "max_bytes": 3 * 1024 * 1024,
    }
    return Webhook(
        desk=Reception(
            triggers=parts["triggers"], telemetry=parts["telemetry"], clock=parts["clock"]
        ),
        interpret=events.interpret,
        repository="acme/network-config",
        branch="main",
        clock=parts["clock"],
        **(given | words),
    )


@asynccontextmanager
async def webhook_alone(**words: Any) -> AsyncIterator[Site]:
    """Only the webhook, as at a port of its own; ``words`` replaces arguments of `Webhook`."""
    memory, metrics, clock = Memory(), Metrics(version="1.0"), StillClock()
    parts = {"triggers": memory, "telemetry": metrics, "clock": clock}
    server = RawTestServer(_webhook(parts, **words).alone)
    client: TestClient[Any, Any] = TestClient(server)
    async with client:
        yield Site(
            client=client,
            store=memory,
            clock=clock,
            metrics=metrics,
            reasons={},
            held_up={},
            asked=[],
            wishes=[],
        )


@asynccontextmanager
async def peopled(accounts: Accounts, clock: Clock, **changes: Any) -> AsyncIterator[Site]:
    """The same with accounts that are kept, and a user of each role, named like it."""
    with quick() as passwords:
        hashed = await passwords.hash(PASSWORD)
        for role in Role:
            await accounts.add_user(User(name=role.value, role=role, password=hashed))
        given = {"accounts": accounts, "passwords": passwords, "clock": clock}
        async with site(filled(), **(given | changes)) as made:
            yield made


# --- a fleet -------------------------------------------------------------------------------------

DIFF = """\
 interface GigabitEthernet0/1
+ description uplink to core1 <script>alert(1)</script>
- description uplink
  ip access-group EDGE-IN in
-snmp-server community <secret hmac:9f1c> RO
+snmp-server community <secret changed hmac:ab12> RO
 router bgp 64500
+ neighbor 192.0.2.9 remote-as 64501
"""


CONFIG = "hostname core1\nenable secret 9 $9$verysecret\nsnmp-server community s3cr3t RO\nend\n"
BACKUPS = (
    Backup(
        id="core1/20260921T101010.000Z-0123456789abcdef",
        device="core1",
        taken_at=NOW - 3600,
        seen_at=NOW - 60,
        size=5120,
    ),
    Backup(
        id="core1/20260920T101010.000Z-fedcba9876543210",
        device="core1",
        taken_at=NOW - 90_000,
        seen_at=NOW - 80_000,
        size=5000,
        good=False,
    ),
)


def device(name: str, **more: Any) -> Device:
    given: dict[str, Any] = {
        "name": name,
        "host": "192.0.2.10",
        "site": "paris",
        "groups": ("edge",),
    }
    return Device(**(given | more))


def fleet() -> dict[str, DeviceState]:
    states = [
        DeviceState(
            device=device("edge1"),
            sync=Sync.OUT_OF_SYNC,
            health=Health.REACHABLE,
            seen_at=NOW - 42,
            revision=SHA,
            applied_at=NOW - 86_400,
            quarantined=SHA,
            note="line 14 of configs/edge1.cfg was refused: % 192.0.2.0 overlaps with"
            " GigabitEthernet0/0",
        ),
        DeviceState(
            device=device("core1", groups=("core",), site="lyon"),
            sync=Sync.IN_SYNC,
            health=Health.REACHABLE,
            seen_at=NOW - 310,
            revision=SHA,
            applied_at=NOW - 3600,
            desired="sha256:core1",
        ),
        DeviceState(
            device=device("access1", groups=(), site=""),
            sync=Sync.UNKNOWN,
            health=Health.UNREACHABLE,
            note="no answer from 192.0.2.10 port 22 within 15 s",
        ),
        *(
            DeviceState(
                device=device(f"branch{number:02}", groups=("branch",), site="remote"),
                sync=Sync.IN_SYNC,
                health=Health.REACHABLE,
                seen_at=NOW - 60 * number,
                revision=SHA,
                applied_at=NOW - 7200,
            )
            for number in range(1, 9)
        ),
    ]
    return {state.device.name: state for state in states}


def job(number: int, name: str, mode: Mode, revision: Revision, **more: Any) -> Job:
    return Job(
        id=number,
        deployment=more.pop("deployment", 41),
        device=device(name),
        mode=mode,
        revision=revision,
        desired="sha256:x",
        **more,
    )


def waved() -> Deployment:
    """A push in three waves: the second failed, so the third is held back."""
    main = Revision(sha=SHA, ref="branch/main", title="Raise the MTU of the uplinks", author="ada")
    done = Outcome(state=State.COMPLETE, changed=True, added=2, removed=1)
    bad = Outcome(
        state=State.FAILED,
        error="% Incomplete command. (configs/branch05.cfg:9)",
        error_code="line-refused",
        next_step="Correct the named line in the repository and push again.",
        restored=Restored.RESTORED,
    )
    held = Outcome(state=State.HELD_BACK, warnings=("held back: branch05 failed before",))
    stages = [(0, State.COMPLETE, done)] * 2 + [(1, State.COMPLETE, done)] * 2
    stages += [(1, State.FAILED, bad)] + [(2, State.HELD_BACK, held)] * 7
    jobs = []
    for number, (wave, state, outcome) in enumerate(stages, start=1):
        made = job(60 + number, f"branch{number:02}", Mode.PUSH, main, deployment=43)
        begun, ended = (None, None) if state is State.HELD_BACK else (NOW - 60, NOW - 52.5)
        it = replace(made.device, wave=wave)
        jobs.append(
            replace(made, device=it, state=state, outcome=outcome, started_at=begun, ended_at=ended)
        )
    return Deployment(
        id=43,
        revision=main,
        mode=Mode.PUSH,
        cause="push",
        state=State.FAILED,
        created_at=NOW - 70,
        ended_at=NOW - 50,
        summary="1 of 12 failed, 7 held back: branch05: % Incomplete command.",
        jobs=tuple(jobs),
    )


def filled() -> Memory:
    """A store with a failed push, a running one, a refused revision and a plan."""
    main = Revision(sha=SHA, ref="branch/main", title="Move edge1 to the new uplink", author="ada")
    good = Outcome(
        state=State.COMPLETE,
        changed=True,
        added=3,
        removed=2,
        diff=DIFF,
        commands=("interface GigabitEthernet0/1", " description uplink to core1"),
        reverse=("interface GigabitEthernet0/1", " description uplink"),
        warnings=("2 lines on the device are not managed by the repository",),
        transcript="edge1(config)#interface GigabitEthernet0/1",
        backup="core1/20260921T101010.000Z-0123456789abcdef",
        steps={"connect": 0.31, "read": 1.2, "arm": 0.2, "push": 2.4, "prove": 1.1, "save": 0.9},
    )
    bad = replace(
        good,
        state=State.FAILED,
        error="% 192.0.2.0 overlaps with GigabitEthernet0/0 (configs/edge1.cfg:14)",
        error_code="line-refused",
        next_step="Correct the named line in the repository and push again.",
        restored=Restored.RESTORED,
    )
    ended = {"state": State.COMPLETE, "started_at": NOW - 95, "ended_at": NOW - 88.5}
    failed = Deployment(
        id=41,
        revision=main,
        mode=Mode.PUSH,
        cause="push",
        state=State.FAILED,
        created_at=NOW - 100,
        ended_at=NOW - 80,
        summary="1 of 3 failed: edge1: % 192.0.2.0 overlaps with GigabitEthernet0/0",
        jobs=(
            job(1, "core1", Mode.PUSH, main, outcome=good, **ended),
            job(2, "edge1", Mode.PUSH, main, outcome=bad, **(ended | {"state": State.FAILED})),
            job(3, "branch01", Mode.PUSH, main, outcome=Outcome(state=State.COMPLETE), **ended),
        ),
    )
    running = Deployment(
        id=42,
        revision=replace(main, sha="b" * 40, title="Open NTP to the new servers"),
        mode=Mode.PUSH,
        cause="push",
        state=State.RUNNING,
        created_at=NOW - 8,
        summary="changing 8 devices",
        jobs=tuple(
            job(
                10 + number,
                f"branch{number:02}",
                Mode.PUSH,
                main,
                deployment=42,
                state=state,
                step=Step.PUSH if state is State.RUNNING else None,
                outcome=good if state is State.COMPLETE else None,
            )
            for number, state in enumerate(
                [State.COMPLETE] * 3 + [State.FAILED] + [State.RUNNING] * 2 + [State.PENDING] * 2,
                start=1,
            )
        ),
    )
    refused = Deployment(
        id=40,
        revision=replace(main, ref="pull/12", title="Add access2 <b>bold</b>"),
        mode=Mode.DRY_RUN,
        cause="pull-request",
        state=State.FAILED,
        created_at=NOW - 4000,
        ended_at=NOW - 3999,
        summary="inventory.yaml:14: devices.access2.hots: unknown key, did you mean host?",
        problems=(
            Problem(file="inventory.yaml", line=14, message="unknown key, did you mean host?"),
            Problem(file="configs/access2.cfg", line=0, message="is empty <script>"),
        ),
    )
    check = Deployment(
        id=39,
        revision=Revision(sha="", ref="recorded", title=""),
        mode=Mode.CHECK,
        cause="drift timer",
        state=State.COMPLETE,
        created_at=NOW - 90_000,
        ended_at=NOW - 89_990,
        summary="no drift on 11 devices",
        jobs=(
            job(
                30,
                "core1",
                Mode.CHECK,
                main,
                deployment=39,
                outcome=Outcome(state=State.COMPLETE),
                **ended,
            ),
        ),
    )
    return Memory(
        kept={it.id: it for it in (failed, running, refused, check)},
        devices=fleet(),
        texts={
            "sha256:core1": Desired(
                device=device("core1"), text=CONFIG, digest="sha256:core1", origins=("c:1",) * 4
            )
        },
        queue=QueueDepth(
            pending=2,
            running=2,
            triggers=0,
            outbox=4,
            outbox_age=75.0,
            given_up=2,
            given_up_at=NOW - 7200,
            refusal="GitHub refuses it.",
            polled_at=NOW,
        ),
    )
