"""Archive files, rollback-confirmed change and ``configure replace`` of one device.

Texts and rules after transcripts of real devices and the Cisco configuration rollback guides.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from catnet_controller.ios.parse import parse
from catnet_controller.ios.tree import Node, Path, Shape, walk
from catnet_controller.simulator.clock import DeviceClock, Timer, file_stamp, long_stamp
from catnet_controller.simulator.configuration import Configuration, body
from catnet_controller.simulator.faults import Faults, What

NOT_PENDING = "%No Rollback Confirmed Change pending\n"
OFF = "%Turn config archive on before using Rollback Confirmed Change\n"
PENDING = "%Rollback Confirmed Change is already pending\n"
"""Wording not seen on a device; that a second arm is refused is inferred."""
OTHER_USER = "%Only the user who enabled Rollback Confirmed Change can change it\n"
"""Wording not seen on a device; the rule is documented."""
FULL = "%Error opening {path} (No space left on device)\n"
_WARNING = (
    "Rollback Confirmed Change: Rollback will begin in one minute.\n"
    'Enter "configure confirm" if you wish to keep what you\'ve configured\n'
)


@dataclass(slots=True, kw_only=True)
class Pending:
    """A rollback-confirmed change: what it returns to, whose it is, when it strikes."""

    file: str
    text: str
    user: str
    minutes: int
    idle: bool
    since: float
    notify: Callable[[str], None]
    timers: list[Timer] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What a replace printed, and the lines it could not apply."""

    output: str
    failed: tuple[str, ...] = ()


class Archive:
    """The archive of one device and the change that waits for its confirmation.

    ``check`` says whether a line would be accepted in a section. ``restored`` is called after a
    rollback has run.
    """

    def __init__(
        self,
        *,
        clock: DeviceClock,
        faults: Faults,
        flash: dict[str, str],
        running: Callable[[], Configuration],
        install: Callable[[Configuration], None],
        check: Callable[[Path, str], bool],
        log: Callable[[str], None],
        restored: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._flash = flash
        self._running = running
        self._install = install
        self._check = check
        self._log = log
        self._restored = restored
        self.names: list[str] = []
        self.number = 0
        self.pending: Pending | None = None

    # --- files -----------------------------------------------------------------------------

    @property
    def path(self) -> str | None:
        """Where archive files go, ``$h`` resolved; None when the archive is off."""
        path = self._running().first("path ", ("archive",))
        if path is None:
            return None
        path = path.replace("$h", self._running().hostname)
        return path if path.endswith(("-", "/", ":")) else f"{path}-"

    @property
    def maximum(self) -> int:
        return int(self._running().first("maximum ", ("archive",)) or 10)

    def save(self) -> str | None:
        """Write the running-config to the archive; its name, or None when it cannot be."""
        path = self.path
        if path is None or self._faults.strike(What.ARCHIVE_FAIL):
            return None
        running = self._running()
        name = f"{path}{file_stamp(self._clock.now(), running.zone)}-{self.number}"
        self.number += 1
        self._flash[name] = running.text
        self.names.append(name)
        while len(self.names) > self.maximum:
            self._flash.pop(self.names.pop(0), None)
        return name

    def show(self) -> str:
        """``show archive``."""
        if self.path is None:
            return " Archive feature not enabled\n"
        lines = [f"The maximum archive configurations allowed is {self.maximum}."]
        if self.names:
            lines.append(f"There are currently {len(self.names)} archive configurations saved.")
        else:
            lines.append("There are currently 0 archive configurations saved.")
        lines.append(f"The next archive file will be named {self.path}<timestamp>-{self.number}")
        lines.append(" Archive #  Name")
        for at in range(1, self.maximum + 1):
            name = self.names[at - 1] if at <= len(self.names) else ""
            last = " <- Most Recent" if at == len(self.names) else ""
            lines.append(f"   {at:<8} {name}{last}".rstrip())
        return "\n".join(lines) + "\n"

    # --- rollback-confirmed change ---------------------------------------------------------

    def arm(
        self, minutes: int, *, idle: bool, user: str, notify: Callable[[str], None]
    ) -> tuple[bool, str]:
        """``configure terminal revert timer``: whether config mode may be entered, and the text."""
        if self.path is None:
            return False, OFF
        if self.pending is not None:
            return False, PENDING
        name = self.save()
        if name is None:
            return False, FULL.format(path=self.path)
        self._schedule(
            Pending(
                file=name,
                text=self._flash[name],
                user=user,
                minutes=minutes,
                idle=idle,
                since=self._clock.now(),
                notify=notify,
            )
        )
        self._log(
            f"%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_BACKUP: Backing up current running config to {name}"
        )
        kind = "IDLETIMER" if idle else "ABSTIMER"
        self._log(
            f"%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_START_{kind}: User: {user}(Priv: 15, View: 0): "
            f"Scheduled to rollback to config {name} in {minutes} minutes"
        )
        return True, (f"Rollback Confirmed Change: Backing up current running config to {name}\n\n")

    def retime(self, minutes: int, *, idle: bool, user: str) -> str:
        """``configure revert timer``: a new timer for the pending change."""
        pending = self.pending
        if pending is None:
            return NOT_PENDING
        if pending.user != user:
            return OTHER_USER
        self._stop(pending)
        pending.minutes, pending.idle, pending.since = minutes, idle, self._clock.now()
        self._schedule(pending)
        return ""

    def touch(self) -> None:
        """Somebody pressed ENTER: an idle timer starts anew."""
        if self.pending is not None and self.pending.idle:
            self._stop(self.pending)
            self._schedule(self.pending)

    def confirm(self, user: str) -> str:
        """``configure confirm``: keep what was configured; prints nothing."""
        pending = self.pending
        if pending is None:
            return NOT_PENDING
        if pending.user != user:
            return OTHER_USER
        self._stop(pending)
        self.pending = None
        self._log(
            f"%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_CONFIRM: User: {user}: Confirm the configuration "
            "change"
        )
        return ""

    def revert(self, user: str) -> str:
        """``configure revert now``."""
        pending = self.pending
        if pending is None:
            return NOT_PENDING
        if pending.user != user:
            return OTHER_USER
        return self._rollback(pending)

    def forget(self) -> None:
        """The device restarted: the timer is lost."""
        if self.pending is not None:
            self._stop(self.pending)
            self.pending = None

    def show_timer(self) -> str:
        """``show archive config rollback timer``."""
        pending = self.pending
        if pending is None:
            return NOT_PENDING
        kind = "idle" if pending.idle else "absolute"
        at = long_stamp(pending.since, self._running().zone)
        return (
            f"Time configured(or reconfigured): {at}\n"
            f"Timer type: {kind} timer\n"
            f"Timer value: {pending.minutes} min\n"
            f"User: {pending.user}\n"
        )

    def _schedule(self, pending: Pending) -> None:
        seconds = pending.minutes * 60.0
        pending.timers = [
            self._clock.later(seconds - 60.0, lambda: self._warn(pending)),
            self._clock.later(seconds, lambda: self._expire(pending)),
        ]
        self.pending = pending

    def _stop(self, pending: Pending) -> None:
        for timer in pending.timers:
            timer.cancel()

    def _warn(self, pending: Pending) -> None:
        kind = "IDLETIMER" if pending.idle else "ABSTIMER"
        self._log(
            f"%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_WARNING_{kind}: System will rollback to config "
            f'{pending.file} in one minute. Enter "configure confirm" if you wish to keep what '
            "you've configured"
        )
        pending.notify(_WARNING)

    def _expire(self, pending: Pending) -> None:
        if self.pending is pending:
            pending.notify(self._rollback(pending))

    def _rollback(self, pending: Pending) -> str:
        self._stop(pending)
        self.pending = None
        self._log(
            "%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_ROLLBACK_START: Start rolling to: " + pending.file
        )
        self._log("Rollback:Acquired Configuration lock.")
        done = self.replace(pending.text, title="!List of Rollback Commands:")
        self._restored()
        return f"Rollback Confirmed Change: rolling to:{pending.file}\n\n{done.output}"

    # --- replace ---------------------------------------------------------------------------

    def replace(
        self, target: str, *, title: str = "!List of Commands:", back: str | None = None
    ) -> Replaced:
        """Make ``target`` the running-config; lines that IOS would not take are left out.

        ``back`` names the file to return to when a line fails (``revert trigger error``).
        """
        current = self._running()
        wanted = parse(body(target))
        failed: list[str] = []
        kept = self._accepted(current, wanted.nodes, (), failed)
        commands = difference(current.nodes, kept)
        after = Configuration(type(wanted)(kept))
        for spared in self._spared(commands):
            failed.append(spared[1])
            after = self._without_change(current, after, *spared)
        if failed and back is not None:
            return Replaced(
                output=(
                    f"Failed to apply command {failed[0]}\nAborting Rollback.\n\n"
                    "Rollback failed.Reverting back to the original configuration: "
                    f"{back} ...\nTotal number of passes: 1\nRollback Done\n"
                    "The original configuration has been successfully restored.\n"
                ),
                failed=tuple(failed),
            )
        self._install(after)
        self._log("%SYS-5-CONFIG_R: Config Replace is Done")
        if failed:
            block = "\n".join(failed)
            return Replaced(
                output=(
                    "The rollback configlet from the last pass is listed below:\n********\n"
                    f"!List of Rollback Commands:\n{block}\nend\n********\n\n\n"
                    "Rollback aborted after 5 passes\n"
                    "The following commands are failed to apply to the IOS image.\n"
                    f"********\n{block}\n********\n"
                ),
                failed=tuple(failed),
            )
        if not commands:
            return Replaced(output="Total number of passes: 0\nRollback Done\n")
        text = "\n".join(" " * len(path) + line for path, line in commands)
        return Replaced(
            output=(f"!Pass 1\n{title}\n{text}\nend\n\nTotal number of passes: 1\nRollback Done\n")
        )

    def _accepted(
        self, current: Configuration, nodes: Sequence[Node], path: Path, failed: list[str]
    ) -> Sequence[Node]:
        """The nodes of the target without the lines that are new and would be refused."""
        have = {node.text for node in current.children(path)}
        kept = []
        for node in nodes:
            if (
                node.shape is Shape.LINE
                and node.text not in have
                and not self._check(path, node.text)
            ):
                failed.append(node.text)
                continue
            children = self._accepted(current, node.children, (*path, node.text), failed)
            if children != node.children:
                node = Node(node.text, node.raw, node.line, node.shape, node.body, children)  # noqa: PLW2901
            kept.append(node)
        return tuple(kept)

    def _spared(self, commands: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
        spared = []
        for path, line in commands:
            if self._faults.strike(What.REVERT_FAIL, text=line):
                spared.append((path, line))
        return spared

    def _without_change(
        self, current: Configuration, after: Configuration, path: Path, line: str
    ) -> Configuration:
        """``after`` as if this one command of the rollback had not worked."""
        changed = after.copy()
        undo = line[3:] if line.startswith("no ") else f"no {line}"
        if current.has(path, undo) or not line.startswith("no "):
            changed.put(path, undo)
        return changed


def difference(old: Sequence[Node], new: Sequence[Node], path: Path = ()) -> list[tuple[Path, str]]:
    """The commands IOS lists for going from one tree to another, each with its section."""
    commands: list[tuple[Path, str]] = []
    fresh = {(node.text, node.body): node for node in new if node.shape is not Shape.NOISE}
    held = {(node.text, node.body): node for node in old if node.shape is not Shape.NOISE}
    for key, node in held.items():
        if key not in fresh and node.text not in ("end", "version"):
            text = node.text[3:] if node.text.startswith("no ") else f"no {node.text}"
            commands.append((path, text))
    for key, node in fresh.items():
        before = held.get(key)
        if before is None:
            if node.text == "end" or node.text.startswith("version "):
                continue
            commands.append((path, node.text))
            for inner, child in walk(node.children, (*path, node.text)):
                if child.shape is not Shape.NOISE:
                    commands.append((inner, child.text))
        elif node.children or before.children:
            nested = difference(before.children, node.children, (*path, node.text))
            if nested:
                commands.append((path, node.text))
                commands.extend(nested)
    return commands


_ERROR = "!No changes were found\n"


def contextual(old: str, new: str) -> str:
    """``show archive config differences``: ``+`` is in the second file only, ``-`` in the first."""
    lines = ["!Contextual Config Diffs:"]
    signed = _signed(parse(old).nodes, parse(new).nodes, 0)
    return "\n".join((*lines, *signed)) + "\n" if signed else _ERROR


def incremental(running: Configuration, target: str) -> str:
    """``show archive config incremental-diffs``: commands of the file not in running."""
    if not re.search(r"^end\s*$", target, re.MULTILINE):
        return "% Error: Could not process the file, error code 5\n"
    commands = [
        (path, line)
        for path, line in difference(running.nodes, parse(body(target)).nodes)
        if not line.startswith("no ")
    ]
    if not commands:
        return _ERROR
    text = "\n".join(" " * len(path) + line for path, line in commands)
    return f"!List of Commands:\n{text}\nend\n"


def _signed(old: Sequence[Node], new: Sequence[Node], depth: int) -> list[str]:
    lines: list[str] = []
    held = {(node.text, node.body): node for node in old if node.shape is not Shape.NOISE}
    fresh = {(node.text, node.body): node for node in new if node.shape is not Shape.NOISE}
    pad = " " * depth
    for key, node in fresh.items():
        before = held.get(key)
        if before is None:
            lines.append(f"{pad}+{node.text}")
            lines.extend(f"{pad} +{child.text}" for child in node.children)
        elif node.children or before.children:
            nested = _signed(before.children, node.children, depth + 1)
            if nested:
                lines.append(f"{pad}{node.text}")
                lines.extend(nested)
    for key, node in held.items():
        if key not in fresh:
            lines.append(f"{pad}-{node.text}")
            lines.extend(f"{pad} -{child.text}" for child in node.children)
    return lines
