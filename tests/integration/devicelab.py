"""A lab for the tests of the devices room: one simulated device, its clients, and records."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.transaction import Transactions
from catnet_controller.errors import LeaseLost
from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.models import Device, Fallback, Intent, Step
from catnet_controller.ports import Decide, Devices, PushResult
from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice

CONFIG = """\
version 15.7
service timestamps debug datetime msec
no service password-encryption
!
hostname r1
!
username catnet privilege 15 secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM
!
archive
 path flash:archive
 maximum 5
!
interface Loopback0
 ip address 192.0.2.1 255.255.255.255
!
interface GigabitEthernet0/0
 description uplink
 ip address 10.0.0.1 255.255.255.0
!
interface GigabitEthernet0/1
 no ip address
 shutdown
!
line con 0
line vty 0 4
 login local
 transport input ssh
!
ntp server 192.0.2.123
!
end
"""
WITHOUT_ARCHIVE = CONFIG.replace("archive\n path flash:archive\n maximum 5\n!\n", "")

SCALE = 600.0
"""IOS seconds per second: its minute takes a tenth of one."""


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Record:
    """What a run checkpointed; loses its lease when a step in ``lose`` begins."""

    lose: Step | None = None
    steps: list[Step] = field(default_factory=list)
    intent: Intent | None = None

    async def __call__(self, step: Step, intent: Intent | None) -> None:
        if step is self.lose:
            raise LeaseLost("another worker owns the device")
        self.steps.append(step)
        # As the store does: an intent stays until it is replaced.
        self.intent = intent or self.intent


@dataclass
class Lab:
    """One device, and everything that works on it."""

    sim: SimulatedDevice
    device: Device
    devices: Devices
    backups: Backups
    hostkeys: HostKeys
    before: str
    folder: Path

    def wanting(self, *changes: tuple[str, str]) -> Decide:
        """Decide for the device's first config with each text replaced by the other."""
        return partial(compare, desired=self.wanted(*changes))

    def wanted(self, *changes: tuple[str, str]) -> str:
        desired = self.before
        for old, new in changes:
            assert old in desired
            desired = desired.replace(old, new)
        return desired

    async def push(self, decide: Decide, record: Record | None = None) -> PushResult:
        return await self.devices.push(self.device, decide, record or Record())

    async def recover(self, decide: Decide, record: Record) -> PushResult:
        assert record.intent is not None
        return await self.devices.recover(
            self.device, record.intent, decide, Record(intent=record.intent)
        )

    def inject(self, what: What, match: str | None = None, **more: Any) -> None:
        when = When(match=match, line=more.pop("line", None), after=more.pop("after", False))
        self.sim.inject(Fault(what=what, when=when, **more))

    @property
    def typed(self) -> list[str]:
        """Lines typed over SSH, ENTER left out."""
        return [line for _, line in self.sim.transcript() if line.strip()]

    @property
    def untouched(self) -> bool:
        """Whether the device runs and has saved what it began with, and no timer waits."""
        return (
            digest(self.sim.running()) == digest(self.before)
            and digest(self.sim.startup()) == digest(self.before)
            and not self.sim.pending_revert
        )

    @property
    def saved(self) -> bool:
        """Whether what runs is saved, is new, and no timer waits."""
        return (
            self.sim.running() == self.sim.startup() != self.before and not self.sim.pending_revert
        )


@asynccontextmanager
async def laboratory(
    folder: Path,
    *,
    config: str = CONFIG,
    fallback: Fallback = Fallback.REFUSE,
    trusted: bool = True,
    credential: Credential | None = None,
    spec: dict[str, Any] | None = None,
    minutes: int = 5,
    scale: float = SCALE,
    patience: float = 1.0,
) -> AsyncIterator[Lab]:
    made = DeviceSpec(name="r1", config=config, **(spec or {}))
    async with Fleet([made], time_scale=scale) as fleet:
        sim = fleet["r1"]
        path = folder / "known_hosts"
        if trusted:
            path.write_text(sim.known_hosts_line + "\n")
        hostkeys = HostKeys(path)
        backups = Backups(folder / "backups")
        try:
            yield Lab(
                sim=sim,
                device=Device(name="r1", host=sim.host, port=sim.port, fallback=fallback),
                devices=Transactions(
                    credentials=Credentials(
                        {"default": credential or Credential(username="catnet", password="catnet")}
                    ),
                    hostkeys=hostkeys,
                    backups=backups,
                    clock=SystemClock(),
                    revert_minutes=minutes,
                    connect_timeout=patience,
                    command_timeout=patience,
                    rollback_timeout=patience,
                    minute=60.0 / scale,
                    pause=0.02,
                ),
                backups=backups,
                hostkeys=hostkeys,
                before=sim.running(),
                folder=folder,
            )
        finally:
            backups.close()
