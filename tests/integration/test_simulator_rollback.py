"""Rollback-confirmed change, archive and replace, held against transcripts of real devices."""

import re
from collections.abc import AsyncIterator

import pytest

from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from tests.helpers_simulator import ROUTER, person, settled

OTHER = "username other privilege 15 secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0\n"
STAMP = r"flash:archive-Nov--2-\d\d-\d\d-\d\d\.\d{3}"


@pytest.fixture
async def router() -> AsyncIterator[SimulatedDevice]:
    config = ROUTER.replace("username catnet", OTHER + "username catnet")
    async with Fleet([DeviceSpec(name="r1", config=config)], time_scale=1.0) as fleet:
        yield fleet["r1"]


@pytest.fixture
async def bare() -> AsyncIterator[SimulatedDevice]:
    config = ROUTER.replace("archive\n path flash:archive\n!\n", "")
    async with Fleet([DeviceSpec(name="r1", config=config)]) as fleet:
        yield fleet["r1"]


async def test_arming_prints_what_a_device_prints(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        text = await someone.type("conf t revert timer 5")
        assert re.fullmatch(
            "Rollback Confirmed Change: Backing up current running config to "
            rf"{STAMP}-0\n\n"
            r"Enter configuration commands, one per line\.  End with CNTL/Z\.\n",
            text,
        )
        assert someone.prompt == "R1(config)#"
        assert router.pending_revert
        timer = await someone.type("do show archive config rollback timer")
    assert re.fullmatch(
        r"Time configured\(or reconfigured\): \d\d:\d\d:\d\d UTC Mon Nov 2 2026\n"
        "Timer type: absolute timer\nTimer value: 5 min\nUser: catnet\n",
        timer,
    )


async def test_the_last_minute_is_announced_on_the_prompt_line(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        someone.write("configure terminal revert timer 1\r")
        await someone.until(r"R1\(config\)#")
        text = await someone.until(r"configured\s+$")
    assert text == (
        "Rollback Confirmed Change: Rollback will begin in one minute.\n"
        'Enter "configure confirm" if you wish to keep what you\'ve configured\n'
    )


async def test_expiry_restores_what_was_running(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 3")
        await someone.type("interface gi0/1")
        await someone.type("ip address 2.2.2.2 255.255.255.0")
        await someone.type("hostname CHANGED")
        await someone.type("end")
        assert router.running() != before
        router.advance(120)
        await someone.until(r"in one minute\.\s+Enter .*\s+$")
        router.advance(61)
        text = await someone.until(r"Rollback Done\s+")
    assert re.search(
        rf"Rollback Confirmed Change: rolling to:{STAMP}-0\n\n!Pass 1\n"
        r"!List of Rollback Commands:\n(.+\n)+end\n\nTotal number of passes: 1\nRollback Done\n",
        text,
    )
    assert router.running() == before
    assert not router.pending_revert


async def test_the_timer_outlives_the_session(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 2")
        await someone.type("interface gi0/1")
        await someone.type("description gone soon")
    await settled(lambda: router.sessions == 0)
    assert router.running() != before
    router.advance(119)
    assert router.running() != before
    router.advance(2)
    assert router.running() == before


async def test_confirming_keeps_the_change_and_says_nothing(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 2")
        await someone.type("interface gi0/1")
        await someone.type("description kept")
        await someone.type("end")
    async with person(router) as again:
        assert await again.type("configure confirm") == ""
        assert await again.type("configure confirm") == ("%No Rollback Confirmed Change pending\n")
    router.advance(600)
    assert " description kept\n" in router.running()
    assert "description kept" not in router.startup()


async def test_only_the_same_user_may_confirm_or_revert(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("end")
    async with person(router, username="other", password="cisco") as other:
        for line in ("configure confirm", "configure revert now", "configure revert timer 9"):
            assert (await other.type(line)).startswith("%")
            assert router.pending_revert


async def test_a_second_change_cannot_be_armed(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("end")
        assert "%" in await someone.type("configure terminal revert timer 5")
        assert someone.prompt == "R1#"


async def test_reverting_now(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("no ip domain name example.net")
        await someone.type("end")
        text = await someone.type("configure revert now")
        assert text.startswith("Rollback Confirmed Change: rolling to:")
        assert text.endswith("Rollback Done\n")
        assert await someone.type("configure revert now") == (
            "%No Rollback Confirmed Change pending\n"
        )
    assert router.running() == before


async def test_the_timer_can_be_set_anew(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 2")
        await someone.type("end")
        router.advance(30)
        assert await someone.type("configure revert timer 10") == ""
        router.advance(300)
        assert router.pending_revert


async def test_an_idle_timer_starts_anew_at_each_enter(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("configure terminal revert timer idle 2")
        for _ in range(5):
            router.advance(55)
            await someone.type("")
        assert router.pending_revert
        assert "idle timer" in await someone.type("do show archive config rollback timer")
    router.advance(121)
    assert not router.pending_revert


async def test_without_an_archive_config_mode_is_not_entered(bare: SimulatedDevice) -> None:
    async with person(bare) as someone:
        assert await someone.type("show archive") == " Archive feature not enabled\n"
        assert await someone.type("configure terminal revert timer 5") == (
            "%Turn config archive on before using Rollback Confirmed Change\n"
        )
        assert someone.prompt == "R1#"


async def test_a_reload_while_pending_boots_what_was_saved(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("no ip domain name example.net")
    router.reboot()
    assert not router.reachable
    router.advance(61)
    assert router.running() == before
    assert not router.pending_revert


async def test_replace_goes_back_to_a_file(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("archive config")
        name = re.search(r"flash:\S+-0", await someone.type("show archive"))
        assert name is not None
        await someone.configure("interface gi0/1", "description other", "no shutdown")
        differences = await someone.type(f"show archive config differences {name[0]}")
        assert "!Contextual Config Diffs:" in differences
        assert " +description other\n" in differences
        asked = await someone.type(f"configure replace {name[0]} list", pattern=r"\[no\]: $")
        assert asked.startswith("This will apply all necessary additions and deletions\n")
        text = await someone.type("y")
        assert text.startswith("!Pass 1\n!List of Commands:\ninterface GigabitEthernet0/1\n")
        assert router.running() == before
        assert await someone.type(f"configure replace {name[0]} force") == (
            "Total number of passes: 0\nRollback Done\n"
        )
        assert "Could not open file flash:none" in await someone.type(
            "configure replace flash:none force"
        )


async def test_a_replace_that_fails_in_part_looks_like_success(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("copy running-config flash:bad", pattern=r"\]\? $")
        await someone.type("")
        router._machine.flash["flash:bad"] = router.running().replace(
            "ip domain name example.net\n", "adfjasdfadfa\nip domain name other.net\n"
        )
        text = await someone.type("configure replace flash:bad force")
        assert "Rollback aborted after 5 passes\n" in text
        assert "********\nadfjasdfadfa\n********\n" in text
        assert "ip domain name other.net\n" in router.running()
        before = router.running()
        router._machine.flash["flash:bad"] = before.replace("other.net", "x.net\nqwertz")
        text = await someone.type("configure replace flash:bad force revert trigger error")
        assert text.endswith("The original configuration has been successfully restored.\n")
        assert router.running() == before


async def test_a_replace_can_have_a_timer(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("copy running-config flash:goal", pattern=r"\]\? $")
        await someone.type("")
        await someone.configure("ip host temporary 192.0.2.9")
        changed = router.running()
        text = await someone.type("configure replace flash:goal list force time 2")
        assert text.startswith("Rollback Confirmed Change: Backing up current running config to ")
        assert "no ip host temporary 192.0.2.9\nend\n" in text
        assert router.running() == before
        assert router.pending_revert
        router.advance(121)
        assert router.running() == changed
        await someone.until(r"Rollback Done\s+")


async def test_a_rollback_may_leave_a_line_behind(router: SimulatedDevice) -> None:
    before = router.running()
    router.inject(Fault(what=What.REVERT_FAIL, when=When(match="ntp server")))
    router.type(["hostname R1"])
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 2")
        await someone.type("ntp server 192.0.2.123")
        await someone.type("ip host a 192.0.2.9")
        await someone.type("end")
    router.advance(121)
    left = [line for line in router.running().splitlines() if line not in before.splitlines()]
    assert left == ["ntp server 192.0.2.123"]


async def test_the_archive_keeps_as_many_files_as_it_may(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.configure("archive", "maximum 3", "write-memory")
        for _ in range(5):
            await someone.type("write memory")
        shown = await someone.type("show archive")
    assert "The maximum archive configurations allowed is 3.\n" in shown
    assert "There are currently 3 archive configurations saved.\n" in shown
    assert "-4 <- Most Recent\n" in shown
    assert "<timestamp>-5\n" in shown


async def test_a_full_flash_cannot_arm(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.ARCHIVE_FAIL))
    async with person(router) as someone:
        text = await someone.type("configure terminal revert timer 5")
        assert "No space left on device" in text
        assert someone.prompt == "R1#"
    assert not router.pending_revert
