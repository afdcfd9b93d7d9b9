"""The config repository, read side: a branch or pull request in, commits and verified files out.

Contents are read by tree and blob, never as an archive: an archive obeys ``.gitattributes`` and
may leave out or change files, which would look like a device that was deleted. What GitHub lists
is hashed up to the commit's tree, so a listing that lost its tail cannot pass for a whole one.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from catnet_controller.errors import (
    GithubUnavailable,
    NotVisibleYet,
    RepositoryMoved,
    SnapshotRefused,
)
from catnet_controller.github.blobs import Blobs, digest
from catnet_controller.github.client import Client
from catnet_controller.github.replies import Answer, pages, pick, segment
from catnet_controller.models import Head, Pull, Revision

_SHA: Final = re.compile(r"[0-9a-f]{40}")
_FILE: Final = "100"
"""What the modes of files begin with: 100644, 100755, and 100664 of ancient git."""
_FOLDER: Final = "040000"
_ODD: Final = {"120000": "a symbolic link", "160000": "a submodule"}
# Each new file costs a request.
_MOST_FILES: Final = 5000
_LARGEST_FILE: Final = 8 * 2**20
_LARGEST_TOTAL: Final = 128 * 2**20
_COMMITS_KEPT: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    path: str
    mode: str
    sha: str
    size: int

    @property
    def file(self) -> bool:
        return self.mode.startswith(_FILE)

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Commit:
    """``title`` is the first line of the message; ``author`` the name as git has it."""

    tree: str
    parents: Sequence[str]
    title: str
    author: str


class Source:
    """Implements ports.Repository over ``client``.

    ``branch`` is the one pull requests are for. ``cache`` is a directory for file contents.
    ``wanted`` tells from a path whether a file matters; others are never fetched.
    """

    def __init__(
        self, *, client: Client, branch: str, cache: Path, wanted: Callable[[str], bool]
    ) -> None:
        self._client = client
        self._branch = branch
        self._blobs = Blobs(cache)
        self._wanted = wanted
        self._commits: dict[str, _Commit] = {}

    async def head(self, branch: str, etag: str | None = None) -> Head | None:
        """Where the branch points; costs no quota while unchanged since ``etag``."""
        ref = f"heads/{branch}"
        answer = await self._client.read(
            f"{self._client.root}/git/ref/{segment(ref)}", etag=etag, allow={404, 409}
        )
        if answer.status == 304:
            return None
        if answer.status == 409:
            raise RepositoryMoved(
                f"repository {self._client.repository} is empty",
                next_step="Push a first commit, or correct `github.repository`.",
            )
        if answer.status == 404:
            raise await self._client.missing(
                f"branch {branch}",
                absent=RepositoryMoved(
                    f"branch {branch} is not in {self._client.repository}",
                    next_step="Push the branch again, or correct `github.branch`.",
                ),
            )
        if answer.text("ref") != f"refs/{ref}" or answer.text("object", "type") != "commit":
            raise GithubUnavailable(f"GitHub answered with another ref than {ref}")
        return Head(sha=_sha(answer, "object", "sha"), etag=answer.etag)

    async def pulls(self, etag: str | None = None) -> tuple[Sequence[Pull], str] | None:
        """Open pull requests for the branch.

        Whatever happens to one makes it the first of the list, so the etag is that of the first
        page: it is the only one that is asked for while nothing changes.
        """
        first = await self._page(1, etag)
        if first.status == 304:
            return None

        async def fetch(page: int) -> Answer:
            return first if page == 1 else await self._page(page, None)

        answers = await pages(fetch)
        found = {
            pull.number: pull
            for answer in answers
            for pull in (_pull(item, answer.what) for item in answer.items())
        }
        return tuple(found.values()), first.etag

    async def pull(self, number: int) -> Pull:
        answer = await self._client.read(
            f"{self._client.root}/pulls/{number}", allow={404}, needs="Pull requests: read"
        )
        if answer.status == 404:
            raise await self._client.missing(
                f"pull request {number}",
                absent=NotVisibleYet(f"GitHub does not show pull request {number} yet"),
            )
        return _pull(answer.data, answer.what)

    async def revision(self, sha: str, ref: str) -> Revision:
        """First line of the message, and the author's name as git has it (not verified)."""
        commit = await self._commit(sha)
        return Revision(sha=sha, ref=ref, title=commit.title, author=commit.author)

    async def parents(self, sha: str) -> Sequence[str]:
        return (await self._commit(sha)).parents

    async def goes_back(self, known: str, shown: str) -> bool:
        """Costs nothing more when ``shown`` was made on ``known``, as it mostly was."""
        if known in await self.parents(shown):
            return False
        answer = await self._client.read(
            f"{self._client.root}/compare/{known}...{shown}", query={"per_page": 1}, allow={404}
        )
        # A replica that lags does not know the newer commit.
        return answer.status == 404 or answer.text("status") == "behind"

    async def files(self, sha: str, *, most_new: int | None = None) -> Mapping[str, bytes]:
        """The wanted files at a commit; at most ``most_new`` of them are asked of GitHub.

        Raises SnapshotRefused for a wanted path that is a link, a submodule or too large, and for
        more new files, before any is read; NotVisibleYet, and whatever the client raises.
        """
        entries = await self._tree(sha)
        problems = sorted(
            f"{entry.path}: {_ODD.get(entry.mode, f'mode {entry.mode}')} is not allowed here"
            for entry in entries
            if not entry.file and entry.mode != _FOLDER and self._matters(entry.path)
        )
        wanted = [entry for entry in entries if entry.file and self._wanted(entry.path)]
        problems += [
            f"{entry.path}: {entry.size} bytes are more than {_LARGEST_FILE}"
            for entry in wanted
            if entry.size > _LARGEST_FILE
        ]
        if len(wanted) > _MOST_FILES:
            problems.append(f"there are more than {_MOST_FILES} files")
        if sum(entry.size for entry in wanted) > _LARGEST_TOTAL:
            problems.append(f"all files together are larger than {_LARGEST_TOTAL} bytes")
        if problems:
            raise SnapshotRefused("\n".join(problems))
        shas = {entry.sha for entry in wanted}
        contents = await self._client.aside(partial(self._blobs.load, shas))
        new = sorted(shas - contents.keys())
        if most_new is not None and len(new) > most_new:
            raise SnapshotRefused(
                f"{len(new)} files are new, and not more than {most_new} are read from a fork",
                next_step="Split it up, or let a maintainer push the branch into this repository.",
            )
        for missing in new:
            content = await self._blob(missing)
            await self._client.aside(partial(self._blobs.keep, content))
            contents[missing] = content
        listing = {entry.path: entry.sha for entry in wanted}
        await self._client.aside(partial(self._blobs.note, sha, listing))
        return {entry.path: contents[entry.sha] for entry in wanted}

    async def kept(self, sha: str) -> Mapping[str, bytes] | None:
        """The wanted files at a commit without asking GitHub, where all of them were read once."""
        return await self._client.aside(partial(self._blobs.recall, sha))

    async def prune(self, before: float) -> int:
        """Forget file contents last used before this time; how many."""
        return await self._client.aside(partial(self._blobs.prune, before))

    def _matters(self, path: str) -> bool:
        # A link or submodule may stand where a folder of wanted files is expected.
        return self._wanted(path) or self._wanted(f"{path}/x.cfg")

    async def _page(self, page: int, etag: str | None) -> Answer:
        return await self._client.read(
            f"{self._client.root}/pulls",
            query={
                "state": "open",
                "base": self._branch,
                "sort": "updated",
                "direction": "desc",
                "per_page": 100,
                "page": page,
            },
            etag=etag,
            needs="Pull requests: read",
        )

    async def _commit(self, sha: str) -> _Commit:
        """The commit object without its patches, which GET commits/SHA would bring along."""
        if sha in self._commits:
            return self._commits[sha]
        if not _SHA.fullmatch(sha):
            raise NotVisibleYet(f"{sha[:60]!r} is not the full sha of a commit")
        answer = await self._client.read(
            f"{self._client.root}/git/commits/{sha}", allow={404, 409, 422}
        )
        if answer.status != 200:
            raise await self._client.missing(f"commit {sha}", absent=self._client.lag(sha))
        if _sha(answer, "sha") != sha:
            raise GithubUnavailable(f"GitHub answered with another commit than {sha[:12]}")
        lines = answer.text("message").strip().splitlines()
        commit = self._commits[sha] = _Commit(
            tree=_sha(answer, "tree", "sha"),
            parents=[pick(each, str, "sha", what=answer.what) for each in answer.items("parents")],
            title=lines[0].strip()[:200] if lines else "",
            author=answer.text("author", "name")[:100],
        )
        while len(self._commits) > _COMMITS_KEPT:
            del self._commits[next(iter(self._commits))]
        return commit

    async def _tree(self, commit: str) -> Sequence[_Entry]:
        tree = (await self._commit(commit)).tree
        answer = await self._client.read(
            f"{self._client.root}/git/trees/{tree}", query={"recursive": 1}, allow={404, 409, 422}
        )
        if answer.status != 200:
            raise await self._client.missing(
                f"the files of {commit}", absent=self._client.lag(commit)
            )
        listed = answer.items("tree")
        if answer.data.get("truncated") is not False:
            raise SnapshotRefused(
                "the repository has more files than GitHub lists at once (100,000 or 7 MB)",
                next_step="Keep the network's configuration in a repository of its own.",
            )
        entries = [_entry(item, answer.what) for item in listed]
        self._prove(tree, entries)
        return entries

    def _prove(self, tree: str, entries: Sequence[_Entry]) -> None:
        """Hash the listing up to ``tree``. What does not hash right is not whole: no answer."""
        folders: dict[str, list[_Entry]] = {"": []}
        names = {"": tree}
        for entry in entries:
            if entry.mode == _FOLDER:
                folders.setdefault(entry.path, [])
                names[entry.path] = entry.sha
        for entry in entries:
            if entry.folder not in folders or entry.path in ("", "."):
                raise GithubUnavailable(f"GitHub lists {entry.path} without its folder")
            folders[entry.folder].append(entry)
        for folder, inside in folders.items():
            if digest("tree", _packed(inside)) == names[folder]:
                continue
            unprovable = [e.path for e in inside if "\ufffd" in e.path or e.mode == "100664"]
            if not unprovable:
                raise GithubUnavailable(
                    f"GitHub's list of the files in {folder or 'the repository'} is not whole"
                )
            # GitHub cannot say such a name or mode exactly, so its folder cannot be proved.
            if any(self._wanted(entry.path) for entry in inside):
                raise SnapshotRefused(
                    f"{unprovable[0]}: the file name is not UTF-8, or its mode is out of use"
                )

    async def _blob(self, sha: str) -> bytes:
        answer = await self._client.read(
            f"{self._client.root}/git/blobs/{sha}", allow={404, 409, 422}
        )
        if answer.status != 200:
            raise await self._client.missing(
                f"file {sha}", absent=NotVisibleYet(f"GitHub does not show the file {sha[:12]} yet")
            )
        try:
            if answer.text("encoding") != "base64":
                raise GithubUnavailable(f"GitHub sent the file {sha[:12]} in another encoding")
            content = base64.b64decode("".join(answer.text("content").split()), validate=True)
        except (binascii.Error, ValueError) as cause:
            raise GithubUnavailable(f"GitHub sent the file {sha[:12]} damaged") from cause
        if digest("blob", content) != sha:
            raise GithubUnavailable(f"the file that GitHub sent is not {sha[:12]}")
        return content


def _packed(entries: Sequence[_Entry]) -> bytes:
    """A tree object's content (git's tree.c: folders sort as if their name ended in a slash)."""
    rows = []
    for entry in entries:
        name = entry.name.encode("utf-8", "surrogatepass")
        key = name + b"/" if entry.mode == _FOLDER else name
        mode = entry.mode.lstrip("0").encode("ascii")
        rows.append((key, mode + b" " + name + b"\0" + bytes.fromhex(entry.sha)))
    return b"".join(row for _, row in sorted(rows))


def _entry(item: object, what: str) -> _Entry:
    mode = pick(item, str, "mode", what=what)
    sha = pick(item, str, "sha", what=what)
    if not _SHA.fullmatch(sha) or not mode.isascii() or not mode.isdigit():
        raise GithubUnavailable(f"the answer to {what} is not what GitHub documents (tree)")
    return _Entry(
        path=pick(item, str, "path", what=what),
        mode=mode,
        sha=sha,
        size=pick(item, int, "size", what=what) if mode.startswith(_FILE) else 0,
    )


def _sha(answer: Answer, *path: str) -> str:
    sha = answer.text(*path)
    if not _SHA.fullmatch(sha):
        raise GithubUnavailable(f"the answer to {answer.what} has no sha at {'.'.join(path)}")
    return sha


def _pull(item: Any, what: str) -> Pull:
    head = pick(item, dict, "head", what=what)
    ours = pick(item, int, "base", "repo", "id", what=what)
    theirs = head.get("repo")
    author = item.get("user")
    merge, mergeable = item.get("merge_commit_sha"), item.get("mergeable")
    return Pull(
        number=pick(item, int, "number", what=what),
        sha=pick(head, str, "sha", what=what),
        base=pick(item, str, "base", "ref", what=what),
        title=pick(item, str, "title", what=what),
        author=pick(author, str, "login", what=what) if author else "ghost",
        open=pick(item, str, "state", what=what) == "open",
        draft=item.get("draft") is True,
        # A fork that was deleted leaves null; whatever is not surely ours counts as a fork.
        fork=not isinstance(theirs, dict) or theirs.get("id") != ours,
        merge=merge if isinstance(merge, str) and _SHA.fullmatch(merge) else "",
        conflicts=None if not isinstance(mergeable, bool) else not mergeable,
    )
