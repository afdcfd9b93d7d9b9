"""The faults of a device as a table: what is injected, and what must be true when it is over.

`python -m tests.integration.fault_matrix` runs every row and prints what came out.
"""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from catnet_controller.ios.normal import digest
from catnet_controller.models import Restored, State, Sync
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_flow import Flow, config, flow

NAME = "a"
ROUTES = ("ip route 203.0.113.0 255.255.255.0 Null0", "ip route 192.0.2.0 255.255.255.0 Null0")
READ = "^show running-config"
LINE = "^ip route 203.0.113.0"
LONG = f"{ROUTES[0]} name {'x' * 40}"
BEFORE, AFTER, OTHER = "before", "after", "other"
DEPLOY = f"catnet/deploy/{NAME}"


@dataclass(frozen=True, slots=True)
class End:
    """What is true when all is over. ``status`` is the state of the commit status."""

    running: str
    startup: str
    state: State
    code: str | None
    restored: Restored
    sync: Sync
    quarantined: bool
    status: str


@dataclass(frozen=True, slots=True)
class Row:
    """A fault of the list: its number, its name, what is injected and how it must end."""

    number: int
    name: str
    faults: tuple[Fault, ...]
    end: End
    lines: tuple[str, ...] = ROUTES
    """What the commit adds."""

    def __str__(self) -> str:
        return f"{self.number:02d} {self.name}"


def at(
    what: What,
    match: str | None = LINE,
    *,
    after: bool = False,
    times: int | None = 1,
    text: str = "",
    seconds: float = 0.0,
    line: int | None = None,
) -> tuple[Fault, ...]:
    when = When(match=match, after=after, line=line)
    return (Fault(what=what, when=when, times=times, text=text, seconds=seconds),)


def anywhere(what: What, *, times: int | None = None, text: str = "") -> tuple[Fault, ...]:
    return (Fault(what=what, times=times, text=text),)


DONE = End(AFTER, AFTER, State.COMPLETE, None, Restored.NOT_NEEDED, Sync.IN_SYNC, False, "success")


def failed(
    code: str,
    restored: Restored = Restored.RESTORED,
    *,
    running: str = BEFORE,
    startup: str = BEFORE,
    sync: Sync = Sync.OUT_OF_SYNC,
    quarantined: bool = False,
    status: str = "failure",
) -> End:
    return End(running, startup, State.FAILED, code, restored, sync, quarantined, status)


REFUSED = failed("line-refused", quarantined=True)
UNPROVED = failed("verify-failed", quarantined=True)
LOST = failed("connection-lost")
MUTE = failed("device-timeout")


def unread(code: str) -> End:
    """The device could not be read, so nothing is known of what it lacks."""
    return failed(code, Restored.NOT_NEEDED, sync=Sync.UNKNOWN)


def untouched(code: str) -> End:
    return failed(code, Restored.NOT_NEEDED)


EDIT = "interface GigabitEthernet0/1\ndescription by hand"
ROWS: tuple[Row, ...] = (
    Row(1, "reset before the line", at(What.RESET), LOST),
    Row(1, "reset after the line", at(What.RESET, after=True), LOST),
    Row(1, "closed before the line", at(What.CLOSE), LOST),
    Row(1, "closed after the line", at(What.CLOSE, after=True), LOST),
    Row(1, "half-open", at(What.SILENCE), MUTE),
    Row(1, "half-open after the line", at(What.SILENCE, after=True), MUTE),
    Row(2, "hang after the echo", at(What.HANG), MUTE),
    Row(3, "slow line", at(What.SLOW, seconds=30.0), DONE),
    Row(3, "slower than the timer", at(What.SLOW, seconds=400.0), MUTE),
    Row(4, "line rejected", at(What.REJECT), REFUSED),
    Row(4, "rejected without a percent sign", at(What.REJECT, text="Bad mask /24"), REFUSED),
    Row(5, "line forgotten", at(What.FORGET), UNPROVED),
    Row(
        6,
        "something else stored",
        at(What.ALTER, text="ip route 10.9.0.0 255.255.0.0 Null0"),
        UNPROVED,
    ),
    Row(
        7,
        "log message",
        at(What.SYSLOG, text="%SYS-5-CONFIG_I: Configured from console by bob"),
        DONE,
    ),
    Row(
        7,
        "log message inside the reading",
        at(What.GARBLE, READ, text="log"),
        DONE,
    ),
    Row(
        7,
        "log message inside the proof",
        (*at(What.SLOW, READ), *at(What.GARBLE, READ, text="log")),
        DONE,
    ),
    Row(
        8,
        "bytes lost in the reading",
        at(What.GARBLE, READ),
        failed("incomplete-read", Restored.NOT_NEEDED, sync=Sync.UNKNOWN),
    ),
    Row(
        8,
        "bytes lost in the proof",
        (*at(What.SLOW, READ), *at(What.GARBLE, READ)),
        DONE,
    ),
    Row(
        8,
        "bytes twice in the proof",
        (*at(What.SLOW, READ), *at(What.GARBLE, READ, text="double")),
        DONE,
    ),
    Row(8, "NULs in every reading", at(What.GARBLE, READ, text="nul", times=None), DONE),
    Row(8, "output in pieces", anywhere(What.CHUNKED), DONE),
    Row(9, "what looks like a prompt", at(What.MIMIC, seconds=30.0), REFUSED),
    Row(
        9,
        "what looks like a prompt in a reading",
        at(What.MIMIC, READ, times=None, seconds=30.0),
        DONE,
    ),
    Row(10, "pager forced on", anywhere(What.PAGER), DONE),
    Row(11, "narrow terminal", anywhere(What.NARROW), DONE),
    Row(11, "line that scrolls", anywhere(What.NARROW), MUTE, lines=(LONG,)),
    Row(12, "credential refused", anywhere(What.AUTH_FAIL), unread("authentication-failed")),
    Row(12, "no session granted", anywhere(What.NO_SHELL), unread("authentication-failed")),
    Row(12, "password expired", anywhere(What.EXPIRED), unread("prompt-unexpected")),
    Row(13, "line denied", at(What.DENIED), REFUSED),
    Row(
        13,
        "confirm denied",
        at(What.DENIED, "^configure confirm", times=None),
        failed("prompt-unexpected"),
    ),
    Row(
        13,
        "save denied",
        at(What.DENIED, "^write", times=None),
        failed("save-failed", Restored.NOT_NEEDED, running=AFTER),
    ),
    Row(14, "no VTY line", anywhere(What.VTY_FULL), unread("device-busy")),
    Row(14, "no VTY line twice", anywhere(What.VTY_FULL, times=2), DONE),
    Row(14, "closed after the banner", anywhere(What.REFUSED), unread("device-busy")),
    Row(14, "barred by an access-class", anywhere(What.BARRED), unread("device-busy")),
    Row(14, "no answer", anywhere(What.UNREACHABLE), unread("device-unreachable")),
    Row(15, "another host key", anywhere(What.KEY_CHANGED), unread("host-key-changed")),
    Row(16, "configuration locked", anywhere(What.LOCKED), untouched("device-busy")),
    Row(17, "archive not writable", anywhere(What.ARCHIVE_FAIL), untouched("arm-refused")),
    Row(18, "NVRAM busy twice", anywhere(What.SAVE_FAIL, times=2), DONE),
    Row(
        18,
        "NVRAM busy for ever",
        anywhere(What.SAVE_FAIL),
        failed("save-failed", Restored.NOT_NEEDED, running=AFTER),
    ),
    Row(
        18,
        "save without [OK]",
        anywhere(What.SAVE_FAIL, text="Building configuration..."),
        failed("save-failed", Restored.NOT_NEEDED, running=AFTER),
    ),
    Row(
        18,
        "another image's NVRAM",
        at(What.ASK, "^write", text="Overwrite the previous NVRAM configuration?[confirm]"),
        DONE,
    ),
    Row(
        18,
        "NVRAM too small",
        anywhere(What.SAVE_CUT),
        failed("save-failed", Restored.NOT_NEEDED, running=AFTER),
    ),
    Row(19, "reboot at the line", at(What.REBOOT), LOST),
    Row(19, "reboot after the line", at(What.REBOOT, after=True), LOST),
    Row(20, "management lost at the line", at(What.LOST_MANAGEMENT), MUTE),
    Row(20, "management lost after the line", at(What.LOST_MANAGEMENT, after=True), MUTE),
    Row(21, "confirm too late", at(What.SLOW, "^configure confirm", seconds=400.0), MUTE),
    Row(
        21,
        "confirm by another user",
        at(
            What.REJECT,
            "^configure confirm",
            times=None,
            text="%Only the user who enabled Rollback Confirmed Change can change it",
        ),
        failed("prompt-unexpected"),
    ),
    Row(21, "reply to the confirm lost", anywhere(What.CONFIRM_LOST, times=1), DONE),
    Row(
        22,
        "somebody edits before the arm",
        at(What.EDIT, "^configure terminal", text=EDIT),
        failed("device-busy", Restored.NOT_NEEDED, running=OTHER),
    ),
    Row(22, "somebody edits in the middle", at(What.EDIT, text=EDIT), UNPROVED),
    Row(
        23,
        "rollback aborts",
        (*at(What.REJECT, "^ip route 192.0.2.0"), *at(What.REVERT_FAIL, ".", times=None)),
        REFUSED,
    ),
    Row(
        24,
        "rollback leaves a line",
        (*at(What.REJECT, "^ip route 192.0.2.0"), *at(What.REVERT_FAIL, "203.0.113.0")),
        REFUSED,
    ),
    Row(
        25, "unexpected question", at(What.ASK, text="Do you really want this? [confirm]"), REFUSED
    ),
    Row(26, "hostname changes in the middle", at(What.EDIT, text="hostname elsewhere"), MUTE),
    Row(27, "old reply again", at(What.REPEAT), REFUSED),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a row ended, and the words of the commit status."""

    end: End
    said: str


async def run(row: Row, home: Path) -> Ran:
    """The change goes through the flow on one device with the faults of the row."""
    async with flow(home, names=(NAME,), scale=120.0, patience=1.0) as it:
        await it.trigger()
        device = it.device(NAME)
        before = digest(device.running())
        for fault in row.faults:
            device.inject(fault)
        sha = await it.push({f"configs/{NAME}.cfg": config(NAME, *row.lines)})
        device.clear()
        return await _ended(it, sha, before, digest(config(NAME, *row.lines)))


async def _ended(it: Flow, sha: str, before: str, wanted: str) -> Ran:
    device = it.device(NAME)
    called: Callable[[str], str] = lambda text: {before: BEFORE, wanted: AFTER}.get(  # noqa: E731
        digest(text), OTHER
    )
    (job,) = (await it.last()).jobs
    assert job.outcome is not None
    state = await it.state(NAME)
    assert not device.pending_revert
    status, said = it.said(sha)[DEPLOY]
    end = End(
        called(device.running()),
        called(device.startup()),
        job.state,
        job.outcome.error_code,
        job.outcome.restored,
        state.sync,
        state.quarantined == sha,
        status,
    )
    return Ran(end, said)


async def everything(rows: Sequence[Row]) -> bool:
    """Print the matrix from a run; whether every row ended as it must."""
    print("| fault | running | startup | job | device | recorded | status | as it must |")
    print("|---|---|---|---|---|---|---|---|")
    good = True
    for row in rows:
        with tempfile.TemporaryDirectory() as home:
            end = (await run(row, Path(home))).end
        right = end == row.end
        good = good and right
        job = f"{end.state} {end.code or ''}".strip()
        kept = f"{end.sync}{', quarantined' if end.quarantined else ''}"
        print(
            f"| {row} | {end.running} | {end.startup} | {job} | {end.restored} | {kept} "
            f"| {end.status} | {'yes' if right else 'NO'} |",
            flush=True,
        )
    return good


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    raise SystemExit(0 if asyncio.run(everything(ROWS)) else 1)
