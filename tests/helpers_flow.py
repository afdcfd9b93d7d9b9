"""The whole flow in one process over real parts: store, GitHub stand-in, simulated devices.

Nothing waits by itself: `settle` calls the steps of the loops until none of them finds work.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.app.beside import Beside
from catnet_controller.demo.standin import GithubStandIn, Sent
from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.transaction import Transactions
from catnet_controller.github.edge import Edge
from catnet_controller.github.events import Event, interpret
from catnet_controller.models import Claim, Deployment, DeviceState, Intent, Mode, Step, Trigger
from catnet_controller.pipeline.compare import Compare
from catnet_controller.pipeline.deploy import Deploy
from catnet_controller.pipeline.execute import Execute
from catnet_controller.pipeline.obey import Obey
from catnet_controller.pipeline.poll import Poll
from catnet_controller.pipeline.reconcile import BACK_ATTEMPTS, BACK_DELAY, Reconcile
from catnet_controller.pipeline.report import Report
from catnet_controller.pipeline.rollback import Rollback
from catnet_controller.policy import desired, verdict
from catnet_controller.policy.guard import Rules
from catnet_controller.policy.verdict import Wording
from catnet_controller.ports import Offload
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from catnet_controller.store.store import Store
from catnet_controller.telemetry.metrics import Metrics
from tests.helpers_github import RealClock

TOKEN = "token-of-the-flow"
PASSWORD = "password-of-the-devices"
BRANCH = "branch/main"

CONFIG = """\
hostname {name}
!
archive
 path flash:archive
 maximum 10
!
username catnet privilege 15 secret 9 $9$Z3cwL4vu/4/xBz$UNbImlQiL5hMjePXdbSLp35rxMIQWuUPZvfU1WQ8BuM
!
interface GigabitEthernet0/0
 description uplink
 ip address 10.0.0.1 255.255.255.0
!
interface GigabitEthernet0/1
 description spare
 no ip address
!
ip route 198.51.100.0 255.255.255.0 Null0
!
line con 0
line vty 0 4
 transport input ssh
!
"""


def config(name: str, *more: str) -> str:
    return CONFIG.format(name=name) + "".join(f"{line}\n" for line in more)


class Flow:
    """The parts, and the steps that a test takes through them."""

    def __init__(
        self,
        *,
        clock: RealClock,
        store: Store,
        github: GithubStandIn,
        edge: Edge,
        fleet: Fleet,
        devices: Transactions,
        mode: Mode,
        secrets: Mapping[str, str],
        retries: int,
        strict: bool,
        replan: bool,
        reverse: bool,
        environments: bool,
        statuses: int,
        offload: Offload,
        backups: Backups,
    ) -> None:
        self.clock = clock
        self.store = store
        self.github = github
        self.fleet = fleet
        self.metrics = Metrics(version="test")
        self.conclude = partial(
            verdict.conclude,
            wording=Wording(
                public_url="https://catnet.example.net",
                environments=environments,
                statuses_per_device=statuses,
            ),
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self.poll = Poll(
            branch="main",
            triggers=store,
            repository=edge.source,
            telemetry=self.metrics,
            timers=store,
            webhooks=True,
        )
        self.reconcile = Reconcile(
            branch="main",
            mode=mode,
            triggers=store,
            deployments=store,
            states=store,
            outbox=store,
            repository=edge.source,
            telemetry=self.metrics,
            clock=self.clock,
            conclude=self.conclude,
            offload=offload,
            heed=self._heard,
        )
        self.rollback = Rollback(
            branch="main",
            mode=mode,
            triggers=store,
            deployments=store,
            states=store,
            brake=store,
            repository=edge.source,
            backups=backups,
            conclude=self.conclude,
            offload=offload,
        )
        self.backups = backups
        self.offload = offload
        deploy = Deploy(
            jobs=store,
            deployments=store,
            plans=store,
            states=store,
            devices=devices,
            telemetry=self.metrics,
            clock=self.clock,
            conclude=self.conclude,
            compare=Compare(
                rules=Rules(), secrets=secrets, mark=b"mark", strict=strict, replan=replan
            ),
            retries=retries,
            allow_reverse=reverse,
            brake=store,
            offload=offload,
        )
        self.execute = Execute(jobs=store, work=deploy.work, concurrency=10, spawn=self._spawn)
        self.obey = Obey(
            branch="main",
            users=("ada",),
            teams=("network-ops",),
            repository=edge.source,
            crew=edge.crew,
            triggers=store,
            orders=store,
            deployments=store,
            glances=store,
            accounts=store,
            rollback=self.rollback.open,
            clock=self.clock,
            public_url="https://catnet.example.net",
        )
        self.edge = edge
        self.report = Report(
            branch="main",
            outbox=store,
            reporter=edge.reporter,
            repository=edge.source,
            clock=self.clock,
        )

    def _spawn(self, job: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(job, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _heard(self, trigger: Trigger) -> None:
        await self.obey.look(trigger)

    async def hear(self, sent: Sent, *, commands: bool = False) -> Event:
        """A webhook, as the daemon takes it."""
        event = interpret(
            sent.event,
            sent.guid,
            sent.body,
            repository=self.github.repository,
            branch="main",
            now=self.clock.now(),
            commands=commands,
        )
        await self.store.receive([(event.delivery, event.trigger)])
        return event

    async def settle(self) -> None:
        """Step every loop until none finds work and no job runs."""
        while True:
            busy = await self.reconcile.step()
            busy = await self.obey.step() or busy
            busy = await self.execute.step() or busy
            if self._tasks:
                await asyncio.wait(set(self._tasks))
                busy = True
            busy = await self.report.step() or busy
            if not busy:
                return

    async def trigger(
        self, ref: str = BRANCH, *, sha: str | None = None, force: bool = False
    ) -> None:
        await self.store.trigger(
            Trigger(ref=ref, reason="test", sha=sha, force=force, due_at=self.clock.now())
        )
        await self.settle()

    async def push(self, changes: Mapping[str, str | None]) -> str:
        """Commit to the branch and let the flow come to rest; the sha."""
        sha = await self.github.commit(changes, "Change", webhook=False)
        await self.trigger(sha=sha)
        return sha

    async def wait(self, seconds: float, *, times: int = 1) -> None:
        """Let time go by, and the flow come to rest each time."""
        for _ in range(times):
            self.clock.ahead += seconds
            await self.settle()

    async def forced(self, sha: str) -> None:
        """A forced push of the branch back to a former commit, and the doubt that it raises."""
        await self.github.force_push(sha, webhook=False)
        await self.trigger()
        await self.wait(BACK_DELAY + 1, times=BACK_ATTEMPTS)

    def device(self, name: str) -> SimulatedDevice:
        return self.fleet[name]

    async def state(self, name: str) -> DeviceState:
        return (await self.store.states())[name]

    async def last(self) -> Deployment:
        """The newest deployment, whole."""
        found = await self.store.deployment((await self.store.history(1))[0].id)
        assert found is not None
        return found

    def typed(self, name: str) -> list[str]:
        return [line for _, line in self.fleet[name].transcript()]

    def touched(self) -> list[str]:
        """The devices into which configuration mode was entered."""
        return [
            name
            for name in self.fleet.names
            if any(line.startswith("configure terminal") for line in self.typed(name))
        ]

    def said(self, sha: str) -> dict[str, tuple[str, str]]:
        return {
            context: (status.state, status.description)
            for context, status in self.github.statuses(sha).items()
        }


@contextlib.asynccontextmanager
async def flow(
    home: Path,
    *,
    names: tuple[str, ...] = ("a", "b"),
    mode: Mode = Mode.PUSH,
    secrets: Mapping[str, str] | None = None,
    retries: int = 0,
    strict: bool = False,
    replan: bool = False,
    logins: Mapping[str, Credential] | None = None,
    known: str = "",
    reverse: bool = False,
    environments: bool = False,
    statuses: int = 20,
    scale: float = 60.0,
    patience: float = 5.0,
) -> AsyncIterator[Flow]:
    """A flow whose devices have what the repository wants, before its first look.

    ``logins`` and ``known`` (lines of a known_hosts file) are for devices that are not simulated.
    ``scale`` is IOS seconds per second, ``patience`` how many seconds a device may be silent;
    ``statuses`` how many devices of a deployment may get one each.
    """
    clock = RealClock()
    async with contextlib.AsyncExitStack() as stack:
        specs = [DeviceSpec(name=name, config=config(name), password=PASSWORD) for name in names]
        fleet = await stack.enter_async_context(Fleet(specs, time_scale=scale))
        seed = home / "seed"
        (seed / "configs").mkdir(parents=True)
        (seed / "inventory.yaml").write_text(inventory(fleet))
        for name in names:
            (seed / "configs" / f"{name}.cfg").write_text(config(name))
        known_hosts = home / "known_hosts"
        lines = "".join(f"{fleet[name].known_hosts_line}\n" for name in names)
        known_hosts.write_text(lines + known)
        known_hosts.chmod(0o600)
        github = await stack.enter_async_context(
            GithubStandIn(token=TOKEN, webhook_secret="secret", home=home / "github", seed=seed)
        )
        store = await stack.enter_async_context(
            await Store.at(home / "state", clock=clock, worker="test")
        )
        edge = await stack.enter_async_context(
            Edge(
                repository=github.repository,
                branch="main",
                api_url=github.url,
                token=TOKEN,
                clock=clock,
                cache=home / "blobs",
                wanted=desired.wanted,
                timeout=5.0,
                write_spacing=0.0,
                pause=0.01,
            )
        )
        offload = stack.enter_context(Beside())
        backups = Backups(home / "backups", offload=offload)
        stack.callback(backups.close)
        devices = Transactions(
            credentials=Credentials(
                {"default": Credential(username="catnet", password=PASSWORD), **(logins or {})}
            ),
            hostkeys=HostKeys(known_hosts),
            backups=backups,
            clock=clock,
            offload=offload,
            connect_timeout=patience,
            command_timeout=patience,
            rollback_timeout=patience if patience < 5.0 else 90.0,
            minute=60.0 / scale,
            pause=0.05,
        )
        yield Flow(
            clock=clock,
            store=store,
            github=github,
            edge=edge,
            fleet=fleet,
            devices=devices,
            mode=mode,
            secrets=secrets or {},
            retries=retries,
            strict=strict,
            replan=replan,
            reverse=reverse,
            environments=environments,
            statuses=statuses,
            offload=offload,
            backups=backups,
        )
        assert not github.violations


def killed_at(it: Flow, step: Step, patch: pytest.MonkeyPatch) -> asyncio.Event:
    """The worker that begins this step is cancelled once the step is recorded, the first time.

    The event tells that it was.
    """
    record = it.store.checkpoint
    killed = asyncio.Event()

    async def checkpoint(claim: Claim, now: Step, intent: Intent | None = None) -> None:
        await record(claim, now, intent)
        if now is step and not killed.is_set():
            killed.set()
            raise asyncio.CancelledError

    patch.setattr(it.store, "checkpoint", checkpoint)
    return killed


def inventory(fleet: Fleet, *names: str) -> str:
    lines = ["devices:"]
    for name in names or fleet.names:
        lines += [f"  {name}:", "    host: 127.0.0.1", f"    port: {fleet[name].port}"]
    return "\n".join(lines) + "\n"
