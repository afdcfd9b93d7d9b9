"""Stage: from a commit of the config repository to its snapshot."""

import asyncio
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from catnet_controller.errors import SnapshotRefused, TooSlow
from catnet_controller.models import Desired, Device, DeviceState, Problem, Revision, Snapshot
from catnet_controller.policy import desired
from catnet_controller.ports import Offload, Repository

_OURS, _STRANGER = 600.0, 30.0
"""Seconds for reading what people who may write to the repository wrote, and what others did."""
_NEW = 100
"""New files of a stranger that are read: each costs a request of what GitHub allows in an hour."""
_ALL = "the repository"


async def take(
    repository: Repository,
    offload: Offload,
    sha: str,
    ref: str,
    *,
    at: str = "",
    added: Sequence[Device] = (),
    stranger: bool = False,
) -> Snapshot:
    """Read the commit and every file that matters, and build what it wants on each device.

    ``at`` is another commit to take the files of: the would-be merge of a pull request. ``added``
    are the devices that CatNet itself keeps. What a ``stranger`` wrote gets little time.
    Raises NotVisibleYet, GithubUnavailable, RateLimited, GithubDenied as the repository does.
    Problems in the files are in the snapshot, not raised: they are the author's, all at once.
    """
    revision = await repository.revision(sha, ref)
    try:
        files = await repository.files(at or sha, most_new=_NEW if stranger else None)
    except SnapshotRefused as error:
        return Snapshot(revision=revision, problems=_listed(error))
    return await build(files, revision, offload, added, stranger=stranger)


async def build(
    files: Mapping[str, bytes],
    revision: Revision,
    offload: Offload,
    added: Sequence[Device],
    *,
    stranger: bool = False,
) -> Snapshot:
    """The same from files that are here already."""
    work = partial(_built, dict(files), revision, tuple(added))
    templates = any(path.endswith(".j2") for path in files)
    within = _STRANGER if stranger else _OURS if templates else None
    try:
        snapshot, packed = await offload(work, within=within)
    except TooSlow as error:
        slow = Problem(file=_ALL, line=0, message=f"{error.message} to read; make it simpler")
        return Snapshot(revision=revision, problems=(slow,))
    devices: dict[str, Desired] = {}
    for name, one in packed.items():
        devices[name] = pickle.loads(one)  # noqa: S301 - packed below
        await asyncio.sleep(0)
    return replace(snapshot, desired=devices)


def _listed(error: SnapshotRefused) -> tuple[Problem, ...]:
    """Each line of the refusal is ``path: what is wrong``, or about all files."""
    problems = []
    for line in error.message.splitlines():
        file, _, message = line.rpartition(": ")
        problems.append(Problem(file=file or _ALL, line=0, message=message))
    if error.next_step != error.default_next_step:
        last = problems[-1]
        problems[-1] = replace(last, message=f"{last.message}. {error.next_step}")
    return tuple(problems)


def added(states: Mapping[str, DeviceState]) -> tuple[Device, ...]:
    """The devices that CatNet itself keeps."""
    return tuple(state.device for state in states.values() if state.device.added)


def _built(
    files: Mapping[str, bytes], revision: Revision, added: tuple[Device, ...]
) -> tuple[Snapshot, dict[str, bytes]]:
    """The snapshot without its devices, and each device packed.

    Unpacked all at once, the lines of a thousand devices would hold up the event loop.
    """
    snapshot = desired.build(files, revision, added)
    packed = {name: pickle.dumps(each) for name, each in snapshot.desired.items()}
    return replace(snapshot, desired={}), packed
