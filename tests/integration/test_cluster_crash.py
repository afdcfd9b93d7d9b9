"""Workers as processes, killed or frozen at every step: no device half-way, nothing typed twice."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from catnet_controller.models import (
    Deployment,
    Desired,
    Device,
    DeviceState,
    JobPlan,
    Mode,
    Revision,
    State,
    Step,
)
from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import DeviceSpec, Fleet
from catnet_controller.store.store import Store
from tests.helpers_flow import config
from tests.helpers_postgres import Cluster
from tests.helpers_simulator import taken_in_turns, typed_twice
from tests.helpers_worker import CONCLUDE, LEASE, PASSWORD, SCALE, store_at

PATIENCE = 60.0
LINES = 8
"""Routes that a round of the soak adds to every device."""
BETWEEN = 0.4
"""Seconds at most from a device that is armed to the death of a daemon."""
ROOT = Path(__file__).parents[2]
# RECORD is what `finish` does; no session is open any more. What only looks is left to the long
# run, CATNET_CRASH=all.
LOOKS = {Step.READ, Step.COMPARE, Step.GUARD}
LEFT_OUT = {Step.RECORD} | (set() if os.environ.get("CATNET_CRASH") == "all" else LOOKS)
STEPS = [step for step in Step if step not in LEFT_OUT]


def route(number: int) -> str:
    return f"ip route 203.0.113.{number} 255.255.255.255 Null0"


class Lab:
    """Devices, a store, and workers that come and go."""

    def __init__(self, home: Path, where: str, fleet: Fleet) -> None:
        self.home, self.where, self.fleet = home, where, fleet
        self._workers: list[asyncio.subprocess.Process] = []

    @property
    def shared(self) -> bool:
        return self.where.startswith("postgresql:")

    async def open(self, names: Sequence[str], number: int) -> Deployment:
        """A push of one more route to each of these devices."""
        jobs = [self._plan(name, number) for name in names]
        states = [DeviceState(device=each.device, desired=each.desired.digest) for each in jobs]
        revision = Revision(sha=f"{number:040x}", ref="branch/main", title="Route", author="ada")
        async with await self._store() as store:
            return await store.open(
                revision, Mode.PUSH, cause="test", jobs=jobs, states=states, conclude=CONCLUDE
            )

    async def deployment(self, number: int) -> Deployment:
        async with await self._store() as store:
            found = await store.deployment(number)
        assert found is not None
        return found

    def _plan(self, name: str, number: int) -> JobPlan:
        device = Device(name=name, host="127.0.0.1", port=self.fleet[name].port)
        text = config(name, *map(route, range(1, number + 1)))
        origins = tuple(f"configs/{name}.cfg:{line + 1}" for line in range(text.count("\n")))
        digest = f"sha256:{name}:{number}"
        return JobPlan(
            device=device, desired=Desired(device=device, text=text, digest=digest, origins=origins)
        )

    async def _store(self) -> Store:
        return await store_at(self.where, "test")

    async def work(self, name: str, die: str = "", how: str = "KILL") -> asyncio.subprocess.Process:
        arguments = ["-m", "tests.helpers_worker", self.where, str(self.home), name]
        if die:
            arguments += [die, how]
        with (self.home / f"{name}.log").open("ab") as log:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        self._workers.append(worker)
        await self.said(worker, "working")
        return worker

    async def said(self, worker: asyncio.subprocess.Process, what: str) -> None:
        assert worker.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while not (line := await worker.stdout.readline()).startswith(what.encode()):
                assert line, "the worker ended"

    async def ended(self, deployment: Deployment) -> Deployment:
        """Wait for it from outside, where the store can be opened beside the workers."""
        async with asyncio.timeout(PATIENCE):
            async with await self._store() as store:
                while True:
                    found = await store.deployment(deployment.id)
                    assert found is not None
                    if found.state.final:
                        return found
                    await asyncio.sleep(0.1)

    async def typed_out(self, name: str, line: str) -> None:
        """Wait until the device has this line saved: a store in a file has one process."""
        async with asyncio.timeout(PATIENCE):
            while line not in self.fleet[name].startup():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def armed(self, names: Sequence[str]) -> Sequence[str]:
        """Wait until devices are in the middle of a push, if any comes to it at all; which."""
        found: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEASE):
                while not found:
                    await asyncio.sleep(0.02)
                    found = [name for name in names if self.fleet[name].pending_revert]
        return found

    def typed(self, name: str) -> list[tuple[int, str]]:
        return self.fleet[name].transcript()

    async def end(self, worker: asyncio.subprocess.Process) -> None:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()

    async def close(self) -> None:
        for worker in self._workers:
            with contextlib.suppress(ProcessLookupError):
                await self.end(worker)

    def assert_whole(self, name: str, number: int) -> None:
        device = self.fleet[name]
        for text in (device.running(), device.startup()):
            assert all(route(each) in text for each in range(1, number + 1)), name
        assert not device.pending_revert


@contextlib.asynccontextmanager
async def lab(home: Path, where: str, names: Sequence[str]) -> AsyncIterator[Lab]:
    specs = [DeviceSpec(name=name, config=config(name), password=PASSWORD) for name in names]
    async with Fleet(specs, time_scale=SCALE) as fleet:
        known = home / "known_hosts"
        known.write_text("".join(f"{fleet[name].known_hosts_line}\n" for name in names))
        known.chmod(0o600)
        made = Lab(home, where, fleet)
        try:
            yield made
        finally:
            await made.close()


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "state")
    server: Cluster = request.getfixturevalue("postgres")
    return server.emptied("crash")


async def test_kill_9_at_every_step_leaves_no_device_half_way(tmp_path: Path, where: str) -> None:
    """Each step has a device of its own; the next worker finishes what the last one left.

    A revert is come to by way of one that was interrupted while it typed.
    """
    names = [step.value for step in STEPS]
    async with lab(tmp_path, where, names) as it:
        opened = []
        for step in STEPS:
            opened.append(await it.open([step.value], 1))
            if step is Step.REVERT:
                worker = await it.work(step.value, Step.PUSH)
                await it.said(worker, "reached")
                await worker.wait()
            worker = await it.work(step.value, step)
            await it.said(worker, "reached")
            assert await worker.wait() == -signal.SIGKILL
        last = await it.work("last")
        for step in STEPS:
            await it.typed_out(step.value, route(1))
        if it.shared:
            for each in opened:
                await it.ended(each)
        else:
            await asyncio.sleep(1.0)
        await it.end(last)
        for each in opened:
            found = await it.deployment(each.id)
            (job,) = found.jobs
            assert job.state is State.COMPLETE, (job.device.name, job.outcome)
            it.assert_whole(job.device.name, 1)


async def test_a_frozen_worker_types_no_line_after_its_job_was_taken_over(
    tmp_path: Path, postgres: Cluster
) -> None:
    """Frozen between two steps, in the middle of the push, until another has finished it."""
    steps = (Step.PUSH, Step.CONFIRM) if os.environ.get("CATNET_CRASH") == "all" else (Step.PUSH,)
    for number, step in enumerate(steps):
        home = tmp_path / step
        home.mkdir()
        async with lab(home, postgres.emptied("crash"), ["edge1"]) as it:
            opened = await it.open(["edge1"], 1)
            frozen = await it.work("frozen", step, "STOP")
            await it.said(frozen, "reached")
            before = {session for session, _ in it.typed("edge1")}
            other = await it.work("other")
            ended = await it.ended(opened)
            assert ended.state is State.COMPLETE, ended.jobs
            typed = [line for session, line in it.typed("edge1") if session in before]
            os.kill(frozen.pid, signal.SIGCONT)
            # It works again, on what comes next, and has nothing more to say about the last job.
            await it.end(other)
            second = await it.open(["edge1"], 2)
            assert (await it.ended(second)).state is State.COMPLETE, number
            assert [line for session, line in it.typed("edge1") if session in before] == typed
            it.assert_whole("edge1", 2)


async def test_a_database_that_is_away_is_waited_for(
    tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a push: nothing is lost, and nothing is typed twice."""
    seconds = float(os.environ.get("CATNET_OUTAGE", "3"))
    monkeypatch.setenv("CATNET_LEASE", "60")
    names = [f"r{number}" for number in range(4)]
    async with lab(tmp_path, postgres.emptied("crash"), names) as it:
        opened = await it.open(names, 1)
        worker = await it.work("one", Step.PROVE, "STOP")
        await it.said(worker, "reached")
        postgres.stop()
        try:
            os.kill(worker.pid, signal.SIGCONT)
            await asyncio.sleep(seconds)
        finally:
            postgres.start()
        ended = await it.ended(opened)
        assert ended.state is State.COMPLETE, [job.outcome for job in ended.jobs]
        for name in names:
            it.assert_whole(name, 1)
            assert typed_twice(it.fleet[name]) == []
            assert sum(route(1) in line for _, line in it.typed(name)) == 1, "typed once"


def owners(server: Cluster, devices: Sequence[str]) -> list[int]:
    """The numbers of the workers that have these devices."""
    rows = server.execute("SELECT worker, device FROM lease WHERE job IS NOT NULL", "crash")
    return sorted({int(str(worker)[1:]) for worker, device in rows if device in devices})


async def test_random_kills_lose_and_double_nothing(
    tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three daemons on one database; CATNET_SOAK is JOBS,KILLS for the long run."""
    # So few that each of them has some.
    monkeypatch.setenv("CATNET_AT_ONCE", "2")
    jobs, kills = map(int, os.environ.get("CATNET_SOAK", "12,2").split(","))
    names = [f"r{number}" for number in range(min(40, jobs // 4))]
    chance = random.Random(7)
    async with lab(tmp_path, postgres.emptied("crash"), names) as it:
        slow = Fault(what=What.SLOW, when=When(match="^ip route"), times=None, seconds=SCALE / 50)
        for name in names:
            it.fleet[name].inject(slow)
        workers = [await it.work(f"w{number}") for number in range(3)]
        opened, left = [], kills
        rounds = jobs // len(names)
        for number in range(1, rounds + 1):
            opened.append(await it.open(names, number * LINES))
            for _ in range(left // (rounds - number + 1)):
                armed = await it.armed(names)
                await asyncio.sleep(chance.random() * BETWEEN)
                victim = chance.choice(owners(postgres, armed) or range(3))
                await it.end(workers[victim])
                workers[victim] = await it.work(f"w{victim}")
                left -= 1
            await asyncio.wait_for(it.ended(opened[-1]), PATIENCE * 3)
        ended = [await it.deployment(each.id) for each in opened]
        states = Counter(job.state for each in ended for job in each.jobs)
        again = sum(job.attempt > 1 for each in ended for job in each.jobs)
        undone = sum(len(it.fleet[name].rollbacks()) for name in names)
        print(
            f"{rounds * len(names)} jobs: {dict(states)}, {kills - left} kills,"
            f" {again} jobs begun again, {undone} changes undone"
        )
        assert states == {State.COMPLETE: rounds * len(names)}, "nothing lost"
        assert left == 0
        for name in names:
            it.assert_whole(name, rounds * LINES)
            assert not taken_in_turns(it.fleet[name]), name
            assert typed_twice(it.fleet[name]) == [], name
