"""What a comparison said comes in; it is given again while nothing that it depends on changes.

Most checks read a device that nobody touched since the last one, and comparing is the larger part
of their work. Kept in memory alone: another version of CatNet, or other secrets, compare anew.
"""

from collections import OrderedDict
from dataclasses import replace

from catnet_controller.models import DeviceState, Job, Mode, Outcome, Reading

Key = tuple[str, str | None, str]


class Recall:
    """The last answer for each of so many devices."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[Key, Outcome]] = OrderedDict()

    def find(self, job: Job, state: DeviceState, reading: Reading) -> Outcome | None:
        """The outcome of a check whose device, desired text and applied text are as they were."""
        kept = self._kept.get(job.device.name)
        key = _key(job, state, reading)
        if kept is None or key is None or kept[0] != key:
            return None
        self._kept.move_to_end(job.device.name)
        assert reading.backup is not None, "a key has one"
        return replace(kept[1], backup=reading.backup.id, read_at=reading.read_at)

    def keep(self, job: Job, state: DeviceState, reading: Reading, outcome: Outcome) -> None:
        """Remember what was found equal; anything else is looked at anew every time."""
        key = _key(job, state, reading)
        if key is None:
            return
        self._kept.pop(job.device.name, None)
        if not outcome.changed:
            self._kept[job.device.name] = key, outcome
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _key(job: Job, state: DeviceState, reading: Reading) -> Key | None:
    """None where it is not known for certain that the reading is the same."""
    if job.mode is not Mode.CHECK or reading.backup is None:
        return None
    # The scope of the device and what it is called are in the target; a change of either counts.
    about = f"{job.desired} {job.device.scope} {job.device.platform}"
    return about, state.applied, reading.backup.digest
