"""The state of one device: configurations, flash, archive, log, and who is on it."""

import re
from collections import deque
from collections.abc import Callable
from typing import Protocol

from catnet_controller.ios import names
from catnet_controller.ios.tree import Path
from catnet_controller.simulator import syntax
from catnet_controller.simulator.archiving import Archive
from catnet_controller.simulator.clock import DeviceClock, log_stamp, long_stamp
from catnet_controller.simulator.configuration import Configuration, body
from catnet_controller.simulator.faults import Faults, What
from catnet_controller.simulator.grammar import Trouble

_BUSY = "startup-config file open failed (Device or resource busy)\n"
NVRAM = 262144
"""Bytes of NVRAM that ``show startup-config`` speaks of."""


class Line(Protocol):
    """A terminal line in use."""

    number: int
    user: str

    def notice(self, text: str) -> None:
        """Print a message of the system, wherever the cursor is."""
        ...

    def vanish(self) -> None:
        """The device is gone: no goodbye."""
        ...

    def silence(self) -> None:
        """The way to the device is gone: swallow everything."""
        ...

    def wake(self) -> None:
        """The way is back."""
        ...


class Machine:
    """One simulated device without its network.

    ``listen`` is told whether connections are taken (a reloading device takes none), ``kept``
    what was saved as startup-config.
    """

    def __init__(
        self,
        *,
        name: str,
        config: str,
        clock: DeviceClock,
        faults: Faults,
        management: str | None = None,
        boot_time: float = 60.0,
    ) -> None:
        self.name = name
        self.clock = clock
        self.faults = faults
        self.boot_time = boot_time
        self.running = Configuration.load(config)
        self.startup: str | None = self.running.text
        self.flash: dict[str, str] = {}
        self.log_buffer: deque[str] = deque(maxlen=500)
        self.lines: dict[int, Line] = {}
        self.typed: list[tuple[int, str]] = []
        self.rollbacks: list[int] = []
        self.up = True
        self.cut = False
        self.listen: Callable[[bool], None] = lambda _: None
        self.kept: Callable[[str], None] = lambda _: None
        self.rsa_key = True
        self.reload_at: float | None = None
        self.last_change = ""
        self.last_save = ""
        self._sessions = 0
        self._management = management
        self._broken = False
        self._way = self._management_lines()
        self._hardware = {name for name, _ in self.running.interfaces() if names.physical(name)}
        self.archive = Archive(
            clock=clock,
            faults=faults,
            flash=self.flash,
            running=lambda: self.running,
            install=self._install,
            check=self.accepts,
            log=self.log,
            restored=self._restored,
        )

    # --- configuration ---------------------------------------------------------------------

    def accepts(self, path: Path, line: str) -> bool:
        """Whether the full line would be understood in a section, by syntax alone."""
        mode = self.mode_of(path)
        if mode is None or line == "end" or line in syntax.CLOSERS.get(mode, ()):
            return True
        try:
            syntax.mode(mode).read(line)
        except Trouble:
            return False
        return True

    def mode_of(self, path: Path) -> str | None:
        """The mode a section is in; None when no row opens it."""
        mode = "config"
        for header in path:
            try:
                opened = syntax.mode(mode).read(header).row.opens
            except Trouble:
                return None
            if opened is None:
                return None
            mode = opened
        return mode

    def exists(self, interface: str) -> bool:
        """Whether the hardware has this port; logical interfaces exist when named."""
        base = interface.split(".", maxsplit=1)[0]
        return not names.physical(base) or base in self._hardware or not self._hardware

    def changed(self, by: str) -> None:
        """The configuration was changed by somebody."""
        stamp = long_stamp(self.clock.now(), self.running.zone)
        self.last_change = (
            f"! Last configuration change at {stamp} by {by}"
            if by
            else (f"! Last configuration change at {stamp}")
        )
        self._look_at_way()

    def show_running(self) -> str:
        """``show running-config``, from ``Building configuration`` to ``end``."""
        head = "!\n"
        if self.last_change:
            head += f"{self.last_change}\n"
        if self.last_save and self.running.version < (16, 0):
            head += f"{self.last_save}\n"
        if head != "!\n":
            head += "!\n"
        text = head + self.running.text
        return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n{text}"

    def show_startup(self) -> str:
        if self.startup is None:
            return "startup-config is not present\n"
        return f"Using {len(self.startup)} out of {NVRAM} bytes\n!\n{self.startup}"

    def save(self, by: str) -> str:
        """``write memory``: what it prints."""
        fault = self.faults.strike(What.SAVE_FAIL)
        if fault is not None:
            return f"{fault.text}\n" if fault.text else _BUSY
        self.startup = self.running.text
        stamp = long_stamp(self.clock.now(), self.running.zone)
        self.kept(self.startup)
        self.last_save = f"! NVRAM config last updated at {stamp} by {by}"
        if self.running.has(("archive",), "write-memory"):
            self.archive.save()
        return "Building configuration...\n[OK]\n"

    def _install(self, configuration: Configuration) -> None:
        self.running = configuration
        self.changed("")

    def _restored(self) -> None:
        self.rollbacks.append(len(self.typed))
        self.restore_way()

    # --- log -------------------------------------------------------------------------------

    def log(self, message: str) -> None:
        self.log_buffer.append(f"{log_stamp(self.clock.now(), self.running.zone)}: {message}")

    # --- lines -----------------------------------------------------------------------------

    @property
    def vty_lines(self) -> int:
        """How many VTY lines the configuration has; 5 when it says nothing."""
        highest = 0
        for text in self.running.starts("line vty "):
            numbers = [int(word) for word in text.split() if word.isdigit()]
            highest = max(highest, *numbers) if numbers else highest
        return highest + 1 if highest else 5

    @property
    def takes_ssh(self) -> bool:
        """Whether a VTY line takes SSH and there is a key to speak it with."""
        inputs = [
            next(self.running.starts("transport input ", (f"line vty {text}",)), "all").split()
            for text in self.running.starts("line vty ")
        ]
        heard = not inputs or any({"ssh", "all"} & set(words) for words in inputs)
        return self.rsa_key and heard

    def enter(self, line: Line) -> int:
        """Take the lowest free VTY line; its number."""
        number = next(at for at in range(len(self.lines) + 1) if at not in self.lines)
        self.lines[number] = line
        return number

    def leave(self, number: int, line: Line) -> None:
        """Give the VTY line back, unless somebody else has it by now."""
        if self.lines.get(number) is line:
            del self.lines[number]

    def session(self) -> int:
        """The number of a new session, from 1 since power-on."""
        self._sessions += 1
        return self._sessions

    # --- management ------------------------------------------------------------------------

    def _management_lines(self) -> tuple[str, ...] | None:
        """What the configuration says of the way to this device; None when it is not watched."""
        if self._management is None:
            return None
        lines = [node.text for node in self.running.children((f"interface {self._management}",))]
        kept = ("ip address", "shutdown", "vrf forwarding", "ip access-group")
        return tuple(line for line in lines if line.startswith(kept))

    def _look_at_way(self) -> None:
        if self._management is not None and self._management_lines() != self._way:
            self.cut_way()
        elif not self._broken:
            self.restore_way()

    def cut_way(self, *, broken: bool = False) -> None:
        """Nobody reaches the device any more; who is on it is left in silence.

        ``broken``: undoing a line does not bring the way back, a rollback or reload does.
        """
        self._broken = self._broken or broken
        if not self.cut:
            self.cut = True
            for line in list(self.lines.values()):
                line.silence()

    def restore_way(self) -> None:
        self._broken = False
        if self.cut and (self._management is None or self._management_lines() == self._way):
            self.cut = False
            for line in list(self.lines.values()):
                line.wake()

    # --- power -----------------------------------------------------------------------------

    def reboot(self) -> None:
        """Restart from the startup-config; every session vanishes, the port closes meanwhile."""
        if not self.up:
            return
        self.up = False
        self.reload_at = None
        for line in list(self.lines.values()):
            line.vanish()
        self.lines.clear()
        self.archive.forget()
        self.listen(False)
        self.clock.later(self.boot_time, self._booted)

    def _booted(self) -> None:
        blank = f"hostname {self.name}\nend\n" if self.startup is None else self.startup
        self.running = Configuration.load(body(blank))
        self.cut = self._broken = False
        self.last_change = ""
        self.up = True
        self.log("%SYS-5-RESTART: System restarted --")
        self.listen(True)

    def user(self, name: str) -> str | None:
        """What follows ``username NAME`` in the configuration, or None."""
        for text in self.running.starts("username "):
            if text.split()[0] == name:
                return text[len(name) :].strip()
        return None


def credential(line: str) -> tuple[str, str] | None:
    """Type and stored text of the secret in a ``username`` line, without the name."""
    found = re.search(r"\b(?:secret|password) (?:(\d+) )?(\S+)", line)
    return (found[1] or "0", found[2]) if found else None


def privilege(line: str) -> int:
    """The privilege level a ``username`` line gives."""
    found = re.search(r"\bprivilege (\d+)", line)
    return int(found[1]) if found else 1
