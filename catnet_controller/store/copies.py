"""The embedded store looked at and copied from outside, also while a daemon works on it.

What is in it beside the database are files that are written once and never changed: they are copied
after it, so that whatever the copied database speaks of is in the copy too.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catnet_controller.errors import StoreFailed
from catnet_controller.store.sqlite import FILE, file_of
from catnet_controller.store.upgrades import APPLICATION, HEAD

_CACHE = "blobs"
"""What can be read from GitHub again."""
_COUNTED = ("deployment", "job", "device", "outbox", "account", "audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a database file is: its schema and the newest that is known, what is wrong, how much."""

    file: Path
    schema: str
    newest: str
    problems: tuple[str, ...]
    rows: Mapping[str, int]


def look(path: Path) -> Look:
    """Look at the store in this folder, or file; changes nothing.

    Raises StoreFailed when there is none, or it cannot be read.
    """
    file = _file(path)
    with _reading(file) as conn:
        problems = [
            str(row[0]) for row in conn.execute("PRAGMA integrity_check(20)") if row[0] != "ok"
        ]
        broken = conn.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            problems.append(f"{len(broken)} rows refer to rows that are not there")
        tables = {row[0] for row in conn.execute("SELECT name FROM sqlite_master")}
        schema = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        rows = {
            name: conn.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for name in _COUNTED
            if name in tables
        }
    return Look(
        file=file,
        schema=schema[0] if schema else "none",
        newest=HEAD,
        problems=tuple(problems),
        rows=rows,
    )


def copy(path: Path, target: Path) -> int:
    """Copy the whole store to ``target``, a folder that is not there yet; how many files.

    A half of a copy never has the name of one. Raises StoreFailed.
    """
    file = _file(path)
    if target.exists():
        raise StoreFailed(f"{target} is there already", next_step="Name a folder that is not.")
    half = target.with_name(f"{target.name}.half-{os.getpid()}")
    try:
        half.mkdir(mode=0o700, parents=True)
        copy_database(file, half / FILE)
        number = 1
        if file is not path:
            for found in _files(file.parent, file.name):
                made = half / found.relative_to(file.parent)
                made.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Housekeeping may take a backup away meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(found, made, follow_symlinks=False)
                    made.chmod(0o600)
                    _settle(made)
                    number += 1
        half.rename(target)
        _settle(target.parent)
    except OSError as error:
        raise StoreFailed(
            f"{target} cannot be written: {error.strerror}",
            next_step="Choose another folder; nothing of the store was changed.",
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return number


def copy_database(file: Path, target: Path) -> None:
    """One moment of the database, whole and checked, in a file for nobody else.

    Raises StoreFailed, and OSError where the target cannot be written.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        with _reading(file) as conn, contextlib.closing(sqlite3.connect(target)) as made:
            # All pages at once: by steps it would begin again at each write of the daemon.
            conn.backup(made)
            # One file, that needs none beside it.
            made.execute("PRAGMA journal_mode=DELETE")
            found = made.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        target.unlink()
        raise StoreFailed(f"{file} cannot be copied: {error}") from error
    if found != "ok":
        target.unlink()
        raise StoreFailed(
            f"the store {file} is damaged: {found}",
            next_step="Stop CatNet and put a backup of the file in its place.",
        )
    _settle(target)


def _file(path: Path) -> Path:
    file = file_of(path)
    if not file.is_file():
        raise StoreFailed(
            f"there is no store at {file}",
            next_step="Name the settings file with --config; the daemon makes the store.",
        )
    return file


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        ) as conn:
            application = conn.execute("PRAGMA application_id").fetchone()[0]
            if application != APPLICATION:
                raise StoreFailed(
                    f"{file} is a database of another program",
                    next_step="Correct `store.path`.",
                )
            yield conn
    except sqlite3.Error as error:
        raise StoreFailed(
            f"{file} cannot be read: {error}",
            next_step="Run it as the user of the daemon; a damaged file is replaced by a backup.",
        ) from error


def _files(folder: Path, database: str) -> Iterator[Path]:
    """Every other file of the store that cannot be had again."""
    for around, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != _CACHE)
        for name in sorted(names):
            found = Path(around, name)
            ours = Path(around) == folder and name.startswith(database)
            if not ours and found.is_file() and not found.is_symlink():
                yield found


def _settle(path: Path) -> None:
    """Wait until it is on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
