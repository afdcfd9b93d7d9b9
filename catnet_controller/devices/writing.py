"""A file comes into being whole and durable, or not at all; and only one process writes it."""

import fcntl
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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

    _write(path, content, inherit)


def write_new(path: Path, content: bytes, *, changed: float) -> None:
    """Like `write_whole` for a name that nobody has; ``changed`` is the time of the file.

    Raises OSError.
    """
    _write(path, content, lambda handle: os.utime(handle, (changed, changed)))


def _write(path: Path, content: bytes, finish: Callable[[int], None]) -> None:
    """By few calls: a thread that makes one gives the interpreter away, and has to get it back."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        temporary = f".writing-{random.getrandbits(64):016x}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        try:
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(handle, rest) :]
                finish(handle)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one process at a time rewrites the files of a folder. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
