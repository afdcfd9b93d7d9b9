"""A fleet of simulated Cisco IOS devices in one process: specifications in, devices one can log in
to, look into, break and repair out."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import asyncssh

from catnet_controller.simulator.clock import DeviceClock
from catnet_controller.simulator.configuring import Typist
from catnet_controller.simulator.device import Machine
from catnet_controller.simulator.dialogue import Answer, Input
from catnet_controller.simulator.faults import Fault, Faults, What
from catnet_controller.simulator.listener import Account, Listener

START = 1793610000.0
"""Power-on of a fleet unless it is told otherwise: 2 November 2026, 09:00 UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """What a device is made from.

    ``config`` is text as ``show running-config`` prints it; running and startup begin with it.
    ``enable`` None: the user logs in at privilege 15. ``port`` 0: any free port.
    ``authorized_keys`` is in OpenSSH format. ``management`` names the interface through which
    the device is reached: when its address, VRF, access group or shutdown changes, the way is
    cut until the change is undone. ``boot_time`` is in IOS seconds.
    """

    name: str
    config: str
    username: str = "catnet"
    password: str = "catnet"  # noqa: S105  a device of a lab
    enable: str | None = None
    port: int = 0
    authorized_keys: str | None = None
    management: str | None = None
    boot_time: float = 60.0

    def __repr__(self) -> str:
        return f"DeviceSpec(name={self.name!r})"


class LineRefused(ValueError):
    """The device refused a line typed by hand; the message is its answer."""


@cache
def _rsa() -> asyncssh.SSHKey:
    """One RSA key per process: making one takes a tenth of a second."""
    return asyncssh.generate_private_key("ssh-rsa", key_size=2048)


class SimulatedDevice:
    """One device of a fleet, from outside: what only somebody at the rack could see or do."""

    def __init__(self, *, spec: DeviceSpec, fleet: "Fleet", state: Path | None) -> None:
        self.name = spec.name
        self.host = fleet.host
        self._spec = spec
        self._fleet = fleet
        self._state = state
        self._clock = DeviceClock(
            loop=asyncio.get_running_loop(), scale=fleet.time_scale, start=fleet.start
        )
        self._faults = Faults(seed=spec.name)
        config = spec.config
        if state is not None and (state / "startup-config").exists():
            config = (state / "startup-config").read_text(encoding="utf-8")
        self._machine = Machine(
            name=spec.name,
            config=config,
            clock=self._clock,
            faults=self._faults,
            management=spec.management,
            boot_time=spec.boot_time,
        )
        self._machine.listen = self._listen
        self._machine.kept = self._keep
        self._key = self._load_key()
        account = Account(
            username=spec.username,
            password=spec.password,
            enable=spec.enable,
            keys=spec.authorized_keys,
            line=self._machine.user(spec.username),
        )
        self._listener = Listener(
            machine=self._machine, account=account, keys=(self._key, _rsa()), host=self.host
        )

    # --- what can be seen ------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def fingerprint(self) -> str:
        """``SHA256:…`` of the ed25519 host key."""
        return self._key.get_fingerprint("sha256")

    @property
    def known_hosts_line(self) -> str:
        """``[host]:port type key``, as in a known_hosts file."""
        words = self._key.export_public_key("openssh").decode().split()
        return f"[{self.host}]:{self.port} {words[0]} {words[1]}"

    def running(self) -> str:
        """The running-config from ``version`` to ``end``."""
        return self._machine.running.text

    def startup(self) -> str:
        """The startup-config from ``version`` to ``end``; empty when erased."""
        return self._machine.startup or ""

    def transcript(self) -> list[tuple[int, str]]:
        """Every line that was typed over SSH, with the number of its session; no passwords."""
        return list(self._machine.typed)

    def rollbacks(self) -> list[int]:
        """For each unconfirmed change that was undone: the length of the transcript then."""
        return list(self._machine.rollbacks)

    def log(self) -> list[str]:
        """The log buffer."""
        return list(self._machine.log_buffer)

    @property
    def sessions(self) -> int:
        """How many VTY lines are in use."""
        return len(self._machine.lines)

    @property
    def pending_revert(self) -> bool:
        """Whether a rollback-confirmed change waits for its confirmation."""
        return self._machine.archive.pending is not None

    @property
    def reachable(self) -> bool:
        """Whether the device is up and its management way is not cut."""
        return self._machine.up and not self._machine.cut

    # --- what can be done ------------------------------------------------------------------

    def type(self, lines: Sequence[str], by: str = "console") -> None:
        """Somebody edits by hand in configuration mode; questions are answered yes.

        Raises LineRefused at the first line that the device refuses; those before stay.
        """
        typist = Typist(machine=self._machine, by=by)
        answer = Answer()
        for line in lines:
            if answer.block is not None:
                answer = answer.block.feed(line) or answer
                continue
            answer = typist.type(line)
            while answer.question is not None:
                asked = answer.question
                answer = asked.answer("" if asked.input is Input.KEY else "yes")
            if answer.refused:
                raise LineRefused(f"{self.name}: {line.strip()}: {answer.text.strip()}")
            if answer.left:
                typist = Typist(machine=self._machine, by=by)
        typist.leave()

    def save(self, by: str = "console") -> None:
        """``write memory`` at the console."""
        self._machine.save(by)

    def inject(self, fault: Fault) -> None:
        """Arm a fault; it strikes when its moment comes."""
        self._faults.inject(fault)
        if fault.what is What.KEY_CHANGED:
            self._listener.use([asyncssh.generate_private_key("ssh-ed25519")])

    def clear(self) -> None:
        """Disarm every fault and give back the management way and the host keys."""
        self._faults.clear()
        self._listener.use([self._key, _rsa()])
        self._machine.restore_way()

    def advance(self, seconds: float) -> None:
        """Let IOS time pass at once."""
        self._clock.advance(seconds)

    def reboot(self) -> None:
        """Power off and on."""
        self._machine.reboot()

    # --- the fleet's side ------------------------------------------------------------------

    async def open(self) -> None:
        await self._listener.open(self._spec.port)

    async def close(self) -> None:
        self._clock.close()
        await self._listener.close()

    def _listen(self, on: bool) -> None:
        if on:
            self._fleet.spawn(self._listener)
        else:
            self._listener.shut()

    def _keep(self, text: str) -> None:
        if self._state is not None:
            (self._state / "startup-config").write_text(text, encoding="utf-8")

    def _load_key(self) -> asyncssh.SSHKey:
        if self._state is None:
            return asyncssh.generate_private_key("ssh-ed25519")
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._state / "ssh_host_ed25519_key"
        if not path.exists():
            path.touch(mode=0o600)
            key = asyncssh.generate_private_key("ssh-ed25519")
            path.write_bytes(key.export_private_key("openssh"))
        return asyncssh.import_private_key(path.read_bytes())


class Fleet:
    """Devices that live as long as the context is entered.

    ``time_scale`` is IOS seconds per real second; ``state`` a folder that keeps host keys and
    startup-configs from one run to the next; ``start`` the date at power-on, seconds since the
    epoch.
    """

    def __init__(
        self,
        specs: Sequence[DeviceSpec],
        *,
        host: str = "127.0.0.1",
        time_scale: float = 1.0,
        state: Path | None = None,
        start: float = START,
    ) -> None:
        self.host = host
        self.time_scale = time_scale
        self.start = start
        self._specs = tuple(specs)
        self._state = state
        self._devices: dict[str, SimulatedDevice] = {}
        self._stack = AsyncExitStack()
        self._group: asyncio.TaskGroup | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self._specs)

    def __getitem__(self, name: str) -> SimulatedDevice:
        return self._devices[name]

    def __len__(self) -> int:
        return len(self._specs)

    async def __aenter__(self) -> Self:
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        try:
            for spec in self._specs:
                state = None if self._state is None else self._state / spec.name
                device = SimulatedDevice(spec=spec, fleet=self, state=state)
                self._stack.push_async_callback(device.close)
                await device.open()
                self._devices[spec.name] = device
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        # The group never learns of an error in the body, so that it comes out as it is.
        await self._stack.aclose()

    def spawn(self, listener: Listener) -> None:
        """Open a device's port again."""
        assert self._group is not None
        self._group.create_task(listener.open(listener.port))
