"""The database: plain functions ``fn(conn, …)`` run as transactions on one thread of its own.

A transaction is a function without ``await``, so no lock is ever held while a device or GitHub is
waited for; callers compose functions, and all of it is committed or nothing. Here foreign
exceptions end: what SQLAlchemy and SQLite raise comes out as StoreFailed, StoreBusy or
InternalFault, without the parameters of the statement, which may be secret.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from catnet_controller.errors import CatnetError, InternalFault, StoreBusy, StoreFailed

P = ParamSpec("P")
T = TypeVar("T")

BUSY_MS = 5_000
"""How long SQLite waits for a lock that something outside (a backup, a shell) holds."""

# The write lock at once: one that is taken later can fail in the middle.
_WRITE = "BEGIN IMMEDIATE"
_READ = "BEGIN"
_BARE = ""


class Database:
    """One SQLite file, one connection, one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="catnet-store")
        self._closed = False

    async def tx(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``fn(conn, …)`` as one transaction and give its result.

        Whoever is cancelled meanwhile hears of it after the transaction has ended, so that
        nothing is still being written in the name of a task that is gone.
        """
        return await self._run(_WRITE, lambda conn: fn(conn, *args, **kwargs))

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like ``tx`` for what only reads: works on a disk that takes no writes, too."""
        return await self._run(_READ, lambda conn: fn(conn, *args, **kwargs))

    async def bare(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run ``fn`` outside a transaction: for what SQLite refuses in one."""
        return await self._run(_BARE, fn)

    async def close(self) -> None:
        """Close the connection and end the thread. A second call does nothing."""
        if not self._closed:
            try:
                await self._submit(self._engine.dispose)
            finally:
                self._closed = True
                self._thread.shutdown()

    async def _run(self, begin: str, fn: Callable[[sa.Connection], T]) -> T:
        return await self._submit(lambda: self._work(begin, fn))

    async def _submit(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise InternalFault("the store is closed")
        future = self._thread.submit(work)
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.wait([waiting])
            raise

    def _work(self, begin: str, fn: Callable[[sa.Connection], T]) -> T:
        try:
            with self._engine.connect().execution_options(catnet_begin=begin) as conn:
                result = fn(conn)
                conn.commit()
                return result
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise explain(error, self.path) from error


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


def _engine(path: Path) -> sa.Engine:
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
    sa.event.listen(engine, "begin", _begin)
    return engine


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


def _begin(conn: sa.Connection) -> None:
    begin: str = conn.get_execution_options()["catnet_begin"]
    if begin:
        conn.exec_driver_sql(begin)
