"""A worker whose lease ran out while it worked: what it types, what it records, who goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.models import (
    Claim,
    Deployment,
    Desired,
    Device,
    DeviceState,
    Health,
    Intent,
    JobPlan,
    Mode,
    Outcome,
    Revision,
    State,
    Step,
)
from catnet_controller.pipeline.execute import Execute
from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from catnet_controller.store.store import Store
from tests.helpers_flow import config
from tests.helpers_postgres import Cluster
from tests.helpers_simulator import taken_in_turns, typed_twice
from tests.helpers_store import LEASE, ManualClock, opened, opened_on
from tests.helpers_store import conclude as in_short
from tests.helpers_store import push as opened_push
from tests.helpers_worker import CONCLUDE, PASSWORD, SCALE, devices, stage

NAME = "edge1"
HOUR = 3600.0
PATIENCE = 20.0


class Clock(ManualClock):
    """One that stands still until something happens; then so many seconds have passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self._when: Callable[[], bool] | None = None
        self._seconds = 0.0

    def leap(self, seconds: float, *, when: Callable[[], bool]) -> None:
        self._when, self._seconds = when, seconds

    def monotonic(self) -> float:
        if self._when is not None and self._when():
            self._when = None
            self.advance(self._seconds)
        return super().monotonic()


class Worker:
    """One daemon's part of it; it can be kept from the store as it is about to begin a step."""

    def __init__(self, store: Store, home: Path, clock: Clock, group: asyncio.TaskGroup) -> None:
        self.store = store
        self.kept_at: Step | None = None
        self.arrived, self.back = asyncio.Event(), asyncio.Event()
        self._record = store.checkpoint
        store.checkpoint = self._checkpoint  # type: ignore[method-assign]
        self._tasks: list[asyncio.Task[None]] = []
        self._group = group
        work = stage(store, devices(home, clock, minutes=120), clock).work
        self.execute = Execute(jobs=store, work=work, concurrency=5, spawn=self._spawn)

    def _spawn(self, job: Coroutine[Any, Any, None], name: str) -> object:
        self._tasks.append(self._group.create_task(job, name=name))
        return self._tasks[-1]

    async def _checkpoint(self, claim: Claim, step: Step, intent: Intent | None = None) -> None:
        if step is self.kept_at:
            self.kept_at = None
            self.arrived.set()
            await self.back.wait()
        await self._record(claim, step, intent)

    async def start(self) -> None:
        assert await self.execute.step()

    async def ended(self) -> None:
        _, left = await asyncio.wait(self._tasks, timeout=PATIENCE)
        for task in left:
            task.cancel()
        assert not left

    async def work(self) -> None:
        await self.start()
        await self.ended()


class Pair:
    """Two workers on one database, a device, and a clock that tests move."""

    def __init__(self, clock: Clock, fleet: Fleet, one: Worker, other: Worker) -> None:
        self.clock, self.one, self.other = clock, one, other
        self.sim: SimulatedDevice = fleet[NAME]

    async def open(self, routes: int) -> Deployment:
        device = Device(name=NAME, host="127.0.0.1", port=self.sim.port)
        text = config(NAME, *map(route, range(1, routes + 1)))
        desired = Desired(
            device=device,
            text=text,
            digest=f"sha256:{routes}",
            origins=tuple(f"configs/{NAME}.cfg:{line + 1}" for line in range(text.count("\n"))),
        )
        return await self.one.store.open(
            Revision(sha=f"{routes:040x}", ref="branch/main", title="Route", author="ada"),
            Mode.PUSH,
            cause="test",
            jobs=[JobPlan(device=device, desired=desired)],
            states=[DeviceState(device=device, desired=desired.digest)],
            conclude=CONCLUDE,
        )

    async def state(self, deployment: Deployment) -> State:
        found = await self.one.store.deployment(deployment.id)
        assert found is not None
        return found.jobs[0].state

    def typed(self) -> list[str]:
        return [line for _, line in self.sim.transcript() if line.startswith("ip route")]

    def assert_whole(self, routes: int) -> None:
        for text in (self.sim.running(), self.sim.startup()):
            assert all(route(number) in text for number in range(1, routes + 1))
        assert not self.sim.pending_revert
        assert typed_twice(self.sim) == []
        assert not taken_in_turns(self.sim)


def route(number: int) -> str:
    return f"ip route 198.18.{number // 250}.{number % 250} 255.255.255.255 Null0"


@pytest.fixture
async def pair(tmp_path: Path, postgres: Cluster) -> AsyncIterator[Pair]:
    async with pair_on(tmp_path, postgres) as made:
        yield made


@asynccontextmanager
async def pair_on(home: Path, postgres: Cluster) -> AsyncIterator[Pair]:
    url, clock = postgres.emptied("crash"), Clock()
    spec = DeviceSpec(name=NAME, config=config(NAME), password=PASSWORD)
    async with (
        Fleet([spec], time_scale=SCALE) as fleet,
        opened_on(url, clock, worker="one") as one,
        opened_on(url, clock, worker="other") as other,
        asyncio.TaskGroup() as group,
    ):
        known = home / "known_hosts"
        known.write_text(f"{fleet[NAME].known_hosts_line}\n")
        known.chmod(0o600)
        workers = [Worker(store, home, clock, group) for store in (one, other)]
        yield Pair(clock, fleet, *workers)


@pytest.mark.parametrize("step", [Step.PROVE, Step.CONFIRM])
@pytest.mark.parametrize("fired", [False, True], ids=["armed", "undone"])
async def test_who_waits_for_the_database_past_its_lease_types_nothing_more(
    pair: Pair, step: Step, fired: bool
) -> None:
    """What was typed is typed again only where the device itself undid it meanwhile."""
    opened = await pair.open(3)
    pair.one.kept_at = step
    await pair.one.start()
    await pair.one.arrived.wait()
    pair.clock.advance(LEASE + 1)
    if fired:
        pair.sim.advance(3 * HOUR)
    await pair.other.work()
    assert await pair.state(opened) is State.COMPLETE
    before = pair.sim.transcript()
    pair.one.back.set()
    await pair.one.ended()
    assert pair.sim.transcript() == before
    pair.assert_whole(3)
    assert len(pair.typed()) == (6 if fired else 3)
    assert len(pair.sim.rollbacks()) == fired


async def test_no_line_is_typed_once_the_lease_has_run_out(pair: Pair) -> None:
    """In the middle of many lines, with no step between them at which the store is asked."""
    opened = await pair.open(300)
    pair.clock.leap(LEASE, when=lambda: len(pair.typed()) >= 100)
    await pair.one.work()
    left = len(pair.typed())
    assert left < 250
    assert pair.sim.pending_revert
    await pair.other.work()
    assert await pair.state(opened) is State.COMPLETE
    assert pair.sim.rollbacks()
    assert len(pair.typed()) == left + 300
    pair.assert_whole(300)


async def test_a_way_back_ends_with_the_lease(pair: Pair) -> None:
    """Whoever undid a push lets go of device and record: both are another's by now."""
    await pair.open(3)
    refused = When(match="^ip route 198.18.0.2 ")
    pair.sim.inject(Fault(what=What.REJECT, when=refused))
    pair.clock.leap(LEASE, when=lambda: "end" in [line for _, line in pair.sim.transcript()])
    await pair.one.work()
    assert pair.sim.pending_revert
    assert pair.sim.sessions == 0
    known = await pair.one.store.state(NAME)
    assert known is not None
    assert known.health is not Health.DEGRADED, "nothing was recorded of what is not known"
    await pair.other.work()
    pair.assert_whole(3)


async def test_a_timer_that_overtook_the_database_is_no_fault_of_the_commit(pair: Pair) -> None:
    """Nobody took over; the device undid the change while its worker waited for the store."""
    opened = await pair.open(3)
    pair.one.kept_at = Step.PROVE
    await pair.one.start()
    await pair.one.arrived.wait()
    pair.clock.advance(3 * HOUR / SCALE)
    pair.sim.advance(3 * HOUR)
    pair.one.back.set()
    await pair.one.ended()
    assert await pair.state(opened) is State.PENDING, "tried again"
    pair.clock.advance(HOUR)
    await pair.other.work()
    assert await pair.state(opened) is State.COMPLETE
    pair.assert_whole(3)


async def test_a_job_that_came_back_to_its_own_process_keeps_its_lease(tmp_path: Path) -> None:
    """The one that gave up the job ends while the same process works on it anew."""
    clock = ManualClock()
    claims: list[Claim] = []
    ends = [asyncio.Event(), asyncio.Event()]

    async def work(claim: Claim) -> None:
        claims.append(claim)
        await ends[len(claims) - 1].wait()

    async with opened(tmp_path / "state", clock) as store, asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        def spawn(job: Coroutine[Any, Any, None], name: str) -> object:
            tasks.append(group.create_task(job, name=name))
            return tasks[-1]

        execute = Execute(jobs=store, work=work, concurrency=5, spawn=spawn)
        await opened_push(store, NAME)
        assert await execute.step()
        clock.advance(LEASE + 1)
        assert await execute.step()
        assert execute.running == 2
        ends[0].set()
        await tasks[0]
        assert execute.running == 1
        clock.advance(LEASE / 2)
        await execute.heartbeat()
        clock.advance(LEASE * 0.75)
        assert [each.fence for each in claims] == [1, 2]
        assert store.holds(claims[1])
        await store.finish(
            claims[1],
            Outcome(state=State.COMPLETE),
            DeviceState(device=claims[1].job.device),
            in_short,
        )
        ends[1].set()
