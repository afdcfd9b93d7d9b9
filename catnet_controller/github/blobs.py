"""File contents by git blob sha, on disk: immutable, verified at each use, gone when unused.

Synchronous: run it off the event loop. A crash may leave a half file only under a temporary name,
and a file that was damaged is as good as absent, so nothing here needs to be synced.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha1
from pathlib import Path


def digest(kind: str, content: bytes) -> str:
    """The name git gives an object of ``kind`` (blob, tree) with this content."""
    return sha1(b"%s %d\0" % (kind.encode("ascii"), len(content)) + content).hexdigest()  # noqa: S324


_LISTINGS = "listings"
_MOST_LISTINGS = 20


class Blobs:
    """The cache directory. Private (0700, files 0600): configurations tell much of a network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, shas: Iterable[str]) -> dict[str, bytes]:
        """Those that are here and whole."""
        found = {}
        for sha in shas:
            try:
                content = self._path(sha).read_bytes()
            except OSError:
                continue
            if digest("blob", content) == sha:
                found[sha] = content
                with contextlib.suppress(OSError):
                    os.utime(self._path(sha))
        return found

    def keep(self, content: bytes) -> None:
        """Keep a file. A cache that cannot be written (disk full) costs requests, nothing else."""
        path = self._path(digest("blob", content))
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
        except OSError:
            return

    def note(self, commit: str, files: Mapping[str, str]) -> None:
        """Remember which blobs are the files of a commit; of the newest commits only."""
        folder = self._folder / _LISTINGS
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dict(files), file)
            Path(name).replace(folder / commit)
            kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            for old in kept[:-_MOST_LISTINGS]:
                old.unlink(missing_ok=True)
        except OSError:
            return

    def recall(self, commit: str) -> dict[str, bytes] | None:
        """The files of a commit, where all of them are here and whole."""
        try:
            files = json.loads((self._folder / _LISTINGS / commit).read_text(encoding="utf-8"))
            contents = self.load(set(files.values()))
            return {path: contents[sha] for path, sha in files.items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None

    def prune(self, before: float) -> int:
        """Delete what was last used before this time (seconds since the epoch); how many.

        What is wanted again costs a request, so nothing can be lost here; the files of the newest
        commits stay. Half files that a crash left under temporary names go as well.
        """
        removed = 0
        spared: set[str] = set()
        for listing in self._folder.glob(f"{_LISTINGS}/*"):
            with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
                spared.update(json.loads(listing.read_text(encoding="utf-8")).values())
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(OSError):
                name = f"{path.parent.name}{path.name}"
                if path.stat().st_mtime < before and name not in spared:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, sha: str) -> Path:
        return self._folder / sha[:2] / sha[2:]
