"""From a URL to a PostgreSQL database that several daemons share, and to their wake-up calls.

What must be alone takes one advisory lock for the length of its transaction, what is shared takes
it beside others of its sort; so the rules that hold in the embedded database, where every writer
is alone, hold here. The server ends a transaction whose daemon was frozen in the middle of it, and
its clock says which lease ran out.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from catnet_controller.errors import (
    CatnetError,
    InternalFault,
    SettingsInvalid,
    StoreBusy,
    StoreFailed,
)
from catnet_controller.store import upgrades
from catnet_controller.store.tx import Begin, Database, Kind

THREADS = 6
"""Connections of a daemon, besides the one that listens."""
PATIENCE = 90.0
"""Seconds that a job waits with its step for a database that is away; its device waits with it."""
CHANNEL = "catnet_work"
_NUMBER = 0x4361744E
"""The advisory lock of a CatNet store, and one more for its upgrade."""

# Opening a deployment to thousands of devices is computed for seconds between its statements; what
# is shared never is, and a daemon that was frozen in it must not make the others wait for long.
_OPTIONS = "-c lock_timeout=40s -c idle_in_transaction_session_timeout=30s -c statement_timeout=60s"
_SHORT = "SET LOCAL idle_in_transaction_session_timeout = '5s'"
_REACH: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

_BEGIN = {
    Begin.ALONE: f"BEGIN; SELECT pg_advisory_xact_lock({_NUMBER})",
    Begin.SHARED: f"BEGIN; {_SHORT}; SELECT pg_advisory_xact_lock_shared({_NUMBER})",
    Begin.READ: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    Begin.BARE: "",
}
_UPGRADE = f"SELECT pg_advisory_xact_lock({_NUMBER}, 1)"
_INSTANT = "SELECT extract(epoch FROM clock_timestamp())::float8"
_NOTIFY = f"NOTIFY {CHANNEL}"

_AGAIN = {"40001", "40P01", "23505"}
"""Two transactions in each other's way; the last: both added the row that neither had found."""
_AWAY = ("08", "57P", "25P03", "53300")
_BUSY = ("40", "55P03", "57014")
_FAILED = {
    "53100": ("its disk is full", "Free space on the disk of PostgreSQL; CatNet then goes on."),
    "53": ("it has no room", "Give PostgreSQL more memory or connections."),
    "25006": ("it is read-only", "Name the primary server in `store.url`, not a standby."),
    "58": ("its disk does not work", "Check the disk of the PostgreSQL server."),
    "XX": ("it is damaged", "Look at the log of PostgreSQL; put a backup in its place."),
    "28": ("it does not let CatNet in", "Check user and password in `store.url`."),
    "3D": ("there is no such database", "Make it with `createdb`, or correct `store.url`."),
    "42501": ("CatNet lacks a right there", "Make CatNet's user the owner of the database."),
}


async def at(url: str, *, patience: float = PATIENCE) -> Database:
    """Open the database and bring its schema up to date.

    Raises SettingsInvalid for a URL that is none, StoreFailed where the database refuses or is too
    new, StoreBusy where it is away.
    """
    db = database(url, patience=patience)
    try:
        await db.bare(_upgrade)
    except BaseException:
        await db.close()
        raise
    return db


def database(url: str, *, patience: float = PATIENCE) -> Database:
    parsed = parse(url)
    engine = sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        poolclass=QueuePool,
        pool_size=THREADS,
        max_overflow=0,
        hide_parameters=True,
        connect_args={**_REACH, "options": _OPTIONS, "application_name": "catnet"},
    )
    sa.event.listen(engine, "connect", _prepare)
    where = shown(url)

    def explained(error: Exception) -> CatnetError:
        return explain(error, where)

    kind = Kind(
        begin=_BEGIN,
        explain=explained,
        again=lambda error: _code(error) in _AGAIN,
        threads=THREADS,
        patience=patience,
    )
    return Database(engine, kind)


def parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() != "postgresql":
        # The URL itself may carry a password.
        raise SettingsInvalid(
            "store.url is not the URL of a PostgreSQL database",
            next_step="Write it like postgresql://catnet@db.example.net/catnet.",
        )
    return parsed


def shown(url: str) -> str:
    """The address without the password, and whatever else was given with it."""
    return parse(url).set(password=None, query={}).render_as_string()


def instant(conn: sa.Connection) -> float:
    """Seconds since the epoch by the clock of the server, the one clock all daemons share."""
    seconds: float = conn.exec_driver_sql(_INSTANT).scalar_one()
    return seconds


def notify(conn: sa.Connection) -> None:
    """Wake every daemon once this transaction is committed."""
    conn.exec_driver_sql(_NOTIFY).close()


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[AsyncIterator[object]]:
    """What `notify` calls; raises StoreBusy or StoreFailed when the connection is lost."""
    address = parse(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = await psycopg.AsyncConnection.connect(
            address, autocommit=True, application_name="catnet-wake", **_REACH
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield connection.notifies()
    except psycopg.Error as error:
        raise explain(error, shown(url)) from error


def explain(error: Exception, where: str) -> CatnetError:
    """What a database error means for people."""
    code = _code(error)
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(error, sa.exc.TimeoutError):
        return StoreBusy(f"the store {where} is busy: no connection is free")
    if code.startswith(_BUSY):
        return StoreBusy(f"the store {where} is busy ({code})")
    if code.startswith(_AWAY):
        return StoreBusy(f"the store {where} is away ({code})")
    for beginning, (what, next_step) in _FAILED.items():
        if code.startswith(beginning):
            return StoreFailed(f"the store {where}: {what} ({code})", next_step=next_step)
    if isinstance(cause, psycopg.OperationalError):
        why = " ".join(str(cause).split())
        for secret, (what, next_step) in _AT_LOGIN.items():
            if secret in why:
                return StoreFailed(f"the store {where}: {what}", next_step=next_step)
        return StoreBusy(f"the store {where} is away")
    return InternalFault(f"the store refused a statement: {type(cause).__name__} {code}".rstrip())


# What is refused while connecting carries no code, only the words of libpq.
_AT_LOGIN = {
    "authentication failed": _FAILED["28"],
    "no password supplied": _FAILED["28"],
    "no pg_hba.conf entry": _FAILED["28"],
    "does not exist": _FAILED["3D"],
}


def _code(error: Exception) -> str:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


def _prepare(connection: Any, _record: Any) -> None:
    # Transactions are begun by us: begin and lock are one message.
    connection.autocommit = True


def _upgrade(conn: sa.Connection) -> None:
    conn.exec_driver_sql("BEGIN").close()
    conn.exec_driver_sql(_UPGRADE).close()
    upgrades.upgrade_server(conn)
