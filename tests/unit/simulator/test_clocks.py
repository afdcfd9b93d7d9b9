"""The clock of a device: stamps as IOS prints them, timers in IOS time."""

import asyncio

from catnet_controller.simulator.clock import (
    DeviceClock,
    Zone,
    clock_stamp,
    file_stamp,
    log_stamp,
    long_stamp,
)

AT = 1493907518.517  # Thu May 4 2017 14:18:38.517 UTC


def test_stamps() -> None:
    assert long_stamp(AT, Zone()) == "14:18:38 UTC Thu May 4 2017"
    assert clock_stamp(AT, Zone()) == "14:18:38.517 UTC Thu May 4 2017"
    assert log_stamp(AT, Zone()) == "*May  4 14:18:38.517"
    assert file_stamp(AT, Zone()) == "May--4-14-18-38.517"
    assert file_stamp(AT + 864000, Zone(name="DST", minutes=-300)) == "May-14-09-18-38.517-DST"


async def test_time_passes_by_its_scale_and_when_it_is_told_to() -> None:
    clock = DeviceClock(loop=asyncio.get_running_loop(), scale=1.0, start=1000.0)
    assert 1000.0 <= clock.now() < 1001.0
    clock.advance(3600)
    assert 3600.0 <= clock.uptime() < 3601.0
    clock.close()


async def test_what_falls_due_happens_in_order_at_its_time() -> None:
    clock = DeviceClock(loop=asyncio.get_running_loop(), scale=1.0, start=0.0)
    happened: list[tuple[str, int]] = []

    def note(name: str) -> None:
        happened.append((name, round(clock.uptime())))

    clock.later(30, lambda: note("b"))

    def nest() -> None:
        clock.later(5, lambda: note("nested"))

    clock.later(10, nest)
    clock.later(20, lambda: note("never")).cancel()
    clock.advance(29)
    clock.advance(60)
    assert happened == [("nested", 15), ("b", 30)]
    clock.close()


async def test_real_time_lets_timers_go_off() -> None:
    clock = DeviceClock(loop=asyncio.get_running_loop(), scale=6000.0, start=0.0)
    done = asyncio.Event()
    clock.later(60, done.set)
    async with asyncio.timeout(5):
        await done.wait()
    assert clock.uptime() >= 59.0
    clock.close()
