"""Stage: opens a deployment that a person or a timer asked for, from what is recorded."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from catnet_controller.errors import Refused
from catnet_controller.models import (
    Deployment,
    Desired,
    Device,
    DeviceState,
    JobPlan,
    Mode,
    Revision,
    Scope,
)
from catnet_controller.ports import Conclude, Deployments, States

RECORDED = "recorded"
"""The ref of such a deployment: it is about what is on record, not about a commit."""

_TITLES = {
    Mode.CHECK: "check of what is on record",
    Mode.DRY_RUN: "dry-run of what is on record",
    Mode.PUSH: "deployment of what is on record",
    Mode.BACKUP: "backup of the running configuration",
}


async def request(
    *,
    deployments: Deployments,
    states: States,
    conclude: Conclude,
    mode: Mode,
    devices: Sequence[str] | None,
    cause: str,
    head: str = "",
) -> Deployment:
    """Compare devices with what the branch wants on them, as last recorded; back them up; or push
    it to those that are named, also where it failed or was rolled back before.

    ``devices`` None means every device of the inventory. ``head`` is the commit that the branch is
    at; it hears nothing of a push to some devices. Works while GitHub is away, since the desired
    texts are in the store. A device on which the repository wants nothing can be checked and
    backed up. Raises Refused for an unknown device, when no desired text is on record, for a push
    to all, and for a mode that cannot be asked for.
    """
    if mode not in (Mode.CHECK, Mode.DRY_RUN, Mode.BACKUP, Mode.PUSH):
        raise Refused(
            f"a deployment of mode {mode.value} cannot be asked for here",
            next_step="Ask for `check`, `dry-run`, `push` or `backup`.",
        )
    if mode is Mode.PUSH and not devices:
        raise Refused(
            "a push that is asked for names its devices",
            next_step="Name them; `catnet sync --force` deploys the whole branch again.",
        )
    jobs = []
    for state in _choose(await states.states(), devices):
        desired = await deployments.desired(state.desired) if state.desired else None
        if desired is None and mode in (Mode.CHECK, Mode.BACKUP):
            desired = _nothing(state.device) if state.device.added else None
        elif desired is None and state.device.added and devices is not None:
            name = state.device.name
            raise Refused(
                f"the repository wants nothing on {name}, which was added to CatNet itself",
                next_step=f"Add configs/added/{name}.cfg to the repository, or take a file there:"
                f" `catnet deploy --device {name} --source file --config PATH`.",
            )
        if desired is not None:
            jobs.append(JobPlan(device=state.device, desired=desired))
    if not jobs:
        raise Refused(
            "no device has a desired configuration on record yet",
            next_step="Push an inventory to the branch, or run `catnet sync`, and ask again.",
        )
    return await deployments.open(
        Revision(sha=head if mode is Mode.PUSH else "", ref=RECORDED, title=_TITLES[mode]),
        mode,
        cause=cause,
        jobs=jobs,
        conclude=conclude,
    )


def _nothing(device: Device) -> Desired:
    """That nothing is wanted, in a form in which it can be compared: all there is may stay."""
    digest = hashlib.sha256(f"unmanaged\n{device.name}".encode()).hexdigest()
    return Desired(
        device=replace(device, scope=Scope.PARTIAL),
        text="",
        digest=f"sha256:{digest}",
        origins=(),
        literal=True,
    )


def _choose(
    recorded: Mapping[str, DeviceState], devices: Sequence[str] | None
) -> Sequence[DeviceState]:
    if devices is None:
        return tuple(recorded.values())
    unknown = sorted(set(devices) - recorded.keys())
    if unknown:
        raise Refused(
            f"not in the inventory: {', '.join(unknown)}",
            next_step="`catnet status` lists the devices; they come from inventory.yaml.",
        )
    return tuple(recorded[name] for name in dict.fromkeys(devices))
