"""Cancelling a job: its sessions are closed within two seconds, and nothing of it is left.

Tasks, threads and open files are counted, over OpenSSH's own server and over the simulator's,
directly and through a jump host, at every place where a job can wait for a device.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys, describe
from catnet_controller.devices.transaction import Transactions
from catnet_controller.models import Device, Intent, Jump, Step
from catnet_controller.simulator.faults import What
from tests import helpers_openssh
from tests.helpers_openssh import Sshd
from tests.integration.devicelab import Record, SystemClock, laboratory
from tests.integration.test_devices_jump import HOP, jumping

WITHIN = 2.0
OPENSSH = pytest.mark.skipif(
    helpers_openssh.missing() is not None, reason=helpers_openssh.missing() or ""
)
WAYS = pytest.mark.parametrize("jumps", [False, True], ids=["direct", "jump"])

SCRIPT = """\
#!/bin/sh
# A device that answers until it is asked for {hangs}, and is then silent for good.
stty -echo
printf 'r1#'
while IFS= read -r line; do
  case "$line" in
    {hangs}*) printf '%s\\r\\n' "$line"; exec sleep 600 ;;
    'show privilege'*) printf '%s\\r\\nCurrent privilege level is 15\\r\\nr1#' "$line" ;;
    'show running-config'*) printf '%s\\r\\nhostname r1\\r\\n!\\r\\nend\\r\\nr1#' "$line" ;;
    *) printf '%s\\r\\nr1#' "$line" ;;
  esac
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the process holds."""

    tasks: int
    threads: int
    files: int

    def within(self, other: "Held") -> bool:
        """True when nothing more is held."""
        return (
            self.tasks <= other.tasks
            and self.threads <= other.threads
            and self.files <= other.files
        )


def held() -> Held:
    return Held(
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        files=len(list(Path("/proc/self/fd").iterdir())),
    )


@pytest.fixture(autouse=True)
async def _one_thread() -> None:
    """The loop's own pool (shared, bounded, filled as needed) has all its threads already."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
    await loop.run_in_executor(None, threading.active_count)


class Watched(Record):
    """Says when the step has begun in which the job will wait."""

    def __init__(self, at: Step) -> None:
        super().__init__()
        self._at = at
        self.there = asyncio.Event()

    async def __call__(self, step: Step, intent: Intent | None) -> None:
        await super().__call__(step, intent)
        if step is self._at:
            self.there.set()


async def cancelled(job: asyncio.Task[Any], record: Watched, reached: Callable[[], bool]) -> None:
    """Cancel the job once it waits for the device, and see it end."""
    async with asyncio.timeout(10):
        await record.there.wait()
        while not reached():  # noqa: ASYNC110 - the other end tells nobody
            await asyncio.sleep(0.01)
    job.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert time.monotonic() - started < WITHIN


async def settled(before: Held, left: Callable[[], bool]) -> None:
    """Within two seconds the other end sees the session gone and nothing more is held here."""
    until = time.monotonic() + WITHIN
    # Less is no leak: what was counted before may still have been about to close.
    while not (left() and held().within(before)):
        assert time.monotonic() < until, f"{held()}, before {before}, other end left: {left()}"
        await asyncio.sleep(0.01)


def transactions(folder: Path, backups: Backups, **logins: Credential) -> Transactions:
    return Transactions(
        credentials=Credentials(logins),
        hostkeys=HostKeys(folder / "known_hosts"),
        backups=backups,
        clock=SystemClock(),
        connect_timeout=30.0,
        command_timeout=30.0,
    )


@OPENSSH
@WAYS
@pytest.mark.parametrize(
    ("hangs", "step"),
    [("terminal", Step.CONNECT), ("'show running-config'", Step.READ)],
    ids=["login", "answer"],
)
async def test_cancelled_over_openssh(
    hangs: str, step: Step, *, jumps: bool, tmp_path: Path
) -> None:
    with Sshd(script=SCRIPT.format(hangs=hangs)) as device, Sshd() as bastion:
        lines = device.known_hosts_line + bastion.known_hosts_line
        (tmp_path / "known_hosts").write_text(lines)
        devices = transactions(
            tmp_path,
            Backups(tmp_path / "backups"),
            default=Credential(username=device.user, password=device.password),
            hop=Credential(username=bastion.user, password=bastion.password),
        )
        jump = Jump(name="bastion", host="127.0.0.1", port=bastion.port, credential="hop")
        it = Device(name="r1", host="127.0.0.1", port=device.port, jump=jump if jumps else None)

        def left() -> bool:
            return device.sessions == bastion.sessions == 0

        async def once() -> None:
            async with asyncio.TaskGroup() as group:
                record = Watched(step)
                job = group.create_task(devices.read(it, record))
                await cancelled(job, record, lambda: device.runs("sleep"))

        await once()  # what is made once and kept is made now
        async with asyncio.timeout(WITHIN):
            while not left():  # noqa: ASYNC110 - the other end tells nobody
                await asyncio.sleep(0.01)
        before = held()
        for _ in range(3):
            await once()
            await settled(before, left)


async def test_cancelled_while_the_jump_host_is_silent(tmp_path: Path) -> None:
    gone = asyncio.Event()
    came = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    devices = transactions(tmp_path, Backups(tmp_path / "backups"), default=HOP, hop=HOP)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        jump = Jump(name="bastion", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        device = Device(name="r1", host="127.0.0.1", jump=jump)
        before: Held | None = None
        for _ in range(4):
            came.clear()
            gone.clear()
            async with asyncio.TaskGroup() as group:
                record = Watched(Step.CONNECT)
                job = group.create_task(devices.read(device, record))
                await cancelled(job, record, came.is_set)
            async with asyncio.timeout(WITHIN):
                await gone.wait()
            if before is None:
                before = held()
            await settled(before, gone.is_set)


@WAYS
@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("show running-config", Step.READ),
        ("configure terminal revert timer", Step.ARM),
        ("description core", Step.PUSH),
        ("configure confirm", Step.CONFIRM),
        ("write memory", Step.SAVE),
    ],
)
async def test_cancelled_in_a_push(line: str, step: Step, *, jumps: bool, tmp_path: Path) -> None:
    async with jumping() as bastion, laboratory(tmp_path, patience=30.0) as lab:
        lab.hostkeys.trust("127.0.0.1", bastion.port, [describe(bastion.key)])
        login = Credential(username="catnet", password="catnet")
        devices = transactions(tmp_path, lab.backups, default=login, hop=HOP)
        device = replace(lab.device, jump=bastion.jump if jumps else None)
        await devices.read(device, Record())
        async with asyncio.timeout(WITHIN):
            while lab.sim.sessions or bastion.open:  # noqa: ASYNC110 - the other end tells nobody
                await asyncio.sleep(0.01)
        before = held()
        lab.inject(What.HANG, line)
        async with asyncio.TaskGroup() as group:
            record = Watched(step)
            change = (" description uplink", " description core")
            job = group.create_task(devices.push(device, lab.wanting(change), record))
            await cancelled(job, record, lambda: any(line in typed for typed in lab.typed))
        await settled(before, lambda: not bastion.open)
