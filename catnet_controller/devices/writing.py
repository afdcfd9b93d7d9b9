"""A file comes into being whole and durable, or not at all; and only one process writes it."""

import ctypes
import fcntl
import os
import platform
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace ``path`` (mode 0600) so that a crash leaves the old file or the new one.

    It belongs to whom the old one did, as far as that can be: what root rewrites must stay readable
    for the daemon. Both content and name are on the disk when it returns. Raises OSError.
    """

    def inherit(handle: int) -> None:
        with suppress(OSError):
            old = path.stat()
            os.fchown(handle, old.st_uid, old.st_gid)

    (error,) = _write([_Draft(path, content, inherit)])
    if error is not None:
        raise error


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A file for a name that nobody has. ``changed`` is the time it is to bear."""

    path: Path
    content: bytes
    changed: float

    def date(self, handle: int) -> None:
        os.utime(handle, (self.changed, self.changed))


def write_together(files: Sequence[New]) -> list[OSError | None]:
    """Like `write_whole` for many at once: for each what went wrong, None where it is durable."""
    return _write([_Draft(each.path, each.content, each.date) for each in files])


def _write(drafts: Sequence["_Draft"]) -> list[OSError | None]:
    try:
        _each(_Draft.fill, drafts)
        _sync(_Draft.sync, drafts)
        _each(_Draft.rename, drafts)
        _sync(_Draft.settle, drafts)
    finally:
        for draft in drafts:
            draft.close()
    return [draft.error for draft in drafts]


def _each(step: Callable[["_Draft"], None], drafts: Sequence["_Draft"]) -> None:
    """A step of each that did not fail before."""
    for draft in drafts:
        if draft.error is None:
            try:
                step(draft)
            except OSError as error:
                draft.error = error


def _sync(step: Callable[["_Draft"], None], drafts: Sequence["_Draft"]) -> None:
    """Many share one sync of their file system; what fails so is tried, and named, one by one."""
    whole = [draft for draft in drafts if draft.error is None]
    if len(whole) < _MANY or not _synced_together([draft.folder for draft in whole]):
        _each(step, whole)


def _synced_together(folders: Sequence[int]) -> bool:
    """Whether all of their file systems are on the disk now."""
    if _syncfs is None:
        return False
    try:
        different = {os.fstat(folder).st_dev: folder for folder in folders}
    except OSError:
        return False
    return all(_syncfs(folder) == 0 for folder in different.values())


def _find_syncfs() -> Callable[[int], int] | None:
    """syncfs(2), where there is one that reports an error of the disk: from Linux 5.8 on."""
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    if sys.platform != "linux" or release is None:
        return None
    if (int(release[1]), int(release[2])) < (5, 8):
        return None
    return getattr(ctypes.CDLL(None), "syncfs", None)


UNFINISHED = ".writing-"
"""How the name of a file begins that has not got its own yet."""
_MANY = 4
"""From here on one sync of the file system costs less than two of each file."""
_syncfs = _find_syncfs()


class _Draft:
    """A file on its way: filled, synced, given its name, and that synced too.

    By few calls: a thread that makes one gives the interpreter away, and has to get it back.
    """

    def __init__(self, path: Path, content: bytes, finish: Callable[[int], None]) -> None:
        self._path = path
        self._content = content
        self._finish = finish
        self._temporary = f"{UNFINISHED}{random.getrandbits(64):016x}"
        self.folder = self._handle = -1
        self.error: OSError | None = None

    def fill(self) -> None:
        self.folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._handle = os.open(self._temporary, new, 0o600, dir_fd=self.folder)
        rest = memoryview(self._content)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        self._finish(self._handle)

    def sync(self) -> None:
        os.fsync(self._handle)

    def rename(self) -> None:
        os.rename(self._temporary, self._path.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        self._temporary = ""

    def settle(self) -> None:
        os.fsync(self.folder)

    def close(self) -> None:
        """Nothing of it is left behind that did not get its name."""
        # Whatever a network file system says now: it was synced, or failed before.
        if self._handle >= 0:
            with suppress(OSError):
                os.close(self._handle)
            if self._temporary:
                with suppress(OSError):
                    os.unlink(self._temporary, dir_fd=self.folder)
        if self.folder >= 0:
            with suppress(OSError):
                os.close(self.folder)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one process at a time rewrites the files of a folder. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
