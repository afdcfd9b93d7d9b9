"""Each fault of the simulator does what its name says, when it was told to, and no more."""

import asyncio
from collections.abc import AsyncIterator

import asyncssh
import pytest

from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from tests.helpers_simulator import ROUTER, Person, person, settled

LINES = ["description one", "bandwidth 1000", "load-interval 30", "ip mtu 1400"]


@pytest.fixture
async def router() -> AsyncIterator[SimulatedDevice]:
    spec = DeviceSpec(name="r1", config=ROUTER, management="GigabitEthernet0/0")
    async with Fleet([spec], time_scale=100.0) as fleet:
        yield fleet["r1"]


async def push(someone: Person) -> None:
    await someone.type("configure terminal")
    await someone.type("interface gi0/1")
    for line in LINES:
        await someone.type(line)


def stored(device: SimulatedDevice) -> list[str]:
    return [line for line in LINES if f" {line}\n" in device.running()]


async def unanswered(someone: Person, line: str) -> None:
    someone.write(f"{line}\r")
    with pytest.raises(TimeoutError):
        await someone.until(r"[#>]$", timeout=0.2)


@pytest.mark.parametrize("what", [What.RESET, What.CLOSE])
@pytest.mark.parametrize("after", [False, True])
async def test_the_connection_drops_at_a_line(
    router: SimulatedDevice, what: What, after: bool
) -> None:
    router.inject(Fault(what=what, when=When(line=3, after=after)))
    async with person(router) as someone:
        with pytest.raises((EOFError, OSError)):
            await push(someone)
    assert stored(router) == LINES[: 2 if after else 1]
    await settled(lambda: not router.sessions)
    async with person(router) as someone:
        await push(someone)
    assert stored(router) == LINES


async def test_a_half_open_session_is_silent_and_holds_its_line(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.SILENCE, when=When(match="bandwidth")))
    async with person(router) as someone:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await push(someone)
    assert stored(router) == LINES[:1]
    assert router.sessions == 1
    router.advance(601)
    await settled(lambda: not router.sessions)


@pytest.mark.parametrize("what", [What.SILENCE, What.HANG])
async def test_lines_typed_ahead_of_a_lost_session_do_nothing(
    router: SimulatedDevice, what: What
) -> None:
    router.inject(Fault(what=what, when=When(match="load-interval", after=False)))
    async with person(router) as someone:
        lines = ["configure terminal", "interface gi0/1", *LINES, "end"]
        someone.write("".join(f"{line}\r" for line in lines))
        with pytest.raises(TimeoutError):
            await someone.until(r"R1#$", timeout=0.3)
    assert stored(router) == LINES[:2]


async def test_a_hanging_line_is_echoed_and_never_answered(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.HANG, when=When(match="load-interval")))
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        someone.write("load-interval 30\r")
        await someone.until(r"load-interval 30\r?\n")
        await unanswered(someone, "end")
    assert stored(router) == []


async def test_a_slow_line_is_answered_late(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.SLOW, when=When(match="bandwidth"), seconds=1000))
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        await unanswered(someone, "bandwidth 1000")
        someone.write("ip mtu 1400\r")
        router.advance(1000)
        await someone.until(r"ip mtu 1400\s+R1\(config-if\)#$")
    assert stored(router) == ["bandwidth 1000", "ip mtu 1400"]


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
@pytest.mark.parametrize("what", [What.HANG, What.SLOW])
async def test_a_line_takes_effect_before_it_is_answered(
    router: SimulatedDevice, what: What, seconds: float
) -> None:
    when = When(match="bandwidth", after=True)
    router.inject(Fault(what=what, when=when, seconds=seconds))
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        someone.write("bandwidth 1000\r")
        await settled(lambda: stored(router) == ["bandwidth 1000"])
        if seconds:
            with pytest.raises(TimeoutError):
                await someone.until(r"R1\(config-if\)#$", timeout=0.1)
            router.advance(seconds)
        if seconds or what is What.SLOW:
            await someone.type("ip mtu 1400")
            assert stored(router) == ["bandwidth 1000", "ip mtu 1400"]
        else:
            await unanswered(someone, "ip mtu 1400")
            assert stored(router) == ["bandwidth 1000"]


def test_what_cannot_happen_after_a_line_is_no_fault() -> None:
    with pytest.raises(ValueError, match="reject cannot happen after a line took effect"):
        Fault(what=What.REJECT, when=When(after=True))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "              ^\n% Invalid input detected at '^' marker.\n\n"),
        ("Command rejected: not now", "Command rejected: not now\n"),
    ],
)
async def test_a_line_is_rejected(router: SimulatedDevice, text: str, answer: str) -> None:
    router.inject(Fault(what=What.REJECT, when=When(match="bandwidth"), text=text))
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        assert await someone.type("bandwidth 1000") == answer
        assert await someone.type("bandwidth 1000") == ""
    assert stored(router) == ["bandwidth 1000"]


async def test_a_line_is_accepted_and_forgotten(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.FORGET, when=When(match="load-interval"), times=None))
    async with person(router) as someone:
        await push(someone)
        await push(someone)
    assert stored(router) == [line for line in LINES if line != "load-interval 30"]
    router.clear()
    async with person(router) as someone:
        await push(someone)
    assert stored(router) == LINES


async def test_something_else_is_stored(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.ALTER, when=When(match="mtu"), text="ip mtu 1300"))
    async with person(router) as someone:
        await push(someone)
    assert " ip mtu 1300\n" in router.running()


async def test_authorisation_is_denied_for_some_commands(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.DENIED, when=When(match="^write"), times=None))
    async with person(router) as someone:
        assert await someone.type("write memory") == "Command authorization failed.\n\n"
        assert await someone.type("show privilege") == "Current privilege level is 15\n"


async def test_a_question_nobody_expects(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.ASK, when=When(match="mtu"), text="Really? [confirm]"))
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        await someone.type("ip mtu 1400", pattern=r"\[confirm\]$")
        assert stored(router) == []
        someone.write("\r")
        await someone.until(r"#$")
    assert stored(router) == ["ip mtu 1400"]


async def test_somebody_else_edits_meanwhile(router: SimulatedDevice) -> None:
    router.inject(
        Fault(what=What.EDIT, when=When(line=3), text="interface gi0/1\nip mtu 1200\nhostname R9")
    )
    async with person(router) as someone:
        await push(someone)
        assert someone.prompt == "R9(config-if)#"
    assert stored(router) == LINES
    router.inject(Fault(what=What.EDIT, when=When(match="write"), text="hostname R8"))
    async with person(router) as someone:
        await someone.type("write memory")
    assert "hostname R8\n" in router.startup()


async def test_a_log_message_lands_on_the_prompt_line(router: SimulatedDevice) -> None:
    router.inject(
        Fault(what=What.SYSLOG, when=When(match="mtu"), text="%LINK-3-UPDOWN: Interface down")
    )
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        someone.write("ip mtu 1400\r")
        text = await someone.until(r"Interface down\s+")
    assert "R1(config-if)#\n*Nov  2 09:" in text


async def test_a_reboot_in_the_middle_forgets_what_was_not_saved(router: SimulatedDevice) -> None:
    before = router.running()
    router.inject(Fault(what=What.REBOOT, when=When(line=4)))
    async with person(router) as someone:
        with pytest.raises(EOFError):
            await push(someone)
    assert not router.reachable
    with pytest.raises(OSError):
        async with person(router):
            pass
    router.advance(60)
    await settled(lambda: router.reachable)
    assert router.running() == before


async def test_no_line_no_banner_no_answer(router: SimulatedDevice) -> None:
    for what in (What.VTY_FULL, What.REFUSED):
        router.inject(Fault(what=what))
        with pytest.raises((OSError, asyncssh.Error)):
            async with person(router):
                pass
    router.inject(Fault(what=What.UNREACHABLE))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), person(router):
            pass
    async with person(router):
        pass


async def test_credentials_fail(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.AUTH_FAIL, times=None))
    with pytest.raises(asyncssh.PermissionDenied):
        async with person(router):
            pass


async def test_the_configuration_is_locked_for_a_while(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.LOCKED, times=2))
    async with person(router) as someone:
        for line in ("configure terminal", "configure terminal revert timer 5"):
            assert await someone.type(line) == (
                "Configuration mode is locked by process '484' user 'NETCONF' from terminal "
                "'64'. Please try later.\n"
            )
            assert someone.prompt == "R1#"
        await someone.type("configure terminal")
        assert someone.prompt == "R1(config)#"
    assert not router.pending_revert


async def test_a_confirm_whose_answer_is_lost(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.CONFIRM_LOST))
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("end")
        await unanswered(someone, "configure confirm")
    assert not router.pending_revert


async def test_saving_fails_as_often_as_told(router: SimulatedDevice) -> None:
    before = router.startup()
    router.inject(Fault(what=What.SAVE_FAIL, times=2))
    async with person(router) as someone:
        await push(someone)
        await someone.type("end")
        for _ in range(2):
            assert await someone.type("write memory") == (
                "startup-config file open failed (Device or resource busy)\n"
            )
            assert router.startup() == before
        assert "[OK]" in await someone.type("write memory")
    assert router.startup() == router.running()


async def test_another_host_key(router: SimulatedDevice) -> None:
    async with person(router):
        router.inject(Fault(what=What.KEY_CHANGED))
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            async with person(router):
                pass
    router.clear()
    async with person(router):
        pass


async def test_management_is_lost_until_the_device_rolls_back(router: SimulatedDevice) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("interface gi0/0")
        await unanswered(someone, "shutdown")
        assert not router.reachable
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), person(router):
                pass
        router.advance(301)
        assert router.running() == before
        await someone.until(r"Rollback Done")
    async with person(router):
        pass


async def test_management_is_lost_at_a_line(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.LOST_MANAGEMENT, when=When(line=2, after=True)))
    async with person(router) as someone:
        await someone.type("configure terminal revert timer 5")
        await someone.type("interface gi0/1")
        await unanswered(someone, "description cut off")
    assert " description cut off\n" in router.running()
    assert not router.reachable
    router.advance(301)
    async with person(router):
        pass
    assert "cut off" not in router.running()


async def test_chance_is_repeatable() -> None:
    async def struck() -> list[str]:
        async with Fleet([DeviceSpec(name="r1", config=ROUTER)]) as fleet:
            device = fleet["r1"]
            device.inject(Fault(what=What.FORGET, when=When(match=" |.", chance=0.5), times=None))
            async with person(device) as someone:
                await someone.type("configure terminal")
                for number in range(20):
                    await someone.type(f"ip host h{number} 192.0.2.{number}")
            return [line for line in device.running().splitlines() if line.startswith("ip host")]

    first, second = await struck(), await struck()
    assert first == second
    assert 0 < len(first) < 20


@pytest.mark.parametrize(
    ("how", "shorter"), [("lose", True), ("double", False), ("nul", False), ("", True)]
)
async def test_an_answer_is_damaged_once(
    router: SimulatedDevice, how: str, *, shorter: bool
) -> None:
    router.inject(Fault(what=What.GARBLE, when=When(match="^show run"), text=how))
    async with person(router) as someone:
        damaged = await someone.type("show running-config")
        whole = await someone.type("show running-config")
        assert damaged != whole
        assert (len(damaged) < len(whole)) is shorter
        assert ("\0" in damaged) is (how == "nul")


async def test_output_in_pieces_is_whole_in_the_end(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.CHUNKED, times=None))
    async with person(router) as someone:
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        await someone.type("description Büro")
        await someone.type("end")
        assert "description Büro" in await someone.type("show running-config")


async def test_what_looks_like_a_prompt_comes_before_the_answer(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.MIMIC, when=When(match="^show priv"), seconds=1000))
    async with person(router) as someone:
        await someone.type("show privilege")
        assert someone.prompt == "core-sw9#"
        router.advance(1000)
        assert "level is 15" in await someone.until(r"R1#$")


async def test_an_old_answer_comes_again(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("show privilege")
        router.inject(Fault(what=What.REPEAT, when=When(match="^show clock")))
        text = await someone.type("show clock", pattern=r"UTC[^\n]*\n+R1#$")
        assert "level is 15\nR1#" in text


async def test_the_pager_cannot_be_switched_off(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.PAGER, times=None))
    async with person(router) as someone:
        assert "% Invalid input" in await someone.type("terminal length 0")
        someone.write("show running-config\r")
        await someone.until(r" --More-- $")
        someone.write("q")
        await someone.until(r"R1#$")


async def test_a_long_line_scrolls_on_a_narrow_terminal(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.NARROW, times=None))
    text = "description " + "abcdefghij" * 9
    async with person(router) as someone:
        assert "% Invalid input" in await someone.type("terminal width 512")
        await someone.type("configure terminal")
        await someone.type("interface gi0/1")
        someone.write(f"{text}\r")
        echo = await someone.until(r"\n(R1[^\n]*#)$")
    assert text not in echo
    assert "\b$" in echo
    assert f" {text}\n" in router.running()


async def test_the_login_is_accepted_and_no_session_granted(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.NO_SHELL))
    with pytest.raises(EOFError, match="Authorization failed"):
        async with person(router):
            pass
    await settled(lambda: not router.sessions)


async def test_the_password_has_expired(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.EXPIRED))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), person(router):
            pass
    async with person(router):
        pass


async def test_a_barred_client_is_reset(router: SimulatedDevice) -> None:
    router.inject(Fault(what=What.BARRED))
    with pytest.raises((OSError, asyncssh.Error)):
        async with person(router):
            pass
    async with person(router):
        pass


@pytest.mark.parametrize("reply", ["no", "yes"])
async def test_saving_asks_whether_to_cut(router: SimulatedDevice, reply: str) -> None:
    before = router.startup()
    router.inject(Fault(what=What.SAVE_CUT))
    async with person(router) as someone:
        await push(someone)
        await someone.type("end")
        await someone.type("write memory", pattern=r"\[no\]: $")
        someone.write(f"{reply}\r")
        said = await someone.until(r"R1#$")
    assert ("[OK]" in said) is (reply == "yes")
    assert (router.startup() == before) is (reply == "no")
    assert router.startup() != router.running()
