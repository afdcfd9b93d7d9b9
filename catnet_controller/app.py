"""Builds every part once, by keyword arguments, and runs the loops; nothing else is wired anywhere.

Settings come in; a running daemon, or the answer to one command, goes out. This is the only
module that waits between steps, reads the clock of the machine and hears signals.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog
from aiohttp import web

from catnet_controller import __version__
from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.transaction import Transactions
from catnet_controller.errors import Blocked, CatnetError, Refused, SettingsInvalid
from catnet_controller.github import events
from catnet_controller.github.edge import Edge
from catnet_controller.models import (
    Deployment,
    Desired,
    Fallback,
    Intent,
    Mode,
    Outcome,
    Revision,
    Snapshot,
    Step,
)
from catnet_controller.pipeline import checkout
from catnet_controller.pipeline import snapshot as snapshots
from catnet_controller.pipeline.compare import Compare, failed
from catnet_controller.pipeline.deploy import Deploy
from catnet_controller.pipeline.drift import Drift
from catnet_controller.pipeline.execute import Execute
from catnet_controller.pipeline.poll import Poll
from catnet_controller.pipeline.reconcile import Reconcile
from catnet_controller.pipeline.report import Report
from catnet_controller.pipeline.request import request
from catnet_controller.policy import desired, verdict
from catnet_controller.policy.guard import Rules
from catnet_controller.policy.verdict import Wording
from catnet_controller.ports import Clock
from catnet_controller.settings import Login, Secret, Settings
from catnet_controller.store.store import Store
from catnet_controller.telemetry.metrics import Metrics
from catnet_controller.web import server

log = structlog.get_logger(__name__)

LEASE = 60.0
"""Seconds a worker owns a device without a sign of life."""
IDLE = 1.0
"""Longest wait of a loop that the store wakes, in seconds: a net, not the mechanism."""
KEEPALIVE = 30.0
"""Seconds an idle HTTP connection is kept; it also bounds a client that never ends its headers."""
FLUSH = 10.0
"""Seconds the outbox gets at the end to deliver the last statuses."""
MEASURE = 5.0
"""Seconds between two looks at how much waits."""
PRUNE = 3600.0
"""Seconds between two rounds of housekeeping."""
KEEP_DEPLOYMENTS = 100
"""Deployments that housekeeping never removes, however old."""


T = TypeVar("T")
_Loop = tuple[str, Callable[[], Awaitable[bool]], Callable[[], Awaitable[None]]]
"""A name, a step that says whether it found work, and how to wait when it found none."""


class SystemClock:
    """The machine's clock, as ports.Clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Beside:
    """One thread for pure work that takes long, as ports.Offload; a context."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, work: Callable[[], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What a plan says of one device: its outcome, with the diff redacted."""

    device: str
    outcome: Outcome


async def run(settings: Settings) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    The first signal drains: nothing new is taken, jobs under way end, statuses go out. The second
    stops at once; what was under way is recovered at the next start. Raises StoreFailed when
    another daemon has the store, SecretMissing and SettingsInvalid before anything is touched.
    """
    daemon = Daemon(settings)
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, daemon.stop)
    try:
        await daemon.run()
    finally:
        for which in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(which)


class Daemon:
    """Every part of the daemon, and its life from ready to drained."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._conclude = partial(
            verdict.conclude,
            wording=Wording(
                public_url=settings.http.url,
                statuses_per_device=settings.deploy.statuses_per_device,
            ),
        )
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._store_trouble: str | None = None
        self._access_trouble: str | None = None

    def stop(self) -> None:
        """Drain; called again, stop at once."""
        if self._stopping.is_set() and self._task is not None:
            log.warning("stopping at once")
            self._task.cancel()
            return
        log.info("draining; a second signal stops at once")
        self._stopping.set()

    async def run(self) -> None:
        settings = self._settings
        self._task = asyncio.current_task()
        async with contextlib.AsyncExitStack() as stack:
            self._metrics = Metrics(version=__version__)
            self._store = await stack.enter_async_context(
                await Store.at(
                    settings.store.path,
                    clock=self._clock,
                    lease=LEASE,
                    worker=_worker(),
                    conclude=self._conclude,
                )
            )
            self._github = await stack.enter_async_context(
                _edge(settings, self._clock, self._metrics.rate_limit)
            )
            self._devices = stack.enter_context(_devices(settings, self._clock))
            self._offload = stack.enter_context(Beside())
            freed = await self._store.free_leases()
            log.info("store open", path=str(settings.store.path), interrupted_jobs=freed)
            for state in (await self._store.states()).values():
                self._metrics.device_state(state)
            await self._live()
        log.info("stopped")

    async def _live(self) -> None:
        """Loops in one group, jobs in another inside it, so that draining is leaving a block."""
        async with asyncio.TaskGroup() as service:
            self._build_loops()
            site = await self._listen()
            loops = [
                service.create_task(self._drive(name, step, pause), name=name)
                for name, step, pause in self._intake()
            ]
            carriers = [
                service.create_task(self._drive(name, step, pause), name=name)
                for name, step, pause in self._output()
            ]
            if "WATCHDOG_USEC" in os.environ:
                carriers.append(service.create_task(self._watchdog(), name="watchdog"))
            async with asyncio.TaskGroup() as work:
                self._execute = self._executor(work)
                claiming = service.create_task(
                    self._drive("execute", self._execute.step, self._woken), name="execute"
                )
                self._notify(f"READY=1\nSTATUS=listening on {self._settings.http.listen}")
                log.info("ready", listen=str(self._settings.http.listen), version=__version__)
                await self._stopping.wait()
                self._notify("STOPPING=1")
                self._execute.drain()
                for task in (*loops, claiming):
                    task.cancel()
            await self._flush()
            for task in carriers:
                task.cancel()
            await site.cleanup()

    # --- the parts -----------------------------------------------------------------------------

    def _build_loops(self) -> None:
        settings, store, clock = self._settings, self._store, self._clock
        self._poll = Poll(
            branch=settings.github.branch,
            triggers=store,
            repository=self._github.source,
            telemetry=self._metrics,
        )
        self._reconcile = Reconcile(
            branch=settings.github.branch,
            mode=settings.deploy.mode,
            triggers=store,
            deployments=store,
            states=store,
            repository=self._github.source,
            telemetry=self._metrics,
            clock=clock,
            conclude=self._conclude,
            offload=self._offload,
        )
        self._report = Report(outbox=store, reporter=self._github.reporter, clock=clock)
        self._drift = Drift(
            interval=settings.drift.interval,
            deployments=store,
            states=store,
            conclude=self._conclude,
            clock=clock,
        )

    def _executor(self, work: asyncio.TaskGroup) -> Execute:
        settings, store = self._settings, self._store
        deploy = Deploy(
            jobs=store,
            deployments=store,
            states=store,
            devices=self._devices,
            telemetry=self._metrics,
            clock=self._clock,
            conclude=self._conclude,
            compare=_compare(settings),
            retries=settings.deploy.retries,
            allow_reverse=settings.deploy.fallback is Fallback.REVERSE,
            offload=self._offload,
        )

        def spawn(job: Coroutine[Any, Any, None], name: str) -> object:
            return work.create_task(job, name=name)

        return Execute(
            jobs=store, work=deploy.work, concurrency=settings.deploy.concurrency, spawn=spawn
        )

    async def _listen(self) -> web.AppRunner:
        settings = self._settings
        application = server.create(
            triggers=self._store,
            deployments=self._store,
            states=self._store,
            meter=self._store,
            telemetry=self._metrics,
            verify=_verifier(settings),
            interpret=events.interpret,
            request=self._request,
            repository=settings.github.repository,
            branch=settings.github.branch,
            token=settings.http.token,
            ready=self._unready,
            metrics=self._metrics.render,
            clock=self._clock,
            public_url=settings.http.url,
            mode=settings.deploy.mode,
            version=__version__,
            commits=_commits(settings),
            max_bytes=settings.http.webhook_max_bytes,
        )
        runner = web.AppRunner(
            application, access_log=None, handle_signals=False, keepalive_timeout=KEEPALIVE
        )
        await runner.setup()
        listen = settings.http.listen
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            await runner.cleanup()
            raise SettingsInvalid(
                f"http.listen: cannot listen on {listen}: {error.strerror or error}",
                next_step="Choose a free address and port in catnet.yaml.",
            ) from error
        return runner

    # --- the loops -----------------------------------------------------------------------------

    def _intake(self) -> Sequence[_Loop]:
        """What brings work in; ended first."""
        return (
            ("poll", self._poll.step, self._until_next_poll),
            ("reconcile", self._reconcile.step, self._woken),
            ("drift", self._drift.step, partial(asyncio.sleep, IDLE)),
            ("access", self._check_access, partial(asyncio.sleep, PRUNE)),
            ("housekeeping", self._prune, partial(asyncio.sleep, PRUNE)),
        )

    def _output(self) -> Sequence[_Loop]:
        """What jobs under way still need; ended last."""
        return (
            ("report", self._report.step, self._woken),
            ("heartbeat", self._beat, partial(asyncio.sleep, LEASE / 4)),
            ("measure", self._measure, partial(asyncio.sleep, MEASURE)),
        )

    async def _drive(
        self, name: str, step: Callable[[], Awaitable[bool]], pause: Callable[[], Awaitable[None]]
    ) -> None:
        """The one loop that waits. No error of a step ends it: the next look may succeed."""
        while True:
            busy = False
            try:
                busy = await step()
            except CatnetError as error:
                log.error("step failed", loop=name, code=error.code, error=error.message)
                await asyncio.sleep(IDLE)
            except Exception:
                log.exception("step failed", loop=name)
                await asyncio.sleep(IDLE)
            if not busy:
                await pause()

    async def _woken(self) -> None:
        await self._store.work.wait(IDLE)

    async def _until_next_poll(self) -> None:
        interval = self._settings.github.poll_interval
        # Jitter keeps many daemons from asking GitHub in the same second.
        await asyncio.sleep(interval * (0.9 + secrets.randbelow(200) / 1000))

    async def _beat(self) -> bool:
        return await self._execute.heartbeat()

    async def _measure(self) -> bool:
        try:
            await self._store.alive()
        except CatnetError as error:
            self._store_trouble = error.message
            raise
        self._store_trouble = None
        self._metrics.depth(await self._store.depth())
        return False

    async def _check_access(self) -> bool:
        """Whether the repository is the configured one and takes statuses from this token."""
        try:
            await self._github.verify_access()
        except Blocked as error:
            self._access_trouble = f"{error.message} {error.next_step}"
            log.error("GitHub access", code=error.code, error=self._access_trouble)
        except CatnetError as error:
            log.warning("GitHub access not checked", code=error.code, error=error.message)
        else:
            self._access_trouble = None
        return False

    async def _prune(self) -> bool:
        before = self._clock.now() - self._settings.store.keep_days * 86400.0
        removed = await self._store.prune(before=before, keep_deployments=KEEP_DEPLOYMENTS)
        log.info("housekeeping", removed=removed)
        return False

    async def _flush(self) -> None:
        """The last statuses, as far as GitHub takes them in time; the rest waits in the outbox."""
        with contextlib.suppress(TimeoutError, CatnetError):
            async with asyncio.timeout(FLUSH):
                while await self._report.step():
                    pass

    # --- what the outside asks -----------------------------------------------------------------

    async def _request(self, mode: Mode, devices: Sequence[str] | None, cause: str) -> Deployment:
        return await request(
            deployments=self._store,
            states=self._store,
            conclude=self._conclude,
            mode=mode,
            devices=devices,
            cause=cause,
        )

    def _unready(self) -> Mapping[str, str]:
        """Why this daemon does not do its work, by part; empty when it does.

        What GitHub refuses is here; that it is away for a while is not: webhooks are still taken.
        """
        reasons = {
            "daemon": "stopping" if self._stopping.is_set() else None,
            "store": self._store_trouble,
            "github": self._access_trouble or self._poll.trouble,
        }
        return {part: reason for part, reason in reasons.items() if reason}

    # --- systemd -------------------------------------------------------------------------------

    def _notify(self, state: str) -> None:
        """Tell the service manager (sd_notify(3): one datagram to $NOTIFY_SOCKET)."""
        address = os.environ.get("NOTIFY_SOCKET")
        if not address:
            return
        if address.startswith("@"):
            address = f"\0{address[1:]}"
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager,
        ):
            manager.sendto(state.encode(), address)

    async def _watchdog(self) -> None:
        """Sign of life in half the interval that systemd asks for (sd_watchdog_enabled(3))."""
        interval = int(os.environ["WATCHDOG_USEC"]) / 2_000_000
        while True:
            self._notify("WATCHDOG=1")
            await asyncio.sleep(interval)


async def plan(
    settings: Settings, *, path: Path | None, devices: Sequence[str]
) -> tuple[Snapshot, list[PlanResult]]:
    """Compare devices with a config repository now, from this process; nothing is typed.

    ``path`` is a checkout; None reads the branch on GitHub. ``devices`` empty means all. Raises
    Refused for an unknown device. A snapshot with problems comes back without results.
    """
    clock = SystemClock()
    snapshot = await _snapshot(settings, path, clock)
    if snapshot.problems:
        return snapshot, []
    unknown = sorted(set(devices) - snapshot.desired.keys())
    if unknown:
        raise Refused(
            f"not in inventory.yaml: {', '.join(unknown)}",
            next_step=f"Known devices: {', '.join(snapshot.desired)}.",
        )
    chosen = [snapshot.desired[name] for name in devices or snapshot.desired]
    compare = _compare(settings)
    limit = asyncio.Semaphore(settings.deploy.concurrency)

    async def one(wanted: Desired, reader: Transactions) -> PlanResult:
        async with limit:
            try:
                reading = await reader.read(wanted.device, _unrecorded)
                outcome, _ = compare.look(wanted, None, reading)
            except CatnetError as error:
                outcome = failed(error)
        return PlanResult(device=wanted.device.name, outcome=outcome)

    with _devices(settings, clock) as reader:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(wanted, reader)) for wanted in chosen]
    return snapshot, [task.result() for task in tasks]


async def _unrecorded(_: Step, __: Intent | None = None) -> None:
    """The checkpoint of a look that no job stands behind."""


async def _snapshot(settings: Settings, path: Path | None, clock: Clock) -> Snapshot:
    if path is not None:
        return desired.build(checkout.files(path), Revision(sha="", ref="folder"))
    async with _edge(settings, clock, lambda _: None) as github:
        branch = settings.github.branch
        head = await github.source.head(branch)
        assert head is not None, "an unconditional look always has an answer"
        with Beside() as offload:
            return await snapshots.take(github.source, offload, head.sha, f"branch/{branch}")


# --- from settings to parts --------------------------------------------------------------------


def _rules(settings: Settings) -> Rules:
    return Rules(
        allow_management_changes=settings.deploy.allow_management_changes,
        max_removed_percent=settings.deploy.max_removed_percent,
    )


def _compare(settings: Settings) -> Compare:
    return Compare(
        rules=_rules(settings),
        secrets={name: secret.reveal() for name, secret in settings.secrets.items()},
        mark=_mark(settings.store.path),
    )


def _mark(folder: Path) -> bytes:
    """The key that marks secrets in redacted text, made once and kept beside the store."""
    path = folder / "mark.key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_bytes(32)
    with (
        contextlib.suppress(FileExistsError),
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
    ):
        file.write(key)
    return path.read_bytes()


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _verifier(settings: Settings) -> Callable[[bytes, str | None], bool] | None:
    """None without a secret: then no webhook is taken, and the branch is only polled."""
    keys = [each.reveal().encode() for each in settings.github.webhook_secrets]
    if not keys:
        return None
    return partial(events.verify, secrets=keys)


def _commits(settings: Settings) -> str:
    """What the address of a commit begins with, for people (GHES serves its API at /api/v3)."""
    api = settings.github.api_url
    site = "https://github.com" if api == "https://api.github.com" else api.removesuffix("/api/v3")
    return f"{site}/{settings.github.repository}/commit/"


def _edge(settings: Settings, clock: Clock, on_rate_limit: Callable[[int], None]) -> Edge:
    github = settings.github
    return Edge(
        repository=github.repository,
        branch=github.branch,
        api_url=github.api_url,
        token=github.token.reveal,
        clock=clock,
        cache=settings.store.path / "blobs",
        wanted=desired.wanted,
        timeout=github.timeout,
        write_spacing=github.write_spacing,
        on_rate_limit=on_rate_limit,
    )


@contextlib.contextmanager
def _devices(settings: Settings, clock: Clock) -> Iterator[Transactions]:
    devices = settings.devices
    backups = Backups(settings.store.path / "backups")
    try:
        yield Transactions(
            credentials=Credentials(
                {name: _credential(login) for name, login in devices.credentials.items()}
            ),
            hostkeys=HostKeys(devices.known_hosts),
            backups=backups,
            clock=clock,
            revert_minutes=settings.deploy.revert_minutes,
            connect_timeout=devices.connect_timeout,
            command_timeout=devices.command_timeout,
        )
    finally:
        backups.close()


def _credential(login: Login) -> Credential:
    def shown(secret: Secret | None) -> str | None:
        return secret.reveal() if secret is not None else None

    return Credential(
        username=login.username,
        password=shown(login.password) or "",
        enable=shown(login.enable),
        private_key=login.private_key,
        passphrase=shown(login.passphrase),
    )
