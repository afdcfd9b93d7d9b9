"""File changes in, commits out: a bare git repository that is served, and a clone to work in."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from catnet_controller.errors import InternalFault, SettingsInvalid

ZERO = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A commit as a push payload describes it."""

    sha: str
    tree: str
    title: str
    message: str
    author: str
    email: str
    date: str
    parents: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    modified: tuple[str, ...]


class Worktree:
    """A bare repository below ``home`` and a clone of it; ``git`` runs as a subprocess.

    Nothing of the user's git configuration is used. Work in the clone is serial; reading the
    bare repository is not.
    """

    def __init__(self, home: Path, *, branch: str, author: str) -> None:
        git = shutil.which("git")
        if git is None:
            raise SettingsInvalid("git is not installed", next_step="Install git.")
        self._git_path = git
        self.bare = home / "origin.git"
        self.branch = branch
        self._clone = home / "clone"
        self._home = home
        self._author = author
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="git")
        self.lock = asyncio.Lock()
        """Held by whoever changes the clone, over all steps of the change."""

    async def create(self, seed: Path) -> str:
        """Both repositories, new, with the files of ``seed`` as the first commit; its sha."""
        for path in (self.bare, self._clone):
            if path.exists():
                shutil.rmtree(path)
        self._home.mkdir(parents=True, exist_ok=True)
        await self._run(
            self._home, "init", "-q", "--bare", f"--initial-branch={self.branch}", str(self.bare)
        )
        await self._run(
            self._home, "init", "-q", f"--initial-branch={self.branch}", str(self._clone)
        )
        await self._work("remote", "add", "origin", str(self.bare))
        shutil.copytree(seed, self._clone, dirs_exist_ok=True)
        return await self._record("First commit", self.branch)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def commit(self, branch: str, changes: Mapping[str, str | None], message: str) -> str:
        """One commit on ``branch``, made from the main branch if new. None deletes a file."""
        known = await self.resolve(f"refs/heads/{branch}")
        await self._checkout(branch, branch if known else self.branch)
        root = self._clone.resolve()
        for path, content in changes.items():
            target = (root / path).resolve()
            if root not in target.parents:
                raise InternalFault(f"{path} is outside of the repository")
            if content is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode("utf-8"))
        return await self._record(message, branch)

    async def merge(self, branch: str, sha: str, message: str) -> str:
        """A merge commit of ``sha`` into ``branch``, as GitHub's merge button makes it."""
        await self._checkout(branch, branch)
        await self._work("merge", "-q", "--no-ff", "-m", message, sha)
        return await self._push(branch)

    async def try_merge(self, base: str, sha: str) -> str | None:
        """The commit that merging ``sha`` into ``base`` would make; None when they conflict."""
        try:
            tree = (await self.read("merge-tree", "--write-tree", base, sha)).strip()
        except InternalFault:
            return None
        message = f"Merge {sha} into {base}"
        parents = ("-p", base, "-p", sha)
        return (await self.read("commit-tree", tree, *parents, "-m", message)).strip()

    async def revert(self, branch: str, sha: str) -> str:
        await self._checkout(branch, branch)
        parents = (await self._work("rev-list", "--parents", "-n", "1", sha)).split()[1:]
        side = ("-m", "1") if len(parents) > 1 else ()
        await self._work("revert", "--no-edit", *side, sha)
        return await self._push(branch)

    async def force(self, branch: str, sha: str) -> None:
        """Point ``branch`` at ``sha``, whatever is lost by it."""
        await self.read("update-ref", f"refs/heads/{branch}", sha)

    async def delete(self, branch: str) -> None:
        await self.read("update-ref", "-d", f"refs/heads/{branch}")

    async def keep(self, ref: str, sha: str) -> None:
        await self.read("update-ref", ref, sha)

    async def resolve(self, name: str) -> str | None:
        """The sha of a ref, or of an object; None when it is not there."""
        try:
            return (await self.read("rev-parse", "-q", "--verify", f"{name}^{{object}}")).strip()
        except InternalFault:
            return None

    async def kind(self, sha: str) -> str | None:
        try:
            return (await self.read("cat-file", "-t", sha)).strip()
        except InternalFault:
            return None

    async def changes(self, before: str, after: str) -> list[Change]:
        """The commits that ``after`` has and ``before`` has not, oldest first."""
        span = [after] if before == ZERO else [f"{before}..{after}"]
        shas = (await self.read("rev-list", "--reverse", "--max-count=2048", *span)).split()
        return [await self.change(sha) for sha in shas]

    async def change(self, sha: str) -> Change:
        form = "%T%x00%P%x00%an%x00%ae%x00%aI%x00%B"
        shown = await self.read("show", "-s", f"--format={form}", sha)
        tree, parents, author, email, date, message = shown.split("\0", 5)
        listed = await self.read(
            "diff-tree", "-r", "-z", "-m", "--first-parent", "--root", "--no-commit-id",
            "--no-renames", "--name-status", sha,
        )  # fmt: skip
        fields = listed.split("\0")[:-1]
        status = list(zip(fields[0::2], fields[1::2], strict=True))
        return Change(
            sha=sha,
            tree=tree,
            title=message.split("\n", 1)[0],
            message=message.strip("\n"),
            author=author,
            email=email,
            date=date,
            parents=tuple(parents.split()),
            added=tuple(path for kind, path in status if kind == "A"),
            removed=tuple(path for kind, path in status if kind == "D"),
            modified=tuple(path for kind, path in status if kind not in "AD"),
        )

    async def read(self, *arguments: str) -> str:
        """Run git in the bare repository; its output as text."""
        return (await self.raw(*arguments)).decode("utf-8", "replace")

    async def raw(self, *arguments: str) -> bytes:
        return await self._run(self.bare, *arguments)

    async def _record(self, message: str, branch: str) -> str:
        await self._work("add", "-A")
        await self._work("commit", "-q", "--allow-empty", "-m", message)
        return await self._push(branch)

    async def _push(self, branch: str) -> str:
        await self._work("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return (await self._work("rev-parse", "HEAD")).strip()

    async def _checkout(self, branch: str, start: str) -> None:
        await self._work("fetch", "-q", "--prune", "origin", "+refs/*:refs/origin/*")
        await self._work(
            "checkout", "-q", "--force", "--no-track", "-B", branch, f"refs/origin/heads/{start}"
        )
        await self._work("clean", "-qfd")

    async def _work(self, *arguments: str) -> str:
        return (await self._run(self._clone, *arguments)).decode("utf-8", "replace")

    async def _run(self, where: Path, *arguments: str) -> bytes:
        def call() -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(
                [self._git_path, *arguments],
                cwd=where,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self._environment(),
                check=False,
            )

        # In a thread: a handler that is cancelled must not leave a process half read.
        process = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        if process.returncode:
            said = process.stderr.decode("utf-8", "replace").strip()
            raise InternalFault(f"git {arguments[0]} failed: {said}")
        return process.stdout

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join((str(Path(self._git_path).parent), os.defpath)),
            "HOME": str(self._home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "2",  # no housekeeping in the background
            "GIT_CONFIG_KEY_0": "gc.auto",
            "GIT_CONFIG_VALUE_0": "0",
            "GIT_CONFIG_KEY_1": "maintenance.auto",
            "GIT_CONFIG_VALUE_1": "false",
            "GIT_AUTHOR_NAME": self._author,
            "GIT_AUTHOR_EMAIL": f"{self._author}@example.net",
            "GIT_COMMITTER_NAME": self._author,
            "GIT_COMMITTER_EMAIL": f"{self._author}@example.net",
        }
