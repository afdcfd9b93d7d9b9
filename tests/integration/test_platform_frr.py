"""Platform `frr`: FRRouting behind OpenSSH, two programs nobody here wrote, under the transaction.

FRRouting has no timer that undoes a change, so a change goes in under the fallback `reverse`, and
every way back is typed by CatNet and read from the router itself.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.transaction import Transactions
from catnet_controller.ios.changes import Command
from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.models import (
    Device,
    Exchange,
    Fallback,
    Intent,
    Jump,
    Mode,
    Restored,
    Step,
    Sync,
)
from catnet_controller.pipeline.request import request
from catnet_controller.ports import Decide, PushResult
from tests import helpers_openssh
from tests.helpers_flow import flow, inventory
from tests.helpers_frr import Router, missing
from tests.helpers_openssh import Sshd
from tests.integration.devicelab import Record, SystemClock

WHY = missing() or helpers_openssh.missing()
pytestmark = pytest.mark.skipif(WHY is not None, reason=f"FRRouting: {WHY}")

START = """\
frr version 8.4.4
frr defaults traditional
hostname frr1
no ip forwarding
no ipv6 forwarding
service integrated-vtysh-config
!
ip route 10.9.0.0/16 Null0
!
interface Ethernet0
 description uplink
 ip address 10.1.1.1/24
exit
!
router bgp 65000
 bgp router-id 192.0.2.9
 neighbor 10.0.0.1 remote-as 65001
 neighbor 10.0.0.1 description Transit A
 neighbor 10.0.0.2 remote-as 65002
 !
 address-family ipv4 unicast
  network 10.3.0.0/16
 exit-address-family
exit
!
end
"""
LONG = " description " + "a long way to the other side " * 7 + "of town"
CHANGES = (
    (" description uplink", LONG),
    (" neighbor 10.0.0.2 remote-as 65002\n", ""),
    ("ip route 10.9.0.0/16 Null0\n", "ip route 10.8.0.0/16 Null0\nip route 10.9.0.0/16 Null0\n"),
)
DESCRIBED = (" description uplink", " description core")
ROUTE = ("ip route 10.9.0.0/16 Null0\n", "ip route 10.8.0.0/16 Null0\nip route 10.9.0.0/16 Null0\n")
STRAY = ["interface Ethernet0", "bandwidth 1000"]
REFUSED = (
    "router bgp 65000\n",
    "interface Loopback1\n ip address 10.1.2.1 255.255.255.0\nexit\n!\nrouter bgp 65000\n",
)


@dataclass
class Lab:
    """One router, the door to it, and what works on it."""

    router: Router
    sshd: Sshd
    device: Device
    folder: Path
    before: str
    backups: Backups

    @property
    def devices(self) -> Transactions:
        return self.transactions(patience=5.0)

    def transactions(self, *, patience: float, **logins: Credential) -> Transactions:
        login = Credential(username=self.sshd.user, password=self.sshd.password)
        return Transactions(
            credentials=Credentials({"default": login, **logins}),
            hostkeys=HostKeys(self.folder / "known_hosts"),
            backups=self.backups,
            clock=SystemClock(),
            connect_timeout=patience,
            command_timeout=patience,
            rollback_timeout=patience,
            revert_minutes=1,
            minute=0.05,
            pause=0.05,
        )

    def wanting(self, *changes: tuple[str, str]) -> Decide:
        desired = self.before
        for old, new in changes:
            assert old in desired
            desired = desired.replace(old, new)
        return partial(compare, desired=desired)

    async def push(self, decide: Decide, record: Record | None = None) -> PushResult:
        return await self.devices.push(self.device, decide, record or Record())

    @property
    def untouched(self) -> bool:
        return self.router.show() == self.before and digest(self.router.startup) == digest(START)


@pytest.fixture
def router() -> Iterator[Router]:
    with Router(hostname="frr1", config=START) as made:
        yield made


@pytest.fixture
async def lab(router: Router, tmp_path: Path) -> AsyncIterator[Lab]:
    with Sshd(command=router.vtysh, groups=("frr", "frrvty")) as sshd:
        (tmp_path / "known_hosts").write_text(sshd.known_hosts_line)
        backups = Backups(tmp_path / "backups")
        yield Lab(
            router=router,
            sshd=sshd,
            device=Device(
                name="frr1",
                host="127.0.0.1",
                port=sshd.port,
                platform="frr",
                fallback=Fallback.REVERSE,
            ),
            folder=tmp_path,
            before=router.show(),
            backups=backups,
        )
        backups.close()


async def test_backup(lab: Lab) -> None:
    reading = await lab.devices.read(lab.device, Record())
    assert reading.backup is not None
    kept = (lab.folder / "backups" / f"{reading.backup.id}.cfg").read_text()
    assert lab.before in kept
    assert reading.hostname == "frr1"
    assert lab.untouched


async def test_push_is_proved_and_saved_and_the_next_one_finds_nothing_to_do(lab: Lab) -> None:
    record = Record()
    wanted = lab.wanting(*CHANGES)
    result = await lab.push(wanted, record)
    assert result.error is None
    assert (result.restored, result.remaining) == (Restored.NOT_NEEDED, "")
    shown = lab.router.show()
    assert f"{LONG}\n" in shown
    assert "10.0.0.2" not in shown
    assert "ip route 10.8.0.0/16 Null0" in shown
    assert digest(lab.router.startup) == digest(shown)
    assert [step for step in record.steps if step is Step.CONFIRM] == [Step.CONFIRM]
    assert record.intent is not None
    assert not record.intent.armed

    again = await lab.push(wanted)
    assert again.error is None
    assert again.change_set is not None
    assert again.change_set.empty
    assert lab.router.show() == shown


async def test_without_the_fallback_nothing_is_typed(lab: Lab) -> None:
    device = replace(lab.device, fallback=Fallback.REFUSE)
    result = await lab.devices.push(device, lab.wanting(*CHANGES), Record())
    assert result.error is not None
    assert result.error.code == "arm-refused"
    assert "cannot undo a change by itself" in result.error.message
    assert "reverse" in result.error.next_step
    assert not any("configure" in one.line for one in result.transcript)
    assert lab.untouched


async def test_a_refused_line_takes_back_what_went_before_it(lab: Lab) -> None:
    result = await lab.push(lab.wanting(DESCRIBED, REFUSED, ROUTE))
    assert result.error is not None
    assert result.error.code == "line-refused"
    assert "10.1.2.1 255.255.255.0" in result.error.message
    assert (result.restored, result.remaining) == (Restored.RESTORED, "")
    typed = [one.line.strip() for one in result.transcript]
    assert "description core" in typed
    assert typed.index("description core") < typed.index("description uplink")
    assert lab.untouched


async def test_a_save_that_fails_is_said(lab: Lab) -> None:
    lab.router.seal()
    result = await lab.push(lab.wanting(DESCRIBED))
    assert result.error is not None
    assert result.error.code == "save-failed"
    assert "failed to open configuration file" in result.error.message
    assert " description core\n" in lab.router.show()
    assert lab.router.startup == START


async def test_through_a_jump_host(lab: Lab) -> None:
    with Sshd() as bastion:
        with (lab.folder / "known_hosts").open("a") as hosts:
            hosts.write(bastion.known_hosts_line)
        logins = {"hop": Credential(username=bastion.user, password=bastion.password)}
        jump = Jump(name="bastion", host="127.0.0.1", port=bastion.port, credential="hop")
        devices = lab.transactions(patience=5.0, **logins)
        device = replace(lab.device, jump=jump)
        result = await devices.push(device, lab.wanting(*CHANGES), Record())
        assert result.error is None
        assert digest(lab.router.startup) == digest(lab.router.show()) != digest(START)


async def test_drift_is_seen_and_undone(lab: Lab) -> None:
    lab.router.type(["ip route 10.66.0.0/16 Null0"])
    reading = await lab.devices.read(lab.device, Record())
    found = lab.wanting()(reading.text)
    assert [command.text for command in found.commands] == ["no ip route 10.66.0.0/16 Null0"]
    result = await lab.push(lab.wanting())
    assert result.error is None
    assert lab.router.show() == lab.before


async def test_a_reboot_keeps_what_was_pushed_and_no_more(lab: Lab) -> None:
    result = await lab.push(lab.wanting(*CHANGES))
    assert result.error is None
    pushed = lab.router.show()
    lab.router.type(["ip route 10.66.0.0/16 Null0"])
    lab.router.reboot()
    assert lab.router.show() == pushed
    reading = await lab.devices.read(lab.device, Record())
    assert lab.wanting(*CHANGES)(reading.text).empty


def at_line(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], object]) -> None:
    """Act before the line of this number (1 is the first) is typed in configuration mode."""
    typed = 0
    real = Terminal.type

    async def typing(self: Terminal, command: Command) -> Exchange:
        nonlocal typed
        typed += 1
        if typed == number:
            act()
        return await real(self, command)

    monkeypatch.setattr(Terminal, "type", typing)


async def test_a_session_cut_in_the_middle_is_undone_over_another(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_line(monkeypatch, 3, lab.sshd.cut)
    result = await lab.push(lab.wanting(*CHANGES))
    assert result.error is not None
    assert result.error.code == "connection-lost"
    assert (result.restored, result.remaining) == (Restored.RESTORED, "")
    assert lab.untouched


async def test_sshd_killed_in_the_middle_is_unknown_and_then_recovered(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record()
    wanted = lab.wanting(*CHANGES)
    with monkeypatch.context() as patch:
        at_line(patch, 3, lab.sshd.kill)
        result = await lab.transactions(patience=0.5).push(lab.device, wanted, record)
    assert result.error is not None
    assert result.error.code == "connection-lost"
    assert result.restored is Restored.UNKNOWN
    assert "could not read the device back" in result.error.next_step
    assert lab.router.show() != lab.before, "some lines are in"

    lab.sshd.start()
    assert record.intent is not None
    recovered = await lab.devices.recover(
        lab.device, record.intent, wanted, Record(intent=record.intent)
    )
    assert recovered.restored is Restored.RESTORED
    assert lab.untouched
    assert (await lab.push(wanted)).error is None


async def test_killed_after_all_was_typed_is_proved_and_saved_by_the_recovery(lab: Lab) -> None:
    wanted = lab.wanting(*CHANGES)
    record = Record(lose=Step.PROVE)
    with pytest.raises(Exception, match="owns"):
        await lab.push(wanted, record)
    assert digest(lab.router.startup) == digest(START), "not saved before the proof"
    assert record.intent is not None
    recovered = await lab.devices.recover(
        lab.device, record.intent, wanted, Record(intent=record.intent)
    )
    assert recovered.error is None
    assert digest(lab.router.startup) == digest(lab.router.show())
    assert f"{LONG}\n" in lab.router.startup


async def test_the_whole_flow(router: Router, tmp_path: Path) -> None:
    """From a pull request to drift, beside a simulated IOS device."""
    wanted = START.replace(*DESCRIBED)
    with Sshd(command=router.vtysh, groups=("frr", "frrvty")) as sshd:
        login = Credential(username=sshd.user, password=sshd.password)
        async with flow(
            tmp_path, names=("a",), logins={"lab": login}, known=sshd.known_hosts_line, reverse=True
        ) as it:
            await it.trigger()
            place = (
                f"  frr1: {{host: 127.0.0.1, port: {sshd.port}, platform: frr, credential: lab, "
                "fallback: reverse}\n"
            )
            files = {
                "inventory.yaml": inventory(it.fleet) + place,
                "configs/frr1.cfg": START,
            }
            sha = await it.push(files)
            assert it.said(sha)["catnet/deploy"] == ("success", "nothing to change on 1 device")

            number = await it.github.open_pull("core", "Core", {"configs/frr1.cfg": wanted})
            await it.trigger(f"pull/{number}")
            planned = it.github.pulls[number].sha
            assert it.said(planned)["catnet/plan/frr1"][0] == "success"
            assert "description core" in it.github.comments(number)[0].body
            assert digest(router.show()) == digest(START), "a dry-run types nothing"

            sha = await it.github.merge_pull(number, webhook=False)
            await it.trigger(sha=sha)
            assert it.said(sha)["catnet/deploy/frr1"][0] == "success"
            assert digest(router.show()) == digest(router.startup) == digest(wanted)

            router.type(["interface Ethernet0", "description by hand"])
            await request(
                deployments=it.store,
                states=it.store,
                conclude=it.conclude,
                mode=Mode.CHECK,
                devices=["frr1"],
                cause="test",
            )
            await it.settle()
            state = await it.state("frr1")
            assert state.sync is Sync.OUT_OF_SYNC
            await it.trigger(force=True)
            state = await it.state("frr1")
            assert (state.sync, state.revision) == (Sync.IN_SYNC, sha)
            assert digest(router.show()) == digest(wanted)


@dataclass
class Colleague(Record):
    """Types lines of its own when a step begins."""

    router: Router | None = None
    lines: list[str] = field(default_factory=list)
    at: Step = Step.ARM

    async def __call__(self, step: Step, intent: Intent | None) -> None:
        await super().__call__(step, intent)
        if step is self.at and self.router is not None:
            self.router.type(self.lines)


async def test_a_colleague_who_was_faster_is_left_alone(lab: Lab) -> None:
    record = Colleague(router=lab.router, lines=STRAY, at=Step.ARM)
    result = await lab.push(lab.wanting(*CHANGES), record)
    assert result.error is not None
    assert result.error.code == "device-busy"
    assert "somebody changed the configuration" in result.error.message
    assert result.restored is Restored.NOT_NEEDED
    assert " bandwidth 1000\n" in lab.router.show()
    assert " description uplink\n" in lab.router.show()


async def test_a_colleague_in_the_same_minute_is_named_and_the_change_undone(lab: Lab) -> None:
    """Nothing locks the configuration: whose line is whose can only be told, not prevented."""
    record = Colleague(router=lab.router, lines=["ip route 10.66.0.0/16 Null0"], at=Step.PUSH)
    result = await lab.push(lab.wanting(DESCRIBED), record)
    assert result.error is not None
    assert result.error.code == "verify-failed"
    assert "ip route 10.66.0.0/16 Null0" in result.error.message
    assert (result.restored, result.remaining) == (Restored.RESTORED, "")
    assert lab.untouched
