"""From the path of a file to the embedded database: one file, one connection, one thread."""

import os
import sqlite3
import stat
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.pool import QueuePool

from catnet_controller.errors import CatnetError, InternalFault, StoreBusy, StoreFailed
from catnet_controller.store import upgrades
from catnet_controller.store.lockfile import Lock
from catnet_controller.store.tx import Begin, Database, Kind

log = structlog.get_logger(__name__)

FILE = "catnet.db"
SUFFIXES = (".db", ".sqlite", ".sqlite3")
BUSY_MS = 5_000
"""How long SQLite waits for a lock that something outside (a backup, a shell) holds."""

# The write lock at once: one that is taken later can fail in the middle.
_WRITE = "BEGIN IMMEDIATE"
_BEGIN = {Begin.ALONE: _WRITE, Begin.SHARED: _WRITE, Begin.READ: "BEGIN", Begin.BARE: ""}


def file_of(path: Path) -> Path:
    """The file of a store that is named by its directory, or by its file (``*.db``)."""
    return path if path.suffix in SUFFIXES else path / FILE


async def at(path: Path) -> tuple[Database, Lock]:
    """Open or create the file, checked and brought up to date; whoever gets the lock frees it.

    Raises StoreFailed when the file is in use, damaged, of another program or too new.
    """
    file = file_of(path)
    _prepare_folder(file, own=file is not path)
    lock = Lock(file.with_name(f"{file.name}.lock"))
    db: Database | None = None
    try:
        _create(file)
        db = database(file)
        await db.bare(lambda conn: upgrades.verify(conn, file))
        await db.bare(upgrades.prepare)
        # SQLite changes a table by copying it, which referring rows must not notice.
        await db.bare(lambda conn: conn.exec_driver_sql("PRAGMA foreign_keys=OFF").close())
        await db.tx(upgrades.upgrade_file, file)
        await db.bare(lambda conn: conn.exec_driver_sql("PRAGMA foreign_keys=ON").close())
    except BaseException:
        if db is not None:
            await db.close()
        lock.release()
        raise
    return db, lock


def database(path: Path) -> Database:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        # One connection for good: SQLite has one writer, and the page cache stays warm.
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        # A logged or chained error must not carry a configuration.
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", _prepare)
    kind = Kind(begin=_BEGIN, explain=partial(explain, path=path), again=lambda _: False)
    return Database(engine, kind)


def explain(error: Exception, path: Path) -> CatnetError:
    """What a database error means for people."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", "") or ""
    kind = name.removeprefix("SQLITE_").partition("_")[0]
    if kind in _FAILED:
        what, next_step = _FAILED[kind]
        return StoreFailed(f"{what}: {path} ({name})", next_step=next_step)
    if kind in ("BUSY", "LOCKED"):
        return StoreBusy(f"the store {path} is locked by another program ({name})")
    return InternalFault(f"the store refused a statement: {type(cause).__name__} {name}".rstrip())


_FAILED = {
    "FULL": ("the disk is full", "Free space on the disk of the store; CatNet then goes on."),
    "READONLY": ("the store is read-only", "Make the file and its directory writable for CatNet."),
    "CANTOPEN": ("the store cannot be opened", "Check that CatNet may write to its directory."),
    "PERM": ("the store cannot be opened", "Check that CatNet may write to its directory."),
    "AUTH": ("the store cannot be opened", "Check that CatNet may write to its directory."),
    "IOERR": ("the disk does not work", "Check the disk and its free space, then start again."),
    "CORRUPT": ("the store is damaged", "Stop CatNet and put a backup of the file in its place."),
    "NOTADB": ("not a CatNet store", "Correct `store.path`, or move that file away."),
}


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are begun by us: the driver's own begin late and only before some statements.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        # What was acknowledged survives a power failure, not only a killed process.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
    finally:
        cursor.close()


def _prepare_folder(file: Path, *, own: bool) -> None:
    """Make the directory, for us alone: recorded configurations are nobody else's business."""
    folder = file.parent
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
        found = folder.stat()
        others = found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if not (own and others):
            return
        # A shared directory given by mistake (/tmp, a home) is not ours to close.
        ours = file.exists() or not any(folder.iterdir())
        if ours and not found.st_mode & stat.S_ISVTX and found.st_uid == os.geteuid():
            folder.chmod(0o700)
        else:
            log.warning("others may enter the directory of the store", path=str(folder))
    except OSError as error:
        raise StoreFailed(
            f"the directory of the store {folder} cannot be used: {error.strerror}",
            next_step="Check `store.path` and that CatNet may write there.",
        ) from error


def _create(file: Path) -> None:
    """SQLite gives its helper files the mode of the database file, so this one decides."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise StoreFailed(
            f"the store {file} cannot be opened: {error.strerror}",
            next_step="Check that CatNet may write to the file and its directory.",
        ) from error
