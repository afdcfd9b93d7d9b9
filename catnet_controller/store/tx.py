"""The database: plain functions ``fn(conn, …)`` run as transactions on threads of its own.

A transaction is a function without ``await``, so no lock is ever held while a device or GitHub is
waited for; callers compose functions, and all of it is committed or nothing. Here foreign
exceptions end: what SQLAlchemy and a driver raise comes out as StoreFailed, StoreBusy or
InternalFault, without the parameters of the statement, which may be secret.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from catnet_controller.errors import CatnetError, InternalFault, StoreBusy

P = ParamSpec("P")
T = TypeVar("T")

_TRIES = 6
"""How often a transaction is begun that others got in the way of; nothing of it was done."""
_PAUSE = 0.5
"""Seconds between two tries to reach a database that is away."""


_TOLD = "catnet told"


def committed(conn: sa.Connection, noun: Any) -> None:
    """Tell of this (`Database.tell`) once the transaction is committed, and else never."""
    conn.info.setdefault(_TOLD, []).append(noun)


class Begin(Enum):
    """How a transaction begins."""

    ALONE = "alone"
    """No other one writes meanwhile."""
    SHARED = "shared"
    """Others that are shared may write too: each locks the rows it decides by."""
    READ = "read"
    BARE = "bare"
    """No transaction: for what a database refuses in one."""


def _tell(waiting: asyncio.Future[T], job: Future[T]) -> None:
    """How the job ended, to one who perhaps was cancelled."""
    if waiting.done():
        return
    if error := job.exception():
        waiting.set_exception(error)
    else:
        waiting.set_result(job.result())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What differs from one database to the other."""

    begin: Mapping[Begin, str]
    explain: Callable[[Exception], CatnetError]
    """What an error of the database means for people."""
    again: Callable[[Exception], bool]
    """Whether an error says that nothing was done, and that at once it may go well."""
    threads: int = 1
    patience: float = 0.0
    """Seconds for which `persist` waits for a database that is away."""


class Database:
    """One engine, with a thread for each of its connections."""

    def __init__(self, engine: sa.Engine, kind: Kind) -> None:
        self._engine = engine
        self._kind = kind
        self._threads = ThreadPoolExecutor(
            max_workers=kind.threads, thread_name_prefix="catnet-store"
        )
        self._closed = False
        self.tell: Callable[[Any], None] = lambda _: None
        """Hears of what was ``committed``, in a thread of the database."""

    async def tx(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``fn(conn, …)`` as one transaction, alone, and give its result.

        Whoever is cancelled meanwhile hears of it after the transaction has ended, so that
        nothing is still being written in the name of a task that is gone. ``fn`` may be called
        again where the first time was undone.
        """
        return await self._run(Begin.ALONE, lambda conn: fn(conn, *args, **kwargs))

    async def share(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like ``tx``, beside others of this sort where the database can: for what is done often,
        to rows that it locks."""
        return await self._run(Begin.SHARED, lambda conn: fn(conn, *args, **kwargs))

    async def persist(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like ``share``, and waits a while for a database that is away.

        For what may be done twice: a connection can be lost between the commit and its answer.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._kind.patience
        while True:
            try:
                return await self.share(fn, *args, **kwargs)
            except StoreBusy:
                if loop.time() >= until:
                    raise
            await asyncio.sleep(_PAUSE)

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like ``tx`` for what only reads: works on a disk that takes no writes, too."""
        return await self._run(Begin.READ, lambda conn: fn(conn, *args, **kwargs))

    async def bare(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run ``fn`` outside a transaction: for what SQLite refuses in one."""
        return await self._run(Begin.BARE, fn)

    async def close(self) -> None:
        """Close the connections and end the threads. A second call does nothing."""
        if not self._closed:
            try:
                await self._submit(self._engine.dispose)
            finally:
                self._closed = True
                self._threads.shutdown()

    async def _run(self, begin: Begin, fn: Callable[[sa.Connection], T]) -> T:
        return await self._submit(lambda: self._work(begin, fn))

    async def _submit(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise InternalFault("the store is closed")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = loop.create_future()
        job = self._threads.submit(work)
        # Straight to the one who waits: every step between would cost a turn of a busy loop.
        job.add_done_callback(lambda it: loop.call_soon_threadsafe(_tell, waiting, it))
        try:
            return await waiting
        except asyncio.CancelledError:
            if not job.cancel():
                ended = asyncio.Event()
                job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
                await ended.wait()
            raise

    def _work(self, begin: Begin, fn: Callable[[sa.Connection], T]) -> T:
        for left in reversed(range(_TRIES)):
            begun = False
            try:
                with self._engine.connect() as conn:
                    if statement := self._kind.begin[begin]:
                        conn.exec_driver_sql(statement).close()
                    begun = True
                    conn.info.pop(_TOLD, None)
                    result = fn(conn)
                    told = conn.info.pop(_TOLD, ())
                    conn.commit()
                    for noun in told:
                        self.tell(noun)
                    return result
            except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
                # A connection that died while it lay in the pool is found out by its next use.
                stale = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
                if left and (self._kind.again(error) or (stale and not begun)):
                    continue
                raise self._kind.explain(error) from error
        raise AssertionError("the last try returns or raises")
