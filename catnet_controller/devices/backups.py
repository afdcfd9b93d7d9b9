"""Backups of running-configs: plain timestamped files that can be read without CatNet.

``<directory>/<device>/<UTC time>-<digest>.cfg``, directories 0700, files 0600, written whole or
not at all. The digest in the name is that of the normalised config (12 digits), so a file that was
cut or edited shows when it is read.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from catnet_controller.devices.computing import at_once
from catnet_controller.devices.writing import write_whole
from catnet_controller.errors import IncompleteRead, StoreFailed
from catnet_controller.ios import normal, parse
from catnet_controller.models import Backup
from catnet_controller.ports import Offload

T = TypeVar("T")

_STAMP = "%Y%m%dT%H%M%S.%f"
_DIGITS = 12


class Backups:
    """The files. Writing goes through a thread of its own: an fsync may take seconds."""

    def __init__(self, directory: Path, *, offload: Offload = at_once) -> None:
        self._directory = directory
        self._offload = offload
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backups")

    def close(self) -> None:
        """End the thread; what is being written is finished."""
        self._pool.shutdown(wait=True)

    async def save(self, device: str, text: str, *, taken_at: float) -> Backup:
        """Keep a running-config.

        Raises IncompleteRead when it is not whole, StoreFailed when it cannot be written (then
        nothing is left behind).
        """
        if not parse.whole(text):
            raise IncompleteRead(f"{device}: the running-config is not whole, it was not stored")
        digest = await self._offload(partial(normal.digest, text))
        return await self._run(lambda: self._write(device, text, taken_at, digest))

    async def read(self, number: str) -> str:
        """The text of a backup by its id. Raises StoreFailed if it is gone or damaged."""
        text = await self._run(lambda: self._read(number))
        digest = await self._offload(partial(normal.digest, text))
        if not parse.whole(text) or not _matches(number, digest):
            raise StoreFailed(
                f"backup {number} is damaged: its text does not match its name",
                next_step=f"Look at {self._file(number)}; restore it from a copy.",
            )
        return text

    async def list(self, device: str) -> tuple[Backup, ...]:
        """The backups of a device, newest first; ``digest`` is cut to the 12 digits of the name."""
        return await self._run(lambda: self._list(device))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _write(self, device: str, text: str, taken_at: float, digest: str) -> Backup:
        stamp = datetime.fromtimestamp(taken_at, UTC).strftime(_STAMP)[:-3] + "Z"
        name = f"{stamp}-{digest.removeprefix('sha256:')[:_DIGITS]}"
        folder = self._folder(device)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory.chmod(0o700)
            write_whole(folder / f"{name}.cfg", text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise StoreFailed(
                f"cannot write a backup of {device} under {self._directory}: {error.strerror}"
            ) from error
        return Backup(id=f"{device}/{name}", device=device, taken_at=taken_at, digest=digest)

    def _read(self, number: str) -> str:
        try:
            return self._file(number).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise StoreFailed(f"cannot read backup {number}: {error.strerror}") from error

    def _file(self, number: str) -> Path:
        device, _, name = number.rpartition("/")
        return self._folder(device) / f"{Path(name).name}.cfg"

    def _list(self, device: str) -> tuple[Backup, ...]:
        found = []
        for path in self._folder(device).glob("*.cfg"):
            stamp, _, digits = path.stem.rpartition("-")
            with suppress(ValueError):  # not a file of ours
                taken = datetime.strptime(stamp, f"{_STAMP}Z").replace(tzinfo=UTC)
                found.append(
                    Backup(
                        id=f"{unquote(path.parent.name)}/{path.stem}",
                        device=device,
                        taken_at=taken.timestamp(),
                        digest=f"sha256:{digits}",
                    )
                )
        return tuple(sorted(found, key=lambda backup: backup.id, reverse=True))

    def _folder(self, device: str) -> Path:
        name = quote(device, safe="")
        if not name.strip("."):
            raise StoreFailed(f"{device!r} is no name for a folder of backups")
        return self._directory / name


def _matches(name: str, digest: str) -> bool:
    return name.rpartition("-")[2] == digest.removeprefix("sha256:")[:_DIGITS]
