"""Bench `muster`: every device of a fleet is checked, through the queue and over SSH; and again.

What is measured is one daemon's part, from the opening of the deployment to its last verdict:
PostgreSQL, 200 jobs at a time, each with a session, a backup that is synced to the disk, and a
comparison with what is wanted. The devices are simulated, in another process.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from catnet_controller.models import (
    Claim,
    Desired,
    DeviceState,
    JobPlan,
    Mode,
    Revision,
    State,
)
from catnet_controller.pipeline.execute import Execute
from catnet_controller.store.store import Store
from tests import helpers_processes
from tests.bench import clients
from tests.bench.frame import Bench, Figure, Run, against
from tests.bench.rack import Target, rack, running, unlimited
from tests.bench.trial import measured
from tests.helpers_github import RealClock
from tests.helpers_postgres import Cluster, cluster
from tests.helpers_worker import CONCLUDE, stage

_CONCURRENCY = 200
_BEAT = 5.0
_LIMIT = 30.0
"""CPU ms a job: what the arithmetic in deploy/README.md counts on, and half as much again."""


def run(asked: Run) -> Iterator[Figure]:
    devices = 100 if asked.quick else 5_000
    asked.tell(f"{devices:,} devices are switched on")
    unlimited()
    with rack(devices) as targets, cluster(options="") as server:
        asked.tell(f"{devices:,} devices are checked, twice")
        first, again = asyncio.run(_muster(targets, server))
    failures = float(first["failures"] + again["failures"])
    yield Figure(bench="muster", against="none allowed", measure="failures", ours=failures)
    title = f"{devices:,} checks"
    cpu, name = "CPU ms a job", f"limit of {_LIMIT:.0f} ms"
    yield against("muster", f"{title}: {cpu}", again.pop(cpu), _LIMIT, name=name)
    for what, seen in ((title, again), (f"{title}, the first", first)):
        for measure, value in seen.items():
            if measure != "failures":
                ours = round(value, 2)
                shown = f"{what}: {measure}"
                yield Figure(bench="muster", against="nobody", measure=shown, ours=ours)


async def _muster(targets: Sequence[Target], server: Cluster) -> list[dict[str, float]]:
    async with (
        clients.devices_room(targets) as room,
        await Store.on(server.url(), clock=RealClock(), worker="bench", conclude=CONCLUDE) as store,
    ):
        plans = [_plan(target, number) for number, target in enumerate(targets, 1)]
        work = stage(store, room, RealClock()).work
        return [await _checked(store, work, plans, server) for _ in range(2)]


async def _checked(
    store: Store,
    work: Callable[[Claim], Awaitable[None]],
    plans: Sequence[JobPlan],
    server: Cluster,
) -> dict[str, float]:
    """One check of every device: what it took, by the name of the measure."""
    size, server_cpu = await _size(server), _server_cpu(server)
    with measured() as meter:
        began = time.perf_counter()
        opened = await store.open(
            Revision(sha="0" * 40, ref="recorded", title="Bench", author="bench"),
            Mode.CHECK,
            cause="bench",
            jobs=plans,
            states=[DeviceState(device=plan.device, desired=plan.desired.digest) for plan in plans],
            conclude=CONCLUDE,
        )
        opening = time.perf_counter() - began
        await _worked_off(store, work)
    ended = await store.deployment(opened.id)
    assert ended is not None
    jobs = len(plans)
    grown = await _size(server)
    return {
        "failures": jobs - sum(job.state is State.COMPLETE for job in ended.jobs),
        "CPU ms a job": meter.cpu / jobs * 1000,
        "CPU ms a job of PostgreSQL": (_server_cpu(server) - server_cpu) / jobs * 1000,
        "seconds to open the deployment": opening,
        "jobs/s": jobs / meter.seconds,
        "MB of the daemon": meter.memory / 2**20,
        "transactions a job": (grown[0] - size[0]) / jobs,
        "bytes a job in the database": (grown[1] - size[1]) / jobs,
    }


async def _worked_off(store: Store, work: Callable[[Claim], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:

        def spawn(job: Coroutine[Any, Any, None], name: str) -> object:
            return group.create_task(job, name=name)

        execute = Execute(jobs=store, work=work, concurrency=_CONCURRENCY, spawn=spawn)
        beat = time.perf_counter()
        while await execute.step() or execute.running:
            await asyncio.sleep(0.05)
            if time.perf_counter() - beat > _BEAT:
                beat = time.perf_counter()
                await execute.heartbeat()


def _plan(target: Target, number: int) -> JobPlan:
    device = clients.device(target)
    text = running(number)
    lines = range(text.count("\n"))
    desired = Desired(
        device=device,
        text=text,
        digest=f"sha256:{target.name}",
        origins=tuple(f"configs/{target.name}.cfg:{line + 1}" for line in lines),
    )
    return JobPlan(device=device, desired=desired)


async def _size(server: Cluster) -> tuple[int, int]:
    """Transactions so far, and bytes."""
    await asyncio.sleep(1.5)  # what a connection did is counted a second later
    query = (
        "SELECT xact_commit, pg_database_size(datname) FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    ((transactions, size),) = server.execute(query)
    assert isinstance(transactions, int)
    assert isinstance(size, int)
    return transactions, size


def _server_cpu(server: Cluster) -> float:
    """CPU seconds of every process of the server that lives."""
    first = int((server.home / "data" / "postmaster.pid").read_text().split()[0])
    ticks = 0
    for process in [first, *helpers_processes.below(first)]:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


BENCH = Bench(name="muster", about="check every device of a fleet over SSH", run=run)
