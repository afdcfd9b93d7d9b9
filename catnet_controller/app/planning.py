"""A plan from this process: settings in, what would change on each device out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from catnet_controller.app import wiring
from catnet_controller.app.beside import Beside
from catnet_controller.app.machine import SystemClock
from catnet_controller.devices.transaction import Transactions
from catnet_controller.errors import CatnetError, Refused
from catnet_controller.models import (
    Desired,
    Device,
    Intent,
    Outcome,
    Reading,
    Revision,
    Snapshot,
    Step,
)
from catnet_controller.pipeline import checkout
from catnet_controller.pipeline import snapshot as snapshots
from catnet_controller.policy import desired
from catnet_controller.ports import Clock
from catnet_controller.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What a plan says of one device: its outcome, with the diff redacted."""

    device: str
    outcome: Outcome


async def plan(
    settings: Settings, *, path: Path | None, devices: Sequence[str]
) -> tuple[Snapshot, list[PlanResult]]:
    """Compare devices with a config repository now, from this process; nothing is typed.

    ``path`` is a checkout; None reads the branch on GitHub. ``devices`` empty means all. Raises
    Refused for an unknown device. A snapshot with problems comes back without results.
    """
    clock = SystemClock()
    snapshot = await _snapshot(settings, path, clock)
    if snapshot.problems:
        return snapshot, []
    chosen = _named(snapshot, devices or list(snapshot.desired))
    compare = wiring.compare(settings)
    limit = asyncio.Semaphore(settings.deploy.concurrency)

    async def one(wanted: Desired, reader: Transactions) -> PlanResult:
        async with limit:
            try:
                reading = await reader.read(wanted.device, _unrecorded)
                outcome, refusal = await offload(partial(compare.look, wanted, None, reading))
                if refusal is not None:
                    outcome = compare.failed(refusal, outcome)
            except CatnetError as error:
                outcome = compare.failed(error)
        return PlanResult(device=wanted.device.name, outcome=outcome)

    with Beside() as offload, wiring.backups(settings, offload) as backups:
        reader = wiring.devices(settings, clock, offload, backups)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(wanted, reader)) for wanted in chosen]
    return snapshot, [task.result() for task in tasks]


async def wanted(settings: Settings, *, path: Path | None, name: str) -> Desired:
    """What the config repository wants on the device. Raises Refused where that is not to say."""
    snapshot = await _snapshot(settings, path, SystemClock())
    if snapshot.problems:
        more = len(snapshot.problems) - 1
        raise Refused(
            f"the config repository has a problem: {snapshot.problems[0]}"
            + (f" (and {more} more)" if more else ""),
            next_step="`catnet check` shows every problem.",
        )
    return _named(snapshot, [name])[0]


def _named(snapshot: Snapshot, devices: Sequence[str]) -> list[Desired]:
    """What is wanted on these devices. Raises Refused for one that the inventory has not."""
    unknown = sorted(set(devices) - snapshot.desired.keys())
    if unknown:
        raise Refused(
            f"not in inventory.yaml: {', '.join(unknown)}",
            next_step=f"Known devices: {', '.join(snapshot.desired)}.",
        )
    return [snapshot.desired[name] for name in devices]


async def reading(settings: Settings, device: Device) -> Reading:
    """The running-config of the device, read now, kept as a backup."""
    with Beside() as offload, wiring.backups(settings, offload) as backups:
        reader = wiring.devices(settings, SystemClock(), offload, backups)
        return await reader.read(device, _unrecorded)


async def _unrecorded(_: Step, __: Intent | None = None) -> None:
    """The checkpoint of a look that no job stands behind."""


async def _snapshot(settings: Settings, path: Path | None, clock: Clock) -> Snapshot:
    if path is not None:
        return desired.build(checkout.files(path), Revision(sha="", ref="folder"))
    async with wiring.edge(settings, clock, lambda _: None) as github:
        branch = settings.github.branch
        head = await github.source.head(branch)
        assert head is not None, "an unconditional look always has an answer"
        with Beside() as offload:
            return await snapshots.take(github.source, offload, head.sha, f"branch/{branch}")
