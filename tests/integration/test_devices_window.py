"""Lines typed ahead of their answers, over real SSH: attributed, or all of it undone."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.errors import ConnectionLost, DeviceTimeout, LineRefused
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.ios.diff import compare
from catnet_controller.models import Device, Restored
from catnet_controller.simulator.faults import What
from tests.helpers_simulator import settled
from tests.integration.devicelab import SCALE, Lab, laboratory

COUNT = 40
LOG = "%SYS-5-CONFIG_I: Configured from console by bob on vty1 (192.0.2.9)"


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    # An hour of the device is six seconds: time enough on a busy machine.
    async with laboratory(tmp_path, minutes=60) as lab:
        yield lab


def wanted(lab: Lab, count: int = COUNT) -> str:
    new = "".join(
        f"interface Loopback{n}\n description site {n}\n ip address 10.9.{n}.1 255.255.255.255\n!\n"
        for n in range(1, count + 1)
    )
    first = "interface GigabitEthernet0/0\n"
    assert first in lab.before
    return lab.before.replace(first, new + first)


def change(running: str, desired: str) -> ChangeSet:
    """As compared, each line with where it comes from."""
    origins = [f"edge.cfg:{n}" for n in range(1, desired.count("\n") + 1)]
    return compare(running, desired, origins=origins)


async def test_lines_travel_together_and_all_of_them_arrive(lab: Lab) -> None:
    desired = wanted(lab)
    result = await lab.push(lambda running: change(running, desired))
    assert result.error is None, result.error
    assert lab.saved
    typed = [exchange.line for exchange in result.transcript]
    assert sum(line.startswith("description site") for line in typed) == COUNT
    assert all(not one.answer for one in result.transcript if one.line.startswith("description"))


@pytest.mark.parametrize("site", [1, 2, 3, 7, 20, 39, 40])
async def test_refused_line_is_named_wherever_it_stands(lab: Lab, site: int) -> None:
    desired = wanted(lab)
    lab.inject(What.REJECT, match=rf"^description site {site}$", text="% Bad thing")
    result = await lab.push(lambda running: change(running, desired))
    assert isinstance(result.error, LineRefused)
    line = desired.split("\n").index(f" description site {site}") + 1
    assert f"edge.cfg:{line}: r1 refused `description site {site}`" in result.error.message
    assert "% Bad thing" in result.error.message
    assert result.restored is Restored.RESTORED
    assert lab.untouched
    assert f"description site {site}" in lab.typed


async def test_refused_header_is_the_one_that_is_named(lab: Lab) -> None:
    """What follows it lands in another section and may be refused too."""
    desired = wanted(lab)
    lab.inject(What.REJECT, match=r"^interface Loopback9$")
    lab.inject(What.REJECT, match=r"^description site 9$", text="% Second")
    result = await lab.push(lambda running: change(running, desired))
    assert isinstance(result.error, LineRefused)
    assert "`interface Loopback9`" in result.error.message
    assert "Second" not in result.error.message
    assert result.restored is Restored.RESTORED
    assert lab.untouched


@pytest.mark.parametrize("synchronous", [False, True])
async def test_log_messages_in_between_are_no_answers(tmp_path: Path, synchronous: bool) -> None:
    async with laboratory(tmp_path, minutes=60) as lab:
        if synchronous:
            lab.sim.type(["line vty 0 4", "logging synchronous"])
            lab.sim.save()
            lab.before = lab.sim.running()
        desired = wanted(lab)
        lab.inject(What.SYSLOG, match=r"site (5|6|17|40)$", text=LOG, times=None)
        result = await lab.push(lambda running: change(running, desired))
        assert result.error is None, result.error
        assert lab.saved
        assert all(LOG not in one.answer for one in result.transcript)


async def test_slow_answers_are_waited_for(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=120) as lab:
        desired = wanted(lab, 10)
        lab.inject(What.SLOW, match="^ip address", seconds=0.02 * SCALE, times=None)
        result = await lab.push(lambda running: change(running, desired))
        assert result.error is None, result.error
        assert lab.saved


async def test_push_that_the_timer_would_overtake_stops_and_is_undone(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=1) as lab:
        desired = wanted(lab)
        lab.inject(What.SLOW, match="^ip address", seconds=0.02 * SCALE, times=None)
        result = await lab.push(lambda running: change(running, desired))
        assert isinstance(result.error, DeviceTimeout), result.error
        assert "timer" in result.error.message
        assert result.restored is Restored.RESTORED
        assert lab.untouched


@pytest.mark.parametrize(
    ("what", "after"),
    [
        (what, after)
        for what in (What.RESET, What.CLOSE, What.SILENCE, What.HANG)
        for after in (False, True)
        if not (what is What.HANG and after)
    ],
)
async def test_connection_that_breaks_in_a_window(lab: Lab, what: What, after: bool) -> None:
    desired = wanted(lab)
    lab.inject(what, match="^description site 20$", after=after)
    result = await lab.push(lambda running: change(running, desired))
    assert isinstance(result.error, ConnectionLost | DeviceTimeout), result.error
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_question_in_a_window_is_named_and_undone(lab: Lab) -> None:
    desired = wanted(lab)
    lab.inject(What.ASK, match="^description site 20$", text="Are you sure? [confirm]")
    result = await lab.push(lambda running: change(running, desired))
    assert isinstance(result.error, LineRefused), result.error
    assert "`description site 20`" in result.error.message
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_session_that_loses_its_mode_types_no_further_line(lab: Lab) -> None:
    """Somebody takes the session out of configuration mode in the middle of a window."""
    desired = wanted(lab)
    lab.inject(What.ALTER, match="^description site 3$", text="end")
    result = await lab.push(lambda running: change(running, desired))
    assert result.error is not None
    assert "`description site 3`" in result.error.message
    assert result.restored is Restored.RESTORED
    assert lab.untouched
    assert f"description site {COUNT}" not in lab.typed


async def test_window_of_one_waits_for_each_line(lab: Lab) -> None:
    lab.device = Device(name="r1", host=lab.sim.host, port=lab.sim.port, window=1)
    desired = wanted(lab)
    lab.inject(What.REJECT, match="^description site 3$")
    result = await lab.push(lambda running: change(running, desired))
    assert isinstance(result.error, LineRefused)
    after = lab.typed[lab.typed.index("description site 3") + 1 :]
    assert not any(line.startswith(("interface", "ip address")) for line in after)
    assert lab.untouched


async def test_cancelled_in_a_window_it_leaves_nothing_behind(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=60, patience=30.0) as lab:
        desired = wanted(lab)
        # Once through, so that threads and caches that stay are there.
        await lab.push(lambda running: compare(running, running))
        await settled(lambda: lab.sim.sessions == 0)
        tasks, threads, files = len(asyncio.all_tasks()), threading.active_count(), _files()
        lab.inject(What.HANG, match="^description site 20$")
        async with asyncio.TaskGroup() as group:
            push = group.create_task(lab.push(lambda running: change(running, desired)))
            await settled(lambda: "description site 20" in lab.typed)
            began = asyncio.get_running_loop().time()
            push.cancel()
            with pytest.raises(asyncio.CancelledError):
                await push
            assert asyncio.get_running_loop().time() - began < 2.0
        await settled(lambda: lab.sim.sessions == 0)
        await settled(lambda: len(asyncio.all_tasks()) <= tasks)
        await settled(lambda: _files() <= files)
        assert threading.active_count() == threads
        lab.sim.advance(61 * 60)
        assert lab.untouched


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked
