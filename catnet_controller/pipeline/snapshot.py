"""Stage: from a commit of the config repository to its snapshot."""

from catnet_controller.models import Snapshot
from catnet_controller.policy import desired
from catnet_controller.ports import Offload, Repository


async def take(repository: Repository, offload: Offload, sha: str, ref: str) -> Snapshot:
    """Read the commit and every file that matters, and build what it wants on each device.

    Raises NotVisibleYet, GithubUnavailable, RateLimited, GithubDenied as the repository does.
    Problems in the files are in the snapshot, not raised: they are the author's, all at once.
    """
    revision = await repository.revision(sha, ref)
    files = await repository.files(sha)
    # Not in another process: bringing back the lines of a thousand devices takes longer at a time
    # than sharing this one with a thread.
    return await offload(lambda: desired.build(files, revision))
