"""From a snapshot and what is recorded to the jobs of a deployment."""

from collections.abc import Mapping
from dataclasses import replace

from catnet_controller.models import Desired, DeviceState, JobPlan, Snapshot, Sync


def push_jobs(
    snapshot: Snapshot, states: Mapping[str, DeviceState], *, force: bool
) -> tuple[JobPlan, ...]:
    """The devices that a revision of the branch goes to.

    A device whose desired text was applied already and is the one the branch wanted before is
    left out: a commit that does not speak of a device never touches it, not even to undo drift.
    One that was rolled back from this very text keeps what it has. ``force`` (an operator asked)
    takes all. They come in the order of their waves.
    """
    going = [
        JobPlan(device=desired.device, desired=desired)
        for name, desired in snapshot.desired.items()
        if force
        or name not in states
        or (
            states[name].declined != desired.digest
            and {states[name].applied, states[name].desired} != {desired.digest}
        )
    ]
    return tuple(sorted(going, key=lambda plan: plan.device.wave))


def plan_jobs(snapshot: Snapshot, base: Snapshot) -> tuple[JobPlan, ...]:
    """The devices that a pull request would change against its base branch.

    Where the base has problems of its own nothing can be left out.
    """
    return tuple(
        JobPlan(device=desired.device, desired=desired)
        for name, desired in snapshot.desired.items()
        if base.problems or name not in base.desired or base.desired[name].digest != desired.digest
    )


def inventory(
    snapshot: Snapshot, states: Mapping[str, DeviceState], *, release: bool
) -> tuple[DeviceState, ...]:
    """The recorded states brought up to what the branch wants now.

    ``release`` lifts the quarantine: an operator asked for another try. A device that CatNet
    itself keeps stays one when its file is gone; nothing is wanted on it then.
    """
    wanted = [
        _wanted(states.get(name) or DeviceState(device=desired.device), desired, release=release)
        for name, desired in snapshot.desired.items()
    ]
    unmanaged = [
        replace(state, desired=None, sync=Sync.UNKNOWN, declined=None, quarantined=None)
        for name, state in states.items()
        if state.device.added and state.desired is not None and name not in snapshot.desired
    ]
    return (*wanted, *unmanaged)


def _wanted(state: DeviceState, desired: Desired, *, release: bool) -> DeviceState:
    unchanged = state.desired == desired.digest
    return replace(
        state,
        device=desired.device,
        desired=desired.digest,
        sync=state.sync if unchanged else Sync.UNKNOWN,
        quarantined=None if release else state.quarantined,
        declined=None if release else state.declined,
    )
