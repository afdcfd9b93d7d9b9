"""A PostgreSQL server of our own: made in a temporary folder, stopped and started by tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

USER = "postgres"


def programs() -> Path | None:
    """Where the programs of the server are; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class Cluster:
    """One server, on a socket in its folder; nobody else can reach it."""

    def __init__(self, home: Path, binaries: Path, *, options: str = "") -> None:
        self.home = home
        self._binaries = binaries
        self._options = options
        # The server refuses to run as root.
        self._as: dict[str, str] = {"user": USER, "group": USER} if os.geteuid() == 0 else {}

    def create(self) -> None:
        if self._as:
            shutil.chown(self.home, **self._as)
        self._run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        options = f"-k {self.home} -c listen_addresses='' {self._options}"
        log = str(self.home / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", how, "stop")

    @property
    def running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@/{database}?host={self.home}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        engine = sa.create_engine(
            self.url(database).replace("postgresql://", "postgresql+psycopg://"),
            isolation_level="AUTOCOMMIT",
        )
        try:
            with engine.connect() as conn:
                result = conn.exec_driver_sql(statement)
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()

    def database(self, name: str) -> str:
        """Make an empty database, dropping one of that name; its URL."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def emptied(self, name: str) -> str:
        """Like ``database``, keeping its tables when it is there: they are emptied."""
        if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            return self.database(name)
        tables = self.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT IN ('alembic_version', 'reader')",
            name,
        )
        if tables:
            names = ", ".join(f'"{each}"' for (each,) in tables)
            self.execute(f"TRUNCATE {names} RESTART IDENTITY", name)
        return self.url(name)

    def kill(self) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, IndexError):
            process = int((self._data / "postmaster.pid").read_text().split()[0])
            os.kill(process, signal.SIGQUIT)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            check=False,
            **self._as,  # type: ignore[call-overload]
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


@contextlib.contextmanager
def cluster(*, options: str = "-c fsync=off") -> Iterator[Cluster]:
    """A running server; skips the test where PostgreSQL or its driver is not installed."""
    pytest.importorskip("psycopg", reason="PostgreSQL needs its driver, psycopg")
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    # A path to a socket has to be short.
    home = Path(tempfile.mkdtemp(prefix="catnet-pg-"))
    made = Cluster(home, binaries, options=options)
    try:
        made.create()
        yield made
    finally:
        with contextlib.suppress(RuntimeError):
            made.stop()
        shutil.rmtree(home, ignore_errors=True)
