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
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar
from urllib.parse import quote, unquote

from catnet_controller.devices.computing import at_once
from catnet_controller.devices.writing import UNFINISHED, New, write_together
from catnet_controller.errors import BackupDamaged, IncompleteRead, NoSuchBackup, StoreFailed
from catnet_controller.ios import normal, parse
from catnet_controller.models import Backup
from catnet_controller.ports import Offload

T = TypeVar("T")

_STAMP = "%Y%m%dT%H%M%S.%f"
_TOGETHER = 32
"""Backups that are written at once: each has two files open meanwhile."""
_DIGITS = 16
_OLD_DIGITS = 12
"""Of names that hold the digest of the normalised text, as CatNet wrote them at first."""


@dataclass(slots=True, eq=False, kw_only=True)
class _Waiting:
    """A running-config that is to be kept, and who waits for it."""

    device: str
    folder: Path
    data: bytes
    taken_at: float
    digest: str
    done: "asyncio.Future[Backup]"
    outcome: Backup | Exception | None = None

    def tell(self) -> None:
        if self.done.done() or self.outcome is None:
            return
        if isinstance(self.outcome, Backup):
            self.done.set_result(self.outcome)
        else:
            self.done.set_exception(self.outcome)

    def kept(self, path: Path, moment: datetime) -> None:
        self.outcome = Backup(
            id=f"{self.device}/{path.stem}",
            device=self.device,
            taken_at=moment.timestamp(),
            digest=self.digest,
            seen_at=self.taken_at,
        )

    def failed(self, error: OSError) -> None:
        failed = StoreFailed(
            f"cannot write a backup of {self.device} under {self.folder.parent}: {error.strerror}",
            next_step="Check disk space and that CatNet may write there; nothing was changed.",
        )
        failed.__cause__ = error
        self.outcome = failed


class Backups:
    """The files. Disk work goes through a thread of its own: an fsync may take seconds."""

    def __init__(self, directory: Path, *, offload: Offload = at_once, rest: float = 0.02) -> None:
        """``rest``: seconds after a write in which those who come gather, to be written at once."""
        self._directory = directory
        self._rest = rest
        self._offload = offload
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backups")
        self._closed_to_others = False
        self._lock = Lock()
        self._waiting: list[_Waiting] = []

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
        own = _Waiting(
            device=device,
            folder=self._folder(device),
            data=text.encode("utf-8", "surrogateescape"),
            taken_at=taken_at,
            digest=normal.shown(text),
            done=asyncio.get_running_loop().create_future(),
        )
        with self._lock:
            if not self._waiting:
                self._pool.submit(self._write_waiting)
            self._waiting.append(own)
        return await own.done

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

        Never the newest good one of a device, nor one whose id is in ``spare``. Gives how many;
        what a killed process left unfinished goes by the same time and is not counted.
        """
        removed = 0
        for device in await self.devices():
            removed += await self._run(partial(self._prune, device, before, keep, spare))
        return removed

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    # --- in the thread -------------------------------------------------------------------------

    def _write_waiting(self) -> None:
        """Who came while the disk was busy with others is written with the next."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        while waiting:
            group: dict[str, _Waiting] = {}
            later = []
            for each in waiting:
                if each.device in group or len(group) == _TOGETHER:
                    later.append(each)
                elif not each.done.cancelled():
                    group[each.device] = each
            self._keep(group.values())
            waiting = later
        time.sleep(self._rest)

    def _keep(self, group: Collection[_Waiting]) -> None:
        """Each ends with a backup or an error, and is told."""
        try:
            self._write(group)
        except Exception as error:  # noqa: BLE001 - they who wait hear of it
            for each in group:
                each.outcome = each.outcome or error
        for loop in {each.done.get_loop() for each in group}:
            told = [each for each in group if each.done.get_loop() is loop]
            with suppress(RuntimeError):  # closed: nobody waits there any more
                loop.call_soon_threadsafe(_tell, told)

    def _write(self, group: Collection[_Waiting]) -> None:
        fresh: list[tuple[_Waiting, datetime, New]] = []
        for each in group:
            moment = datetime.fromtimestamp(each.taken_at, UTC)
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            checksum = _checksum(each.data)
            path = each.folder / f"{moment.strftime(_STAMP)[:-3]}Z-{checksum}.cfg"
            try:
                new = self._made(each.folder)
                known = None if new else _same_as_newest(each.folder, each.data, checksum)
                if known is not None:
                    os.utime(known, (each.taken_at, each.taken_at))
                    each.kept(known, _moment(known.stem) or moment)
                else:
                    file = New(path=path, content=each.data, changed=each.taken_at)
                    fresh.append((each, moment, file))
            except OSError as error:
                each.failed(error)
        errors = write_together([file for _, _, file in fresh])
        for (each, moment, file), problem in zip(fresh, errors, strict=True):
            if problem is None:
                each.kept(file.path, moment)
            else:
                each.failed(problem)

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
            for path in self._folder(device).glob(f"{UNFINISHED}*"):
                if path.stat().st_mtime < before:
                    path.unlink()
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


def _tell(told: Collection[_Waiting]) -> None:
    for each in told:
        each.tell()


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
