"""Backups of running-configs: plain timestamped files that can be read without CatNet.

``<directory>/<device>/<UTC time>-<checksum>.cfg``, directories 0700, files 0600, written whole or
not at all. The checksum is the first 16 digits of what ``sha256sum`` says of the file, so one that
was cut or edited shows, also to a person without CatNet. A configuration that is the same to the
byte as the device's newest backup is not written again: the time of the file then moves to when it
was last seen, so that what is kept are different configurations.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from catnet_controller.devices.computing import at_once
from catnet_controller.devices.writing import write_new
from catnet_controller.errors import BackupDamaged, IncompleteRead, NoSuchBackup, StoreFailed
from catnet_controller.ios import normal, parse
from catnet_controller.models import Backup
from catnet_controller.ports import Offload

T = TypeVar("T")

_STAMP = "%Y%m%dT%H%M%S.%f"
_DIGITS = 16
_OLD_DIGITS = 12
"""Of names that hold the digest of the normalised text, as CatNet wrote them at first."""


class Backups:
    """The files. Disk work goes through a thread of its own: an fsync may take seconds."""

    def __init__(self, directory: Path, *, offload: Offload = at_once) -> None:
        self._directory = directory
        self._offload = offload
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backups")
        self._closed_to_others = False

    def close(self) -> None:
        """End the thread; what is being written is finished."""
        self._pool.shutdown(wait=True)

    async def save(self, device: str, text: str, *, taken_at: float) -> Backup:
        """Keep a running-config; the newest backup again when that is the same to the byte.

        Raises IncompleteRead when it is not whole, StoreFailed when it cannot be written (then
        nothing is left behind).
        """
        if not parse.whole(text):
            raise IncompleteRead(f"{device}: the running-config is not whole, it was not stored")
        digest = normal.shown(text)
        return await self._run(lambda: self._write(device, text, taken_at, digest))

    async def read(self, number: str) -> str:
        """The text of a backup by its id.

        Raises NoSuchBackup, BackupDamaged when the text is not that of the name, StoreFailed when
        the file cannot be read.
        """
        data = await self._run(lambda: self._read(number))
        text = data.decode("utf-8", "surrogateescape")
        if not await self._offload(partial(_sound, number, data)):
            raise BackupDamaged(
                f"backup {number} is damaged: its text does not match its name",
                next_step=f"Look at {self._file(number)}; put a copy of it back, or take another.",
            )
        return text

    async def list(self, device: str) -> tuple[Backup, ...]:
        """The backups of a device, newest first, each looked through: a damaged one is not good."""
        return await self._run(lambda: self._list(device))

    async def devices(self) -> tuple[str, ...]:
        """The devices that have a folder of backups, by name. Raises StoreFailed."""
        return await self._run(self._devices)

    async def prune(self, *, before: float, keep: int, spare: Collection[str] = ()) -> int:
        """Delete what was last seen before this time, and of each device what is over ``keep``.

        Never the newest good one of a device, nor one whose id is in ``spare``. Gives how many.
        """
        removed = 0
        for device in await self.devices():
            removed += await self._run(partial(self._prune, device, before, keep, spare))
        return removed

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    # --- in the thread -------------------------------------------------------------------------

    def _write(self, device: str, text: str, taken_at: float, digest: str) -> Backup:
        data = text.encode("utf-8", "surrogateescape")
        folder = self._folder(device)
        moment = datetime.fromtimestamp(taken_at, UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        checksum = _checksum(data)
        try:
            known = None if self._made(folder) else _same_as_newest(folder, data, checksum)
            if known is None:
                known = folder / f"{moment.strftime(_STAMP)[:-3]}Z-{checksum}.cfg"
                write_new(known, data, changed=taken_at)
            else:
                os.utime(known, (taken_at, taken_at))
                moment = _moment(known.stem) or moment
        except OSError as error:
            raise StoreFailed(
                f"cannot write a backup of {device} under {self._directory}: {error.strerror}",
                next_step="Check disk space and that CatNet may write there; nothing was changed.",
            ) from error
        return Backup(
            id=f"{device}/{known.stem}",
            device=device,
            taken_at=moment.timestamp(),
            digest=digest,
            seen_at=taken_at,
        )

    def _made(self, folder: Path) -> bool:
        """The folder of a device, there and private; True when it was not there before."""
        new = True
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            new = False
        except FileNotFoundError:
            folder.mkdir(mode=0o700, parents=True)
        if not self._closed_to_others:
            self._directory.chmod(0o700)
            self._closed_to_others = True
        return new

    def _read(self, number: str) -> bytes:
        try:
            return self._file(number).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NoSuchBackup(f"there is no backup {number!r}") from None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise StoreFailed(f"cannot read backup {number}: {why}") from error

    def _file(self, number: str) -> Path:
        device, _, name = number.rpartition("/")
        return self._folder(device) / f"{Path(name).name}.cfg"

    def _list(self, device: str) -> tuple[Backup, ...]:
        found = []
        try:
            for path in sorted(_ours(self._folder(device)), reverse=True):
                seen = path.stat()
                found.append(
                    Backup(
                        id=f"{device}/{path.stem}",
                        device=device,
                        taken_at=_taken(path) or 0.0,
                        seen_at=seen.st_mtime,
                        size=seen.st_size,
                        good=_sound(path.stem, path.read_bytes()),
                    )
                )
        except OSError as error:
            raise self._unreadable(error) from error
        return tuple(found)

    def _devices(self) -> tuple[str, ...]:
        try:
            if not self._directory.exists():
                return ()
            folders = [path.name for path in self._directory.iterdir() if path.is_dir()]
        except OSError as error:
            raise self._unreadable(error) from error
        return tuple(sorted(map(unquote, folders)))

    def _prune(self, device: str, before: float, keep: int, spare: Collection[str]) -> int:
        removed = kept = 0
        newest_good = False
        try:
            for path in sorted(_ours(self._folder(device)), reverse=True):
                first_good = not newest_good and _sound(path.stem, path.read_bytes())
                newest_good = newest_good or first_good
                recent = kept < keep and path.stat().st_mtime >= before
                if first_good or recent or f"{device}/{path.stem}" in spare:
                    kept += 1
                else:
                    path.unlink()
                    removed += 1
        except OSError as error:
            raise self._unreadable(error) from error
        return removed

    def _unreadable(self, error: OSError) -> StoreFailed:
        return StoreFailed(
            f"the backups under {self._directory} cannot be used: {error.strerror}",
            next_step="Run as the user of the daemon, or check the permissions of that folder.",
        )

    def _folder(self, device: str) -> Path:
        name = quote(device, safe="")
        if not name.strip("."):
            raise StoreFailed(f"{device!r} is no name for a folder of backups")
        return self._directory / name


def _same_as_newest(folder: Path, data: bytes, checksum: str) -> Path | None:
    newest = max(_ours(folder), default=None)
    if newest is None or not newest.stem.endswith(f"-{checksum}"):
        return None
    return newest if newest.read_bytes() == data else None


def _ours(folder: Path) -> Iterator[Path]:
    """The files that are backups by their name."""
    try:
        # Not `glob`: it says nothing of a folder that it may not read.
        found = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return iter(())
    return (path for path in found if path.suffix == ".cfg" and _taken(path) is not None)


def _taken(path: Path) -> float | None:
    moment = _moment(path.stem)
    return None if moment is None else moment.timestamp()


def _moment(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.rpartition("-")[0], f"{_STAMP}Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]


def _sound(name: str, data: bytes) -> bool:
    """Whether the file holds what its name says, and a whole configuration."""
    text = data.decode("utf-8", "surrogateescape")
    digits = name.rpartition("-")[2]
    if not parse.whole(text):
        return False
    if len(digits) == _OLD_DIGITS:
        return normal.digest(text).removeprefix("sha256:")[:_OLD_DIGITS] == digits
    return _checksum(data) == digits
