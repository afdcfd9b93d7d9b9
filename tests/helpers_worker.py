"""A worker as a process: claims jobs of a store and works on real sessions, until it is killed.

``python -m tests.helpers_worker STORE HOME NAME [DIE [HOW]]``: STORE is a directory or a URL of
PostgreSQL, HOME holds ``known_hosts``, ``fleet.json`` and ``backups``. As it is about to begin step
DIE, recorded already, it sends itself HOW (KILL or STOP) once.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from catnet_controller import ports
from catnet_controller.devices.backups import Backups
from catnet_controller.devices.computing import at_once
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.transaction import Transactions
from catnet_controller.errors import CatnetError
from catnet_controller.models import Claim, Intent, Step
from catnet_controller.pipeline.compare import Compare
from catnet_controller.pipeline.deploy import Deploy
from catnet_controller.pipeline.execute import Execute
from catnet_controller.policy import verdict
from catnet_controller.policy.guard import Rules
from catnet_controller.policy.verdict import Wording
from catnet_controller.store.store import Store
from catnet_controller.telemetry.metrics import Metrics
from tests.helpers_github import RealClock

PASSWORD = "password-of-the-devices"
SCALE = 60.0
"""IOS seconds per second."""
LEASE = float(os.environ.get("CATNET_LEASE", "3"))
AT_ONCE = int(os.environ.get("CATNET_AT_ONCE", "10"))
CONCLUDE = partial(verdict.conclude, wording=Wording(public_url="https://catnet.example.net"))


class Clock(RealClock):
    """The time of day runs ten times as fast, so that nobody waits long to be tried again."""

    def now(self) -> float:
        return super().now() * 10


async def store_at(where: str, name: str, *, patience: float = 60.0) -> Store:
    clock = Clock()
    if where.startswith("postgresql:"):
        return await Store.on(
            where, clock=clock, worker=name, lease=LEASE, conclude=CONCLUDE, patience=patience
        )
    return await Store.at(Path(where), clock=clock, worker=name, lease=LEASE, conclude=CONCLUDE)


def devices(home: Path, clock: ports.Clock | None = None, *, minutes: int = 60) -> Transactions:
    return Transactions(
        credentials=Credentials({"default": Credential(username="catnet", password=PASSWORD)}),
        hostkeys=HostKeys(home / "known_hosts"),
        backups=Backups(home / "backups", offload=at_once),
        clock=clock or Clock(),
        connect_timeout=5.0,
        command_timeout=5.0,
        minute=60.0 / SCALE,
        # A minute of the devices: what a test waits for is done by us, not by their timer.
        revert_minutes=minutes,
        pause=0.05,
    )


def stage(store: Store, devices: Transactions, clock: ports.Clock) -> Deploy:
    return Deploy(
        jobs=store,
        deployments=store,
        plans=store,
        states=store,
        devices=devices,
        telemetry=Metrics(version="test"),
        clock=clock,
        conclude=CONCLUDE,
        compare=Compare(rules=Rules(), secrets={}, mark=b"mark", strict=False),
        retries=8,
        allow_reverse=False,
        brake=store,
        offload=at_once,
    )


async def main(where: str, home: Path, name: str, die: str = "", how: str = "KILL") -> None:
    store = await store_at(where, name)
    await store.free_leases()
    record = store.checkpoint

    async def checkpoint(claim: Claim, step: Step, intent: Intent | None = None) -> None:
        nonlocal die
        await record(claim, step, intent)
        if step == die:
            die = ""
            print("reached", step, flush=True)
            os.kill(os.getpid(), signal.Signals[f"SIG{how}"])

    store.checkpoint = checkpoint  # type: ignore[method-assign]
    deploy = stage(store, devices(home), Clock())
    print("working", flush=True)
    async with asyncio.TaskGroup() as work:

        def spawn(job: Coroutine[Any, Any, None], name: str) -> object:
            return work.create_task(job, name=name)

        execute = Execute(jobs=store, work=deploy.work, concurrency=AT_ONCE, spawn=spawn)

        async def beat() -> None:
            while True:
                try:
                    await execute.heartbeat()
                except CatnetError as error:
                    print("trouble", error.code, flush=True)
                await asyncio.sleep(LEASE / 4)

        work.create_task(beat())
        while True:
            try:
                await execute.step()
            except CatnetError as error:
                print("trouble", error.code, flush=True)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
