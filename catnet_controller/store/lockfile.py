"""One daemon per store: a lock file beside the database, held for the life of the process."""

import fcntl
import os
from pathlib import Path

from catnet_controller.errors import StoreFailed


class Lock:
    """Held from construction to ``release``; the kernel ends it when the process dies.

    Raises StoreFailed, naming the process that holds it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreFailed(
                f"the lock file {path} cannot be opened: {error.strerror}",
                next_step="Check that CatNet may write to its directory.",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise StoreFailed(
                f"the store beside {path} is in use by process {holder}",
                next_step="Stop that daemon first; a store belongs to one daemon at a time.",
            ) from error
        except OSError as error:
            os.close(self._file)
            raise StoreFailed(
                f"the lock file {path} cannot be used: {error.strerror}",
                next_step="Check free space; `store.path` must be a local file system.",
            ) from error

    def release(self) -> None:
        """The file stays: deleting it would let two processes lock two files of one name."""
        os.close(self._file)
