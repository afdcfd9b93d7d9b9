"""Stage: from a commit of the config repository to its snapshot."""

import asyncio
import pickle
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from catnet_controller.models import Desired, Revision, Snapshot
from catnet_controller.policy import desired
from catnet_controller.ports import Offload, Repository


async def take(
    repository: Repository, offload: Offload, sha: str, ref: str, *, at: str = ""
) -> Snapshot:
    """Read the commit and every file that matters, and build what it wants on each device.

    ``at`` is another commit to take the files of: the would-be merge of a pull request.
    Raises NotVisibleYet, GithubUnavailable, RateLimited, GithubDenied as the repository does.
    Problems in the files are in the snapshot, not raised: they are the author's, all at once.
    """
    revision = await repository.revision(sha, ref)
    files = await repository.files(at or sha)
    snapshot, packed = await offload(partial(_built, dict(files), revision))
    devices: dict[str, Desired] = {}
    for name, one in packed.items():
        devices[name] = pickle.loads(one)  # noqa: S301 - packed below
        await asyncio.sleep(0)
    return replace(snapshot, desired=devices)


def _built(files: Mapping[str, bytes], revision: Revision) -> tuple[Snapshot, dict[str, bytes]]:
    """The snapshot without its devices, and each device packed.

    Unpacked all at once, the lines of a thousand devices would hold up the event loop.
    """
    snapshot = desired.build(files, revision)
    packed = {name: pickle.dumps(each) for name, each in snapshot.desired.items()}
    return replace(snapshot, desired={}), packed
