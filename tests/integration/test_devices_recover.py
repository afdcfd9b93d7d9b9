"""Killed at any step, or cancelled: the device ends with all of the change or none of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from catnet_controller.errors import CatnetError, DeviceUnreachable, LeaseLost
from catnet_controller.models import Fallback, Restored, Step
from catnet_controller.simulator.faults import What
from tests.integration.devicelab import CONFIG, WITHOUT_ARCHIVE, Lab, Record, laboratory

CHANGES = (
    (" description uplink", " description to core1"),
    ("ntp server 192.0.2.123", "ntp server 192.0.2.124"),
)


@pytest.fixture(params=[Fallback.REFUSE, Fallback.REVERSE], ids=["timer", "reverse"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    """A device with a slow timer, so that it does not help; and one without any."""
    reverse = request.param is Fallback.REVERSE
    config = WITHOUT_ARCHIVE if reverse else CONFIG
    async with laboratory(
        tmp_path, fallback=request.param, minutes=30, scale=60.0, config=config
    ) as lab:
        yield lab


async def settle(lab: Lab, record: Record) -> None:
    """What the daemon does after a restart: recover when there is an intent, then start over."""
    decide = lab.wanting(*CHANGES)
    if record.intent is not None:
        result = await lab.recover(decide, record)
        if result.error is None:
            assert lab.saved
            assert result.before is not None
            assert result.before.backup is not None
            assert result.before.backup.id == record.intent.backup
            assert result.change_set is not None
            assert len(result.change_set.diff) >= 2 * len(CHANGES)
            return
        assert result.restored is Restored.RESTORED, result
        assert lab.untouched
    result = await lab.push(decide)
    assert result.error is None, result.error
    assert lab.saved


@pytest.mark.parametrize(
    "step", [one for one in Step if one not in (Step.RECORD, Step.REVERT)], ids=str
)
async def test_killed_as_a_step_begins(lab: Lab, step: Step) -> None:
    record = Record(lose=step)
    with pytest.raises(LeaseLost):
        await lab.push(lab.wanting(*CHANGES), record)
    assert list(dict.fromkeys(record.steps)) == list(Step)[: list(Step).index(step)]
    await settle(lab, record)


@pytest.mark.parametrize(
    "line",
    [
        "interface GigabitEthernet0/0",
        "description to core1",
        "ntp server 192.0.2.124",
        "end",
        "write memory",
    ],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_a_line(lab: Lab, line: str, after: bool) -> None:
    """The process dies as this line is on its way, or when it took effect."""
    await killed_at(lab, line, after=after)


@pytest.mark.parametrize("lab", [Fallback.REFUSE], indirect=True, ids=["timer"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_the_confirm(lab: Lab, after: bool) -> None:
    await killed_at(lab, "configure confirm", after=after)


async def killed_at(lab: Lab, line: str, *, after: bool) -> None:
    record = Record()
    lab.inject(What.HANG, match=f"^{line}$", after=after)
    await killed(lab, record, until=line)
    lab.sim.clear()
    await settle(lab, record)


async def killed(lab: Lab, record: Record, *, until: str) -> None:
    """Cancel a push when the line was typed; its session is gone within two seconds."""

    async def die_in_the_middle() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(lab.push(lab.wanting(*CHANGES), record))
            await _until(lambda: until in lab.typed)
            raise _KilledError

    with pytest.raises(ExceptionGroup) as caught:
        await die_in_the_middle()
    assert isinstance(caught.value.exceptions[0], _KilledError)
    await gone(lab)


async def gone(lab: Lab) -> None:
    """The device has no session left, within two seconds."""
    await _until(lambda: not lab.sim.sessions)


class _KilledError(Exception):
    """The process dies."""


async def test_killed_while_reverting(lab: Lab) -> None:
    lab.inject(What.REJECT, match="^ntp server 192.0.2.124")
    record = Record(lose=Step.REVERT)
    with pytest.raises(LeaseLost):
        await lab.push(lab.wanting(*CHANGES), record)
    await settle(lab, record)


async def test_what_failed_its_proof_is_never_confirmed_by_a_recovery(lab: Lab) -> None:
    """The device has every wanted line, but the push was already being undone."""
    record = Record(lose=Step.CONFIRM)
    with pytest.raises(LeaseLost):
        await lab.push(lab.wanting(*CHANGES), record)
    assert record.intent is not None
    undoing = Record(intent=replace(record.intent, step=Step.REVERT))
    result = await lab.recover(lab.wanting(*CHANGES), undoing)
    assert result.error is not None
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_timer_fired_while_nobody_was_there(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=30) as lab:
        record = Record(lose=Step.PROVE)
        with pytest.raises(LeaseLost):
            await lab.push(lab.wanting(*CHANGES), record)
        await gone(lab)
        lab.sim.advance(31 * 60)
        assert lab.untouched
        await settle(lab, record)


async def test_killed_twice(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=30) as lab:
        record = Record(lose=Step.PROVE)
        decide = lab.wanting(*CHANGES)
        with pytest.raises(LeaseLost):
            await lab.push(decide, record)
        assert record.intent is not None
        again = Record(lose=Step.SAVE, intent=record.intent)
        with pytest.raises(LeaseLost):
            await lab.devices.recover(lab.device, record.intent, decide, again)
        assert not lab.sim.pending_revert
        await settle(lab, again)


async def test_device_away_at_recovery_is_unknown(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=30) as lab:
        record = Record(lose=Step.PROVE)
        decide = lab.wanting(*CHANGES)
        with pytest.raises(LeaseLost):
            await lab.push(decide, record)
        lab.inject(What.UNREACHABLE, times=None)
        result = await lab.recover(decide, record)
        assert isinstance(result.error, DeviceUnreachable)
        assert result.restored is Restored.UNKNOWN
        lab.sim.clear()
        await settle(lab, record)


async def test_change_by_hand_after_the_kill_and_before_the_first_line_stays(
    tmp_path: Path,
) -> None:
    async with laboratory(tmp_path, minutes=30) as lab:
        record = Record(lose=Step.PUSH)
        decide = lab.wanting(*CHANGES)
        with pytest.raises(LeaseLost):
            await lab.push(decide, record)
        lab.sim.type(["interface GigabitEthernet0/1", "description by hand"])
        result = await lab.recover(decide, record)
        assert isinstance(result.error, CatnetError)
        assert not lab.sim.pending_revert
        assert "description by hand" in lab.sim.running()


async def test_cancelled_push_leaks_nothing(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=30) as lab:
        await lab.devices.read(lab.device, Record())  # what is made once is made
        files = _files()
        tasks = len(asyncio.all_tasks())
        lab.inject(What.HANG, match="^ntp server 192.0.2.124", after=True)
        record = Record()
        await killed(lab, record, until="ntp server 192.0.2.124")
        await _until(lambda: len(asyncio.all_tasks()) <= tasks and _files() <= files)
        assert lab.sim.pending_revert


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not true():  # noqa: ASYNC110 - a device tells nobody
            await asyncio.sleep(0.005)
