"""CatNet's own devices room at the work of the benches."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from catnet_controller.app import machine
from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.platforms import IOS
from catnet_controller.devices.session import open_session
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.transaction import Transactions
from catnet_controller.devices.windowing import Answered, Window
from catnet_controller.errors import CatnetError
from catnet_controller.ios.changes import Command
from catnet_controller.ios.diff import compare
from catnet_controller.models import Device, Intent, Step
from tests.bench.rack import PASSWORD, USER, Target
from tests.bench.trial import Meter, measured, scratch

_CREDENTIAL = Credential(username=USER, password=PASSWORD)


class _Clock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


async def checkpoint(step: Step, intent: Intent | None) -> None:
    """A bench keeps no job."""


def device(target: Target) -> Device:
    return Device(name=target.name, host=target.host, port=target.port)


def _hostkeys(folder: Path, targets: Sequence[Target]) -> HostKeys:
    path = folder / "known_hosts"
    path.write_text("".join(f"{target.known_hosts}\n" for target in targets))
    return HostKeys(path)


@asynccontextmanager
async def devices_room(targets: Sequence[Target]) -> AsyncIterator[Transactions]:
    with scratch() as name:
        folder = Path(name)
        backups = Backups(folder / "backups")
        try:
            yield Transactions(
                credentials=Credentials({"default": _CREDENTIAL}),
                hostkeys=_hostkeys(folder, targets),
                backups=backups,
                clock=_Clock(),
                connect_timeout=60.0,
            )
        finally:
            backups.close()


def backup(targets: Sequence[Target], concurrency: int) -> Meter:
    """Strict host key, prompt learnt, read, whole, backup written and synced to the disk."""
    return machine.run(_backup(targets, concurrency))


async def _backup(targets: Sequence[Target], concurrency: int) -> Meter:
    free = asyncio.Semaphore(concurrency)
    async with devices_room(targets) as room:

        async def one(target: Target) -> None:
            async with free:
                try:
                    await room.read(device(target), checkpoint)
                except CatnetError:
                    meter.failures += 1

        await room.read(device(targets[0]), checkpoint)  # expressions compiled, caches filled
        with measured() as meter:
            async with asyncio.TaskGroup() as group:
                for target in targets:
                    group.create_task(one(target))
    return meter


async def _session(target: Target, hostkeys: HostKeys) -> Terminal:
    return await open_session(
        device(target),
        credential=_CREDENTIAL,
        hostkeys=hostkeys,
        platform=IOS,
        connect_timeout=60.0,
        command_timeout=60.0,
    )


def lines(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    """Into configuration mode, every line with its own answer, and out again."""
    return machine.run(_lines(targets[0], typed))


async def _lines(target: Target, typed: Sequence[str]) -> Meter:
    heard: list[str] = []
    timer = IOS.timer
    assert timer is not None

    def hear(_: Command, answered: Answered) -> bool:
        heard.append(answered.answer)
        return True

    with scratch() as folder:
        hostkeys = _hostkeys(Path(folder), [target])
        async with await _session(target, hostkeys) as session:
            with measured() as meter:
                await session.run(timer.arm.format(minutes=5))
                await session.run(f"do {timer.show}")
                await session.pour(
                    [Command(text=line) for line in typed],
                    window=Window(lines=64, bytes=IOS.typeahead),
                    heard=hear,
                )
                await session.run(IOS.leave)
            await session.run(timer.revert)
    meter.failures = len(typed) - heard.count("")
    return meter


def change(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    """The whole transaction: from the connect to the saved, with backup and proof."""
    return machine.run(_change(targets[0], typed))


async def _change(target: Target, typed: Sequence[str]) -> Meter:
    desired = "\n".join(f" {line}" if not line.startswith("interface") else line for line in typed)
    decide = partial(compare, desired=f"{desired}\n", scope="partial")
    async with devices_room([target]) as room:
        with measured() as meter:
            result = await room.push(device(target), decide, checkpoint)
        if result.error is not None:
            raise result.error
        done = [exchange.line for exchange in result.transcript]
        meter.failures = sum(line not in done for line in typed)
        gone = partial(compare, desired="hostname sim1\n", scope="partial", applied=desired)
        await room.push(device(target), gone, checkpoint)
    return meter


def sessions(targets: Sequence[Target], concurrency: int) -> Meter:
    """All of them open at once."""
    return machine.run(_sessions(targets, concurrency))


async def _sessions(targets: Sequence[Target], concurrency: int) -> Meter:
    free = asyncio.Semaphore(concurrency)
    held: list[Terminal] = []
    with scratch() as folder:
        hostkeys = _hostkeys(Path(folder), targets)
        # With the first connection a loop opens what it needs once.
        await (await _session(targets[0], hostkeys)).close()
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked

        async def one(target: Target) -> None:
            async with free:
                try:
                    held.append(await _session(target, hostkeys))
                except CatnetError:
                    meter.failures += 1

        with measured() as meter:
            async with asyncio.TaskGroup() as group:
                for target in targets:
                    group.create_task(one(target))
            meter.threads = threading.active_count()
            meter.files = len(os.listdir("/proc/self/fd")) - files  # noqa: PTH208
        for session in held:
            session.drop()
    return meter
