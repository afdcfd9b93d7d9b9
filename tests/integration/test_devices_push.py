"""The transaction over real SSH: all of the change, proved and saved, or none of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from catnet_controller.devices.credentials import Credential
from catnet_controller.errors import (
    ArmRefused,
    AuthenticationFailed,
    CatnetError,
    ConnectionLost,
    DeviceBusy,
    DeviceTimeout,
    EnableFailed,
    HostKeyChanged,
    HostKeyUnknown,
    LeaseLost,
    LineRefused,
    NotUnderstood,
    RollbackPending,
    SaveFailed,
    VerifyFailed,
)
from catnet_controller.ios.changes import ChangeSet, Command
from catnet_controller.ios.diff import compare
from catnet_controller.models import Fallback, Intent, Restored, Step
from catnet_controller.simulator.faults import What
from catnet_controller.simulator.fleet import SimulatedDevice
from tests.integration.devicelab import (
    CONFIG,
    WITHOUT_ARCHIVE,
    Lab,
    Record,
    laboratory,
)

NTP = ("ntp server 192.0.2.123", "ntp server 192.0.2.124")
UPLINK = (" description uplink", " description to core1")
SHOWS = re.compile(r"show |terminal ")


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with laboratory(tmp_path) as lab:
        yield lab


# --- reading -----------------------------------------------------------------------------------


async def test_read_keeps_a_backup_and_types_only_show(lab: Lab) -> None:
    record = Record()
    reading = await lab.devices.read(lab.device, record)
    assert reading.text.endswith(f"{lab.before.rstrip()}\n")
    assert reading.hostname == "r1"
    assert reading.backup is not None
    assert await lab.backups.read(reading.backup.id) == reading.text
    assert record.steps == [Step.CONNECT, Step.READ]
    assert all(SHOWS.match(line) for line in lab.typed)
    assert lab.untouched


# --- forward -----------------------------------------------------------------------------------


async def test_change_is_made_proved_confirmed_and_saved(lab: Lab) -> None:
    record = Record()
    result = await lab.push(lab.wanting(NTP, UPLINK), record)
    assert result.error is None, result.error
    assert lab.saved
    assert "ntp server 192.0.2.124" in lab.sim.startup()
    assert "ntp server 192.0.2.123" not in lab.sim.startup()
    assert result.before is not None
    assert result.after is not None
    assert "192.0.2.124" in result.after.text
    assert result.restored is Restored.NOT_NEEDED
    assert record.steps == [
        Step.CONNECT,
        Step.READ,
        Step.COMPARE,
        Step.GUARD,
        Step.ARM,
        Step.PUSH,
        Step.PROVE,
        Step.CONFIRM,
        Step.SAVE,
    ]
    order = [exchange.line for exchange in result.transcript]
    assert order.index("configure terminal revert timer 5") < order.index("configure confirm")
    assert order.index("configure confirm") < order.index("write memory")


async def test_the_intent_is_recorded_before_the_device_is_armed(lab: Lab) -> None:
    record = Record(lose=Step.ARM)
    with pytest.raises(LeaseLost):
        await lab.push(lab.wanting(NTP), record)
    assert all(SHOWS.match(line) for line in lab.typed)
    assert lab.untouched


async def test_nothing_to_do_types_nothing(lab: Lab) -> None:
    result = await lab.push(lab.wanting())
    assert result.error is None
    assert all(SHOWS.match(line) for line in lab.typed)
    assert lab.untouched


async def test_nothing_to_type_but_not_saved_is_saved(lab: Lab) -> None:
    lab.sim.type(["ntp server 192.0.2.124", "no ntp server 192.0.2.123"])
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None
    assert lab.saved


async def test_an_experiment_of_the_operator_is_not_saved(lab: Lab) -> None:
    """What is wanted is saved; what else runs unsaved is no business of a push."""
    lab.sim.type(["interface GigabitEthernet0/1", "description trying something"])
    wanted = "ntp server 192.0.2.123\n"
    result = await lab.push(lambda running: compare(running, wanted, scope="partial"))
    assert result.error is None
    assert lab.sim.startup() == lab.before
    assert all(SHOWS.match(line) for line in lab.typed)


async def test_hostname_change_is_followed(lab: Lab) -> None:
    result = await lab.push(lab.wanting(("hostname r1", "hostname edge1-of-the-longest-site")))
    assert result.error is None, result.error
    assert lab.saved
    assert "hostname edge1-of-the-longest-site" in lab.sim.startup()


async def test_banner_is_typed_as_content(lab: Lab) -> None:
    banner = "banner motd ^C\nr1#\n\n  Keep out!\n^C\n"
    result = await lab.push(lab.wanting(("line con 0", f"{banner}line con 0")))
    assert result.error is None, result.error
    assert lab.saved
    assert "  Keep out!" in lab.sim.startup()


async def test_syslog_on_the_prompt_line_is_no_answer(lab: Lab) -> None:
    text = "%SYS-5-CONFIG_I: Configured from console by bob on vty1 (192.0.2.9)"
    lab.inject(What.SYSLOG, match="ntp", text=text, times=None)
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None, result.error
    assert lab.saved


async def test_one_minute_timer_whose_warning_comes_at_once(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=1, scale=20.0) as lab:
        result = await lab.push(lab.wanting(NTP, UPLINK))
        assert result.error is None, result.error
        assert lab.saved


# --- refused before anything was typed ---------------------------------------------------------


async def refused(lab: Lab, error: type[CatnetError], *, match: str = "") -> CatnetError:
    """The push ends in this error with the device as it was and nothing typed into it."""
    result = await lab.push(lab.wanting(NTP))
    assert isinstance(result.error, error), result.error
    assert re.search(match, result.error.message)
    assert result.restored is Restored.NOT_NEEDED
    assert not any(line.startswith("ntp") for line in lab.typed)
    assert lab.untouched
    return result.error


async def test_unknown_host_key(tmp_path: Path) -> None:
    async with laboratory(tmp_path, trusted=False) as lab:
        await refused(lab, HostKeyUnknown, match=re.escape(lab.sim.fingerprint))
        assert lab.typed == []


async def test_changed_host_key(lab: Lab) -> None:
    lab.inject(What.KEY_CHANGED)
    await refused(lab, HostKeyChanged, match=re.escape(lab.sim.fingerprint))
    assert lab.typed == []


async def test_wrong_password(tmp_path: Path) -> None:
    wrong = Credential(username="catnet", password="hush")
    async with laboratory(tmp_path, credential=wrong) as lab:
        error = await refused(lab, AuthenticationFailed)
        assert "hush" not in str(error)


async def test_enable_secret(tmp_path: Path) -> None:
    given = Credential(username="catnet", password="catnet", enable="deep")
    async with laboratory(tmp_path, credential=given, spec={"enable": "deep"}) as lab:
        result = await lab.push(lab.wanting(NTP))
        assert result.error is None, result.error
        assert "deep" not in str(result.transcript)


async def test_wrong_enable_secret(tmp_path: Path) -> None:
    wrong = Credential(username="catnet", password="catnet", enable="hush")
    async with laboratory(tmp_path, credential=wrong, spec={"enable": "deep"}) as lab:
        error = await refused(lab, EnableFailed)
        assert "hush" not in str(error)


async def test_no_free_vty_line_is_waited_for(lab: Lab) -> None:
    lab.inject(What.VTY_FULL, times=2)
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None, result.error
    assert lab.saved


async def test_no_free_vty_line_at_all(lab: Lab) -> None:
    lab.inject(What.VTY_FULL, times=None)
    await refused(lab, DeviceBusy, match="VTY")


async def test_locked_configuration(lab: Lab) -> None:
    lab.inject(What.LOCKED, times=None)
    await refused(lab, DeviceBusy, match="locked")


async def test_timer_of_somebody_else(lab: Lab) -> None:
    lab.sim._machine.archive.arm(60, idle=False, user="bob", notify=lambda _: None)
    result = await lab.push(lab.wanting(NTP))
    assert isinstance(result.error, RollbackPending)
    assert "bob" in result.error.message
    assert lab.sim.pending_revert
    assert lab.sim.running() == lab.before


@pytest.mark.parametrize("fallback", Fallback)
async def test_edit_by_hand_between_reading_and_arming_stays(
    tmp_path: Path, fallback: Fallback
) -> None:
    config = WITHOUT_ARCHIVE if fallback is Fallback.REVERSE else CONFIG

    async with laboratory(tmp_path, config=config, fallback=fallback) as lab:

        class Edited(Record):
            async def __call__(self, step: Step, intent: Intent | None) -> None:
                await super().__call__(step, intent)
                if step is Step.ARM and self.steps.count(step) == 1:
                    lab.sim.type(["interface GigabitEthernet0/1", "description by hand"], by="bob")

        result = await lab.push(lab.wanting(NTP), Edited())
        assert isinstance(result.error, DeviceBusy)
        assert result.restored is Restored.NOT_NEEDED
        assert "description by hand" in lab.sim.running()
        assert not any(line.startswith("ntp") for line in lab.typed)
        assert not lab.sim.pending_revert
        result = await lab.push(lab.wanting(NTP))
        assert result.error is None
        assert lab.saved


async def test_no_archive_and_no_fallback(tmp_path: Path) -> None:
    async with laboratory(tmp_path, config=WITHOUT_ARCHIVE) as lab:
        await refused(lab, ArmRefused)


async def test_archive_that_cannot_be_written(lab: Lab) -> None:
    lab.inject(What.ARCHIVE_FAIL, times=None)
    await refused(lab, ArmRefused)


@pytest.mark.parametrize("text", ["description what?", "ntp\x03", "description " + "x" * 250])
async def test_line_that_a_terminal_would_not_take(lab: Lab, text: str) -> None:
    change_set = ChangeSet(commands=(Command(text=text, origin="configs/r1.cfg:7"),))
    result = await lab.push(lambda _: change_set)
    assert isinstance(result.error, NotUnderstood)
    assert "configs/r1.cfg:7" in result.error.message
    assert all(SHOWS.match(line) for line in lab.typed)


# --- undone ------------------------------------------------------------------------------------


async def undone(lab: Lab, error: type[CatnetError], *, match: str = "") -> CatnetError:
    """The push ends in this error and the device was put back, by its own words."""
    result = await lab.push(lab.wanting(UPLINK, NTP))
    assert isinstance(result.error, error), result.error
    assert re.search(match, result.error.message), result.error.message
    assert result.restored is Restored.RESTORED
    assert result.remaining == ""
    assert lab.untouched
    assert result.after is not None
    assert "192.0.2.123" in result.after.text
    return result.error


async def test_refused_line(lab: Lab) -> None:
    lab.inject(What.REJECT, match="^ntp server")
    await undone(lab, LineRefused, match="refused `ntp server 192.0.2.124`: .*Invalid input")


async def test_semantic_refusal_without_a_percent_sign(lab: Lab) -> None:
    lab.inject(What.REJECT, match="^ntp server", text="Bad mask /24 for address 192.0.2.124")
    await undone(lab, LineRefused, match="Bad mask")


async def test_unknown_question(lab: Lab) -> None:
    lab.inject(What.ASK, match="^ntp server", text="Do you really want this? [confirm]")
    await undone(lab, LineRefused, match="really want this")


@pytest.mark.parametrize("what", [What.RESET, What.CLOSE])
@pytest.mark.parametrize("after", [False, True])
async def test_connection_lost_in_the_middle(lab: Lab, what: What, after: bool) -> None:
    lab.inject(what, match="^ntp server", after=after)
    await undone(lab, ConnectionLost)


@pytest.mark.parametrize("what", [What.SILENCE, What.HANG])
async def test_device_falls_silent_in_the_middle(lab: Lab, what: What) -> None:
    lab.inject(what, match="^ntp server")
    await undone(lab, DeviceTimeout)


async def test_line_that_cuts_the_way_is_undone_by_the_device(lab: Lab) -> None:
    lab.inject(What.LOST_MANAGEMENT, match="^ntp server")
    await undone(lab, DeviceTimeout)
    assert not any("configure revert" in line for line in lab.typed)


async def test_reboot_in_the_middle(lab: Lab) -> None:
    lab.inject(What.REBOOT, match="^ntp server")
    await undone(lab, ConnectionLost)


@dataclass
class _Rebooted(Record):
    """The device restarts before it is saved, and is back before it is asked to save."""

    device: SimulatedDevice | None = None

    async def __call__(self, step: Step, intent: Intent | None) -> None:
        await super().__call__(step, intent)
        if step is Step.SAVE and self.device is not None:
            self.device.reboot()
            async with asyncio.timeout(5):
                while not self.device.reachable:  # noqa: ASYNC110 - a device tells nobody
                    await asyncio.sleep(0.005)


async def test_reboot_before_the_save_is_no_success(lab: Lab) -> None:
    """What it had before is not saved as if it were the change."""
    result = await lab.push(lab.wanting(NTP), _Rebooted(device=lab.sim))
    assert isinstance(result.error, ConnectionLost), result.error
    assert "restarted before the change was saved" in result.error.message
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_after_a_reboot_that_does_not_end_nothing_is_claimed(tmp_path: Path) -> None:
    async with laboratory(tmp_path, spec={"boot_time": 1e9}) as lab:
        lab.inject(What.REBOOT, match="^write")
        result = await lab.push(lab.wanting(NTP))
        assert isinstance(result.error, SaveFailed)
        assert "whether it is saved is not known" in result.error.message
        assert "restarted" in result.error.next_step
        assert result.restored is Restored.UNKNOWN


async def test_a_save_whose_answer_was_lost_is_done_again(lab: Lab) -> None:
    lab.inject(What.RESET, match="^write", after=True)
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None
    assert lab.saved
    assert "ntp server 192.0.2.124" in lab.sim.startup()


async def test_line_taken_but_not_stored(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=60) as lab:
        lab.inject(What.FORGET, match="^ntp server")
        await undone(lab, VerifyFailed, match="ntp server 192.0.2.124")


async def test_line_stored_as_something_else(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=60) as lab:
        lab.inject(What.ALTER, match="^ntp server", text="ntp server 192.0.2.99")
        await undone(lab, VerifyFailed, match="192.0.2.99")


async def test_new_login_fails_after_the_change(lab: Lab) -> None:
    """The old session is still there to revert with."""
    failing = _When(lab, Step.PROVE, What.AUTH_FAIL)
    result = await lab.push(lab.wanting(NTP), failing)
    assert isinstance(result.error, AuthenticationFailed)
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_confirm_is_denied(lab: Lab) -> None:
    lab.inject(What.DENIED, match="^configure confirm", times=None)
    await undone(lab, CatnetError, match="authorization failed")


async def test_hostname_change_is_undone(lab: Lab) -> None:
    lab.inject(What.REJECT, match="^ntp server")
    result = await lab.push(lab.wanting(("hostname r1", "hostname edge1"), NTP))
    assert isinstance(result.error, LineRefused)
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_fault_of_our_own_in_the_middle_is_undone(lab: Lab) -> None:
    class Broken(Record):
        async def __call__(self, step: Step, intent: object) -> None:
            if step is Step.PROVE:
                raise ZeroDivisionError

    result = await lab.push(lab.wanting(NTP), Broken())
    assert result.error is not None
    assert result.error.code == "internal-fault"
    assert result.restored is Restored.RESTORED
    assert lab.untouched


async def test_push_that_takes_too_long_for_its_timer(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=1, scale=40.0, patience=4.0) as lab:
        lab.inject(What.SLOW, match="description", seconds=51)
        await undone(lab, DeviceTimeout, match="longer than the revert timer")


async def test_timer_that_fires_in_the_middle_is_no_fault_of_the_line(tmp_path: Path) -> None:
    async with laboratory(tmp_path, minutes=1, scale=40.0, patience=4.0) as lab:
        lab.inject(What.SLOW, match="description", seconds=70)
        await undone(lab, DeviceTimeout, match="timer fired")


async def test_revert_that_leaves_a_line(lab: Lab) -> None:
    """What the device's own rollback leaves is typed by CatNet."""
    lab.inject(What.REJECT, match="^ntp server")
    lab.inject(What.REVERT_FAIL, match="description")
    await undone(lab, LineRefused)


# --- the end of the change ---------------------------------------------------------------------


async def test_lost_confirm_is_found_out(lab: Lab) -> None:
    lab.inject(What.CONFIRM_LOST)
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None, result.error
    assert lab.saved


async def test_save_fails(lab: Lab) -> None:
    lab.inject(What.SAVE_FAIL, times=None)
    result = await lab.push(lab.wanting(NTP))
    assert isinstance(result.error, SaveFailed)
    assert "192.0.2.124" in lab.sim.running()
    assert lab.sim.startup() == lab.before
    assert not lab.sim.pending_revert


async def test_save_is_busy_once(lab: Lab) -> None:
    lab.inject(What.SAVE_FAIL, text="startup-config file open failed (Device or resource busy)")
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None, result.error
    assert lab.saved


async def test_connection_lost_while_saving(lab: Lab) -> None:
    lab.inject(What.RESET, match="^write memory")
    result = await lab.push(lab.wanting(NTP))
    assert result.error is None, result.error
    assert lab.saved


# --- without a timer ---------------------------------------------------------------------------


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Lab]:
    async with laboratory(tmp_path, config=WITHOUT_ARCHIVE, fallback=Fallback.REVERSE) as lab:
        yield lab


async def test_fallback_makes_the_change(bare: Lab) -> None:
    record = Record()
    result = await bare.push(bare.wanting(NTP), record)
    assert result.error is None, result.error
    assert bare.saved
    assert record.intent is not None
    assert not record.intent.armed


async def test_fallback_types_the_way_back(bare: Lab) -> None:
    bare.inject(What.REJECT, match="^ntp server")
    await undone(bare, LineRefused)


async def test_fallback_types_the_way_back_over_a_new_session(bare: Lab) -> None:
    bare.inject(What.RESET, match="^ntp server", after=True)
    await undone(bare, ConnectionLost)


async def test_fallback_never_pushes_into_a_locked_configuration(bare: Lab) -> None:
    bare.inject(What.LOCKED, times=None)
    result = await bare.push(bare.wanting(NTP))
    assert isinstance(result.error, CatnetError)
    assert bare.untouched


async def test_fallback_whose_way_back_breaks_off_goes_on_in_another_session(bare: Lab) -> None:
    bare.inject(What.REJECT, match="^ntp server 192.0.2.124")
    bare.inject(What.RESET, match="^description uplink")
    await undone(bare, LineRefused)


async def test_rest_of_a_rollback_whose_session_breaks_off(lab: Lab) -> None:
    lab.inject(What.REJECT, match="^ntp server 192.0.2.124")
    lab.inject(What.REVERT_FAIL, match="description")
    lab.inject(What.RESET, match="^description uplink")
    await undone(lab, LineRefused)


async def test_remaining_difference_is_told(bare: Lab) -> None:
    bare.inject(What.REJECT, match="^ntp server", times=None)
    bare.inject(What.REJECT, match="^description uplink", times=None)
    result = await bare.push(bare.wanting(UPLINK, NTP))
    assert isinstance(result.error, LineRefused)
    assert result.restored is Restored.PARTLY
    assert "description uplink" in result.remaining
    assert bare.sim.startup() == bare.before


class _When(Record):
    """Lets a fault loose when a step begins."""

    def __init__(self, lab: Lab, step: Step, what: What) -> None:
        super().__init__()
        self._lab = lab
        self._step = step
        self._what = what

    async def __call__(self, step: Step, intent: object) -> None:
        if step is self._step:
            self._lab.inject(self._what)
