"""A large commit built beside the event loop is the commit built in place."""

from collections.abc import Mapping, Sequence

import pytest

from catnet_controller.app.beside import Beside
from catnet_controller.models import Head, Pull, Revision
from catnet_controller.pipeline import snapshot
from catnet_controller.policy import desired
from catnet_controller.ports import Repository
from tests.bench import configs


class Commit:
    """A repository with one commit, as ports.Repository."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    async def head(self, branch: str, etag: str | None = None) -> Head | None:
        raise NotImplementedError

    async def pulls(self, etag: str | None = None) -> tuple[Sequence[Pull], str] | None:
        raise NotImplementedError

    async def pull(self, number: int) -> Pull:
        raise NotImplementedError

    async def parents(self, sha: str) -> Sequence[str]:
        raise NotImplementedError

    async def goes_back(self, known: str, shown: str) -> bool:
        raise NotImplementedError

    async def revision(self, sha: str, ref: str) -> Revision:
        return Revision(sha=sha, ref=ref)

    async def files(self, sha: str, *, most_new: int | None = None) -> Mapping[str, bytes]:
        return self._files


@pytest.mark.parametrize("broken", [False, True])
async def test_a_large_commit_is_built_in_another_process(broken: bool) -> None:
    text = configs.running(400)
    files = {
        f"configs/d{n}.cfg": text.replace("hostname bench", f"hostname d{n}").encode()
        for n in range(5)
    }
    files["inventory.yaml"] = b"devices:\n" + b"".join(
        f"  d{n}: {{host: 192.0.2.{n + 1}}}\n".encode() for n in range(6 if broken else 5)
    )
    repository: Repository = Commit(files)
    with Beside() as beside:
        taken = await snapshot.take(repository, beside, "a" * 40, "branch/main")
        assert len(beside.processes) == 1
    assert taken == desired.build(files, Revision(sha="a" * 40, ref="branch/main"))
    assert bool(taken.problems) is broken
    assert list(taken.desired) == ([] if broken else [f"d{n}" for n in range(5)])
