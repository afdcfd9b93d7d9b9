"""Backups on a schedule: one job a device through the queue, kept as files, found again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.models import Mode, State
from catnet_controller.pipeline.nightly import Nightly
from catnet_controller.simulator.faults import Fault, What
from tests.helpers_flow import Flow, config, flow

DAY = 86_400.0


class Shifted:
    """The clock of the flow, moved by hand."""

    def __init__(self, real: object) -> None:
        self._real = real
        self.ahead = 0.0

    def now(self) -> float:
        return float(self._real.now() + self.ahead)  # type: ignore[attr-defined]

    def monotonic(self) -> float:
        return float(self._real.monotonic() + self.ahead)  # type: ignore[attr-defined]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as made:
        await made.trigger()
        yield made


def nightly(it: Flow, clock: Shifted, interval: float = DAY) -> Nightly:
    return Nightly(
        interval=interval,
        deployments=it.store,
        states=it.store,
        conclude=it.conclude,
        clock=clock,
    )


async def test_every_device_is_backed_up_once_a_day(it: Flow, tmp_path: Path) -> None:
    clock = Shifted(it.clock)
    timer = nightly(it, clock)
    assert not await timer.step()
    clock.ahead = 301.0
    assert await timer.step()
    await it.settle()
    made = await it.last()
    assert (made.mode, made.state, made.cause) == (Mode.BACKUP, State.COMPLETE, "backup timer")
    assert made.summary == "2 devices backed up"
    for job in made.jobs:
        assert job.outcome is not None
        kept = tmp_path / "backups" / f"{job.outcome.backup}.cfg"
        assert f"hostname {job.device.name}\n" in kept.read_text()
    assert it.touched() == []
    clock.ahead += 120.0
    assert not await timer.step()
    again = nightly(it, clock)  # a daemon that was started again
    clock.ahead += 301.0
    assert not await again.step()
    clock.ahead += DAY
    assert await again.step()


async def test_device_that_does_not_answer_is_asked_once_an_interval(it: Flow) -> None:
    it.device("a").inject(Fault(what=What.REFUSED, times=None))
    clock = Shifted(it.clock)
    timer = nightly(it, clock)
    clock.ahead = 301.0
    assert await timer.step()
    await it.settle()
    assert {job.device.name: job.state for job in (await it.last()).jobs} == {
        "a": State.FAILED,
        "b": State.COMPLETE,
    }
    clock.ahead += 3600.0
    assert not await timer.step()
    clock.ahead += DAY
    assert await timer.step()


async def test_off_is_off(it: Flow) -> None:
    clock = Shifted(it.clock)
    timer = nightly(it, clock, interval=0.0)
    clock.ahead = 30 * DAY
    assert not await timer.step()


async def test_backup_before_the_last_change_is_held(it: Flow) -> None:
    assert await it.store.held_backups() == frozenset()
    await it.push({"configs/a.cfg": config("a", "ip domain name example.net")})
    before = (await it.state("a")).before
    assert before is not None
    assert await it.store.held_backups() == {before}
