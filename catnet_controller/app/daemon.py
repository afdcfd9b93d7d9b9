"""The daemon: every loop, from ready to drained; the only place that waits between steps."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from catnet_controller import __version__
from catnet_controller.app import wiring
from catnet_controller.app.beside import Beside
from catnet_controller.app.comparing import Comparing
from catnet_controller.app.machine import SystemClock
from catnet_controller.app.receiver import Receiver
from catnet_controller.errors import Blocked, CatnetError, GuardRefused, SettingsInvalid
from catnet_controller.github import events
from catnet_controller.models import (
    Deployment,
    DeviceState,
    Fallback,
    Mode,
    Trigger,
)
from catnet_controller.pipeline.adding import Adding
from catnet_controller.pipeline.configs import Configs
from catnet_controller.pipeline.deploy import Deploy
from catnet_controller.pipeline.drift import Drift
from catnet_controller.pipeline.execute import Execute
from catnet_controller.pipeline.nightly import Nightly
from catnet_controller.pipeline.obey import Obey
from catnet_controller.pipeline.poll import Poll
from catnet_controller.pipeline.reconcile import Reconcile
from catnet_controller.pipeline.report import REVIVED, Report
from catnet_controller.pipeline.request import request
from catnet_controller.pipeline.rollback import Rollback
from catnet_controller.pipeline.watch import Watch
from catnet_controller.policy import admission, verdict
from catnet_controller.policy.verdict import Wording
from catnet_controller.settings import Listen, Settings
from catnet_controller.telemetry.logs import Logs
from catnet_controller.telemetry.metrics import Metrics
from catnet_controller.web import server, webhook
from catnet_controller.web.passwords import Passwords
from catnet_controller.web.reception import Reception

log = structlog.get_logger(__name__)

HEARTBEAT = 5.0
"""Seconds between two signs of life; a lease is several times as long."""
IDLE = 1.0
"""Longest wait of a loop that the store wakes, in seconds: a net, not the mechanism."""
KEEPALIVE = 30.0
"""Seconds an idle HTTP connection is kept; it also bounds a client that never ends its headers."""
FLUSH = 10.0
"""Seconds the outbox gets at the end to deliver the last statuses."""
MEASURE = 5.0
"""Seconds between two looks at how much waits."""
NEXT = 5.0
"""Longest time, in seconds, between two looks at whether a duty is free."""
LOOK = 60.0
"""Seconds between two looks at whether it is time for housekeeping."""
PRUNE = 3600.0
"""Seconds between two rounds of housekeeping."""
KEEP_DEPLOYMENTS = 100
"""Deployments that housekeeping never removes, however old."""


_Loop = tuple[str, Callable[[], Awaitable[bool]], Callable[[], Awaitable[None]]]
"""A name, a step that says whether it found work, and how to wait when it found none."""


async def run(settings: Settings, *, logs: Logs) -> None:
    """Run the daemon until SIGTERM or SIGINT. ``logs`` hears of secrets that appear meanwhile.

    The first signal drains: nothing new is taken, jobs under way end, statuses go out. The second
    stops at once; what was under way is recovered at the next start. Raises StoreFailed when
    another daemon has the store, SecretMissing and SettingsInvalid before anything is touched.
    """
    daemon = Daemon(settings, logs=logs)
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

    def __init__(self, settings: Settings, *, logs: Logs) -> None:
        self._settings = settings
        self._logs = logs
        self._clock = SystemClock()
        self._conclude = partial(
            verdict.conclude,
            wording=Wording(
                public_url=settings.http.url,
                statuses_per_device=settings.deploy.statuses_per_device,
                environments=settings.github.deployments,
            ),
        )
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._store_trouble: str | None = None
        self._access_trouble: str | None = None
        self._access_seen = False
        self._receiver: Receiver | None = None

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
                await wiring.store(settings, self._clock, self._conclude)
            )
            self._github = await stack.enter_async_context(
                wiring.edge(settings, self._clock, self._metrics.rate_limit)
            )
            self._offload = stack.enter_context(Beside())
            self._backups = stack.enter_context(wiring.backups(settings, self._offload))
            self._devices = wiring.devices(
                settings,
                self._clock,
                self._offload,
                self._backups,
                count=self._metrics.host_key,
                sessions=self._metrics.sessions,
                hide=self._logs.hide,
            )
            self._store.on_ended(self._metrics.deployment_ended)
            freed = await self._store.free_leases()
            log.info("store open", path=str(settings.store.path), interrupted_jobs=freed)
            for state in (await self._store.states()).values():
                self._metrics.device_state(state)
            self._build_loops()
            await self._listen(stack)
            await self._live()
        log.info("stopped")

    async def _live(self) -> None:
        """Loops in one group, jobs in another inside it, so that draining is leaving a block."""
        async with asyncio.TaskGroup() as service:
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
        with contextlib.suppress(CatnetError):
            await self._store.leave_duties()

    # --- the parts -----------------------------------------------------------------------------

    def _build_loops(self) -> None:
        settings, store, clock = self._settings, self._store, self._clock
        self._poll = Poll(
            branch=settings.github.branch,
            triggers=store,
            repository=self._github.source,
            telemetry=self._metrics,
            timers=store,
            webhooks=bool(settings.github.webhook_secrets),
        )
        self._reconcile = Reconcile(
            branch=settings.github.branch,
            mode=settings.deploy.mode,
            triggers=store,
            deployments=store,
            states=store,
            outbox=store,
            repository=self._github.source,
            telemetry=self._metrics,
            clock=clock,
            conclude=self._conclude,
            offload=self._offload,
            heed=self._heard,
        )
        self._report = Report(
            branch=settings.github.branch,
            outbox=store,
            reporter=self._github.reporter,
            repository=self._github.source,
            clock=clock,
        )
        self._drift = Drift(
            interval=settings.drift.interval,
            deployments=store,
            states=store,
            conclude=self._conclude,
            timers=store,
        )
        self._rollback = Rollback(
            branch=settings.github.branch,
            mode=settings.deploy.mode,
            triggers=store,
            deployments=store,
            states=store,
            brake=store,
            repository=self._github.source,
            backups=self._backups,
            conclude=self._conclude,
            offload=self._offload,
        )
        wanted = settings.github.commands
        self._obey = Obey(
            branch=settings.github.branch,
            users=wanted.users,
            teams=wanted.teams,
            repository=self._github.source,
            crew=self._github.crew,
            triggers=store,
            orders=store,
            deployments=store,
            glances=store,
            accounts=store,
            rollback=self._rollback.open,
            clock=clock,
            public_url=settings.http.url,
        )
        self._configs = Configs(
            branch=settings.github.branch,
            triggers=store,
            repository=self._github.source,
            kept=self._github.source.kept,
        )
        self._adding = Adding(
            repository=settings.github.repository,
            branch=settings.github.branch,
            states=store,
            configs=self._configs,
            offload=self._offload,
            telemetry=self._metrics,
        )
        self._watch = Watch(
            branch=settings.github.branch,
            triggers=store,
            glances=store,
            states=store,
            outbox=store,
            public_url=settings.http.url,
        )
        self._nightly = Nightly(
            interval=settings.backups.interval,
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
            plans=store,
            states=store,
            devices=self._devices,
            telemetry=self._metrics,
            clock=self._clock,
            conclude=self._conclude,
            compare=wiring.compare(settings),
            retries=settings.deploy.retries,
            allow_reverse=settings.deploy.fallback is Fallback.REVERSE,
            offload=self._offload,
            brake=store,
        )

        def spawn(job: Coroutine[Any, Any, None], name: str) -> object:
            return work.create_task(job, name=name)

        return Execute(
            jobs=store, work=deploy.work, concurrency=settings.deploy.concurrency, spawn=spawn
        )

    async def _listen(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        comparing = Comparing(compare=wiring.compare(settings), offload=self._offload)
        application = server.create(
            triggers=self._store,
            deployments=self._store,
            glances=self._store,
            states=self._store,
            meter=self._store,
            accounts=self._store,
            passwords=stack.enter_context(Passwords()),
            session_seconds=settings.http.session,
            telemetry=self._metrics,
            webhook=await self._webhook(stack),
            request=self._request,
            rollback=self._rollback.open,
            backups=self._backups.list,
            add=self._add,
            remove=self._adding.remove,
            loudness=self._logs,
            trusted=settings.http.trusted_proxies,
            backup=self._backups.read,
            hide=comparing.hide,
            differ=comparing.differ,
            brake=self._store,
            conclude=self._conclude,
            configs=self._configs.listed,
            config=self._configs.show,
            connect=self._connect,
            repository=settings.github.repository,
            branch=settings.github.branch,
            token=settings.http.token,
            ready=self._unready,
            held_up=self._held_up,
            metrics=self._scraped,
            clock=self._clock,
            public_url=settings.http.url,
            mode=settings.deploy.mode,
            version=__version__,
            commits=wiring.commits(settings),
        )
        runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=KEEPALIVE,
            shutdown_timeout=FLUSH,
        )
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        listen = settings.http.listen
        with _taking("http.listen", listen):
            await web.TCPSite(runner, listen.host, listen.port).start()

    async def _webhook(self, stack: contextlib.AsyncExitStack) -> Sequence[web.RouteDef]:
        """Its routes here; a port of its own is another process's."""
        settings = self._settings
        reception = Reception(triggers=self._store, telemetry=self._metrics, clock=self._clock)
        listen = settings.http.webhook_listen
        if settings.github.webhook_secrets and listen != settings.http.listen:
            if listen.overlaps(settings.http.listen):
                raise SettingsInvalid(
                    f"http.webhook_listen {listen} and http.listen {settings.http.listen} have one"
                    " port and different addresses",
                    next_step="Choose another port for one of them, or set both to the same.",
                )
            receiver = wiring.receiver(
                settings, listen, reception, self._clock, keepalive=KEEPALIVE
            )
            with _taking("http.webhook_listen", listen):
                self._receiver = await stack.enter_async_context(receiver)
            return webhook.elsewhere(reception)
        return webhook.Webhook(
            desk=reception,
            verify=wiring.verifier(settings),
            interpret=partial(events.interpret, commands=settings.github.commands.enabled),
            repository=settings.github.repository,
            branch=settings.github.branch,
            clock=self._clock,
            max_bytes=settings.http.webhook_max_bytes,
            trusted=settings.http.trusted_proxies,
        ).routes()

    # --- the loops -----------------------------------------------------------------------------

    def _intake(self) -> Sequence[_Loop]:
        """What brings work in; ended first."""
        return (
            ("poll", self._duty("poll", self._poll.step), self._until_next_poll),
            ("reconcile", self._duty("reconcile", self._reconcile.step), self._woken),
            ("obey", self._duty("reconcile", self._obeyed), self._woken),
            ("drift", self._drift.step, partial(asyncio.sleep, IDLE)),
            ("nightly", self._duty("nightly", self._nightly.step), partial(asyncio.sleep, IDLE)),
            ("watch", self._duty("watch", self._watched), partial(asyncio.sleep, MEASURE)),
            ("access", self._check_access, partial(asyncio.sleep, PRUNE)),
            ("housekeeping", self._prune_in_time, partial(asyncio.sleep, LOOK)),
            ("wake", self._store.listen, partial(asyncio.sleep, IDLE)),
        )

    def _output(self) -> Sequence[_Loop]:
        """What jobs under way still need; ended last."""
        return (
            ("report", self._duty("report", self._report.step), self._woken),
            ("heartbeat", self._beat, partial(asyncio.sleep, HEARTBEAT)),
            ("measure", self._measure, partial(asyncio.sleep, MEASURE)),
            *self._receiving(),
        )

    def _receiving(self) -> Sequence[_Loop]:
        """Also while jobs under way end: what is heard then is done at the next start."""
        if self._receiver is None:
            return ()
        return (("receive", self._receiver.live, partial(asyncio.sleep, IDLE)),)

    def _duty(
        self, name: str, step: Callable[[], Awaitable[bool]]
    ) -> Callable[[], Awaitable[bool]]:
        """The step, done by one of the daemons that share the store."""

        async def when_mine() -> bool:
            return await self._store.mine(name) and await step()

        return when_mine

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
                await self._rest(pause)

    async def _rest(self, pause: Callable[[], Awaitable[None]]) -> None:
        try:
            await pause()
        except CatnetError:
            # The step meets the same trouble and tells of it.
            await asyncio.sleep(IDLE)

    async def _woken(self) -> None:
        await self._store.work.wait(IDLE)

    async def _until_next_poll(self) -> None:
        interval = self._settings.github.poll_interval
        if not await self._store.mine("poll"):
            # Near enough to see that the one who polls is gone.
            interval = min(interval, NEXT)
        # Jitter keeps many daemons from asking GitHub in the same second.
        await asyncio.sleep(interval * (0.9 + secrets.randbelow(200) / 1000))

    async def _beat(self) -> bool:
        await self._store.keep_duties()
        return await self._execute.heartbeat()

    async def _heard(self, trigger: Trigger) -> None:
        if self._settings.github.commands.enabled:
            await self._obey.look(trigger)
        else:
            # Heard before the setting was switched off.
            await self._store.settle(trigger)

    async def _obeyed(self) -> bool:
        return await self._obey.step() if self._settings.github.commands.enabled else False

    async def _watched(self) -> bool:
        wanted = self._settings.github.issues and self._settings.deploy.mode is Mode.PUSH
        return await self._watch.step() if wanted else False

    async def _measure(self) -> bool:
        try:
            await self._store.alive()
        except CatnetError as error:
            self._store_trouble = error.message
            raise
        self._store_trouble = None
        self._metrics.depth(await self._store.depth())
        self._metrics.paused(await self._store.paused() is not None)
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
            since = self._clock.now() - REVIVED
            if self._access_trouble is not None or not self._access_seen:
                revived = await self._store.revive(since)
                log.info("GitHub access", reports_tried_again=revived)
            elif await self._store.ring("probe", PRUNE):
                # That a permission was given which was missing alone, only a report finds out.
                await self._store.probe(since)
            self._access_trouble, self._access_seen = None, True
        return False

    async def _prune_in_time(self) -> bool:
        """By one of the daemons that share the store."""
        return await self._store.ring("housekeeping", PRUNE) and await self._prune()

    async def _prune(self) -> bool:
        before = self._clock.now() - self._settings.store.keep_days * 86400.0
        removed = await self._store.prune(before=before, keep_deployments=KEEP_DEPLOYMENTS)
        backups = await self._backups.prune(
            before=self._clock.now() - self._settings.backups.keep_days * 86400.0,
            keep=self._settings.backups.keep_count,
            spare=await self._store.held_backups(),
        )
        removed += await self._store.prune_accounts(
            audit_before=self._clock.now() - self._settings.store.audit_days * 86400.0
        )
        with contextlib.suppress(CatnetError):  # a lane that hangs: the next time will do
            removed += await self._github.source.prune(before)
        log.info("housekeeping", removed=removed, backups=backups)
        return False

    async def _flush(self) -> None:
        """The last statuses, as far as GitHub takes them in time; the rest waits in the outbox."""
        with contextlib.suppress(TimeoutError, CatnetError):
            async with asyncio.timeout(FLUSH):
                while await self._report.step():
                    pass

    # --- what the outside asks -----------------------------------------------------------------

    async def _request(self, mode: Mode, devices: Sequence[str] | None, cause: str) -> Deployment:
        if mode is Mode.PUSH and self._settings.deploy.mode is not Mode.PUSH:
            raise GuardRefused(
                "deploy.mode is dry-run: this daemon pushes nothing",
                next_step="Set `deploy.mode: push` in catnet.yaml and start CatNet again.",
            )
        known = await self._store.ref_state(f"branch/{self._settings.github.branch}")
        return await request(
            deployments=self._store,
            states=self._store,
            conclude=self._conclude,
            mode=mode,
            devices=devices,
            cause=cause,
            head=known.sha if known is not None else "",
        )

    async def _add(self, **words: Any) -> DeviceState:
        return await self._adding.add(admission.device(**words))

    async def _connect(self) -> str:
        await self._github.verify_access()
        return await self._configs.connect()

    def _scraped(self) -> tuple[bytes, str]:
        self._metrics.ready(not self._unready())
        return self._metrics.render()

    def _unready(self) -> Mapping[str, str]:
        """Why this daemon does not do its work, by part; empty when it does.

        What GitHub refuses is here; that it is away for a while is not: webhooks are still taken.
        """
        reasons = {
            "daemon": "stopping" if self._stopping.is_set() else None,
            "store": self._store_trouble,
            "github": self._access_trouble or self._poll.refusal,
            "branch": self._reconcile.trouble.get(f"branch/{self._settings.github.branch}"),
            "reports": self._report.trouble,
        }
        return {part: reason for part, reason in reasons.items() if reason}

    def _held_up(self) -> Mapping[str, str]:
        """What else waits for the operator, by ref; the branch and the rest go on without it."""
        told = self._unready().values()
        return {ref: why for ref, why in sorted(self._reconcile.trouble.items()) if why not in told}

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


@contextlib.contextmanager
def _taking(key: str, listen: Listen) -> Iterator[None]:
    """An address that cannot be had is the operator's to change."""
    try:
        yield
    except OSError as error:
        resolved = not isinstance(error, socket.gaierror)
        why = os.strerror(error.errno) if error.errno and resolved else error.strerror or str(error)
        raise SettingsInvalid(
            f"{key}: cannot listen on {listen}: {why}",
            next_step="Choose a free address and port in catnet.yaml.",
        ) from error
