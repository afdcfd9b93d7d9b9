"""The files of the config repository at the revision in force come in; they go out, secrets hidden.

What was read once is kept on disk, so this answers while GitHub is away.
"""

from collections.abc import Awaitable, Callable, Mapping

from catnet_controller.errors import NoSuchConfig, NotVisibleYet
from catnet_controller.ios.redact import redact
from catnet_controller.ports import Repository, Triggers

Kept = Callable[[str], Awaitable[Mapping[str, bytes] | None]]
"""The files at a commit where all of them are here."""


class Configs:
    """Reads the commit that the branch was last seen at."""

    def __init__(
        self, *, branch: str, triggers: Triggers, repository: Repository, kept: Kept
    ) -> None:
        self._branch = branch
        self._triggers = triggers
        self._repository = repository
        self._kept = kept

    async def connect(self) -> str:
        """The head of the branch as GitHub has it now. Raises what reading it raises."""
        head = await self._repository.head(self._branch)
        assert head is not None, "an unconditional look always has an answer"
        return head.sha

    async def listed(self) -> tuple[str, Mapping[str, int]]:
        """The commit, and the files by path with their sizes.

        Raises NotVisibleYet before the branch was first read, and as reading it does.
        """
        sha, files = await self._files()
        return sha, {path: len(files[path]) for path in sorted(files)}

    async def show(self, path: str) -> tuple[str, str]:
        """The commit, and the text of the file without its secrets.

        Raises NoSuchConfig, and as ``listed`` does.
        """
        sha, files = await self._files()
        if path not in files:
            raise NoSuchConfig(f"there is no {path} in the repository at {sha[:12]}")
        text = files[path].decode("utf-8", "replace")
        return sha, redact(text)

    async def _files(self) -> tuple[str, Mapping[str, bytes]]:
        found = await self.known()
        if found is None:
            raise NotVisibleYet(f"branch {self._branch} has not been read yet")
        return found

    async def known(self) -> tuple[str, Mapping[str, bytes]] | None:
        """The commit and its files, None before the branch was first read.

        Raises what reading them raises, where they are not kept.
        """
        known = await self._triggers.ref_state(f"branch/{self._branch}")
        if known is None:
            return None
        kept = await self._kept(known.sha)
        return known.sha, kept if kept is not None else await self._repository.files(known.sha)
