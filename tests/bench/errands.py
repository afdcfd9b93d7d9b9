"""Bench `queue`: jobs that do nothing, enqueued and completed on both databases, beside a backup.

What the queue takes for a job is the CPU of the daemon, server of PostgreSQL not counted, from the
opening of the deployment to its last verdict; each job is claimed, passes one step and is finished,
fifty at a time. A real job is the backup of a device, read over SSH.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from catnet_controller.models import (
    Claim,
    Desired,
    Device,
    DeviceState,
    JobPlan,
    Mode,
    Outcome,
    Revision,
    State,
    Step,
)
from catnet_controller.policy import verdict
from catnet_controller.policy.verdict import Wording
from catnet_controller.store.store import Store
from tests.bench import clients
from tests.bench.frame import Bench, Figure, Run, against
from tests.bench.rack import rack
from tests.helpers_github import RealClock
from tests.helpers_postgres import cluster

_CONCURRENCY = 50
_OPENED = 500
"""Jobs of one deployment."""
_CONCLUDE = partial(verdict.conclude, wording=Wording(public_url="https://catnet.example.net"))
_LIMITS = {"SQLite": 1.0, "PostgreSQL": 2.5}


def run(asked: Run) -> Iterator[Figure]:
    jobs, devices = (200, 20) if asked.quick else (10_000, 200)
    asked.tell(f"{devices} backups")
    with rack(devices) as targets:
        real = clients.backup(targets, _CONCURRENCY).cpu / devices
    taken = {}
    asked.tell(f"{jobs:,} jobs on SQLite")
    with tempfile.TemporaryDirectory() as folder:
        taken["SQLite"] = asyncio.run(_on_sqlite(Path(folder), jobs))
    asked.tell(f"{jobs:,} jobs on PostgreSQL")
    with cluster(options="") as server:
        taken["PostgreSQL"] = asyncio.run(_on_postgres(server.url(), jobs))
    for name, (seconds, cpu) in taken.items():
        title = f"{jobs:,} jobs on {name}"
        limit = _LIMITS[name]
        yield against(
            "queue",
            f"{title}: CPU ms a job",
            cpu / jobs * 1000,
            limit * real * 1000,
            name=f"{limit} × a backup of {real * 1000:.1f} ms",
        )
        yield Figure(
            bench="queue", against="nobody", measure=f"{title}: jobs/s", ours=round(jobs / seconds)
        )


async def _on_sqlite(folder: Path, jobs: int) -> tuple[float, float]:
    async with await Store.at(
        folder, clock=RealClock(), worker="bench", conclude=_CONCLUDE
    ) as store:
        return await _work(store, jobs)


async def _on_postgres(url: str, jobs: int) -> tuple[float, float]:
    async with await Store.on(
        url, clock=RealClock(), worker="bench", lease=60.0, conclude=_CONCLUDE
    ) as store:
        return await _work(store, jobs)


async def _work(store: Store, jobs: int) -> tuple[float, float]:
    plans = [_plan(f"r{number}") for number in range(_OPENED)]
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(0, jobs, _OPENED):
        some = plans[: min(_OPENED, jobs - number)]
        revision = Revision(sha=f"{number:040x}", ref="recorded", title="Bench", author="bench")
        await store.open(revision, Mode.CHECK, cause="bench", jobs=some, conclude=_CONCLUDE)
        left = len(some)
        while left:
            claims = await store.claim(_CONCURRENCY)
            async with asyncio.TaskGroup() as group:
                for claim in claims:
                    group.create_task(_nothing(store, claim))
            left -= len(claims)
    assert (await store.depth()).pending == 0
    return time.perf_counter() - began, time.process_time() - cpu


async def _nothing(store: Store, claim: Claim) -> None:
    await store.checkpoint(claim, Step.CONNECT)
    state = DeviceState(device=claim.job.device)
    await store.finish(claim, Outcome(state=State.COMPLETE), state, _CONCLUDE)


def _plan(name: str) -> JobPlan:
    device = Device(name=name, host="192.0.2.1")
    text = f"hostname {name}\n"
    desired = Desired(device=device, text=text, digest=f"sha256:{name}", origins=("x.cfg:1",))
    return JobPlan(device=device, desired=desired)


BENCH = Bench(name="queue", about="enqueue and complete jobs that do nothing", run=run)
