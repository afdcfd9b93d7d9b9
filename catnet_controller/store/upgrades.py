"""From whatever is in the database to the schema of this version, or a refusal that says why.

The migrations are in the package, so an installed wheel brings them along; all that are missing
run in one transaction: a killed upgrade leaves the database as it was.

Daemons of two versions share a PostgreSQL server during an upgrade, so a migration only adds: new
tables, and columns that have a default. What is to go is taken away a version later, by a
migration that raises the number in the table `reader`.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from catnet_controller.errors import StoreFailed

APPLICATION = 0x4361744E
"""SQLite's application id of a CatNet store: ``CatN`` in the header of the file."""
HEAD = "0006"
"""The schema of this version: the number of the last migration."""


def verify(conn: sa.Connection, path: Path) -> None:
    """Raise StoreFailed unless this is a sound CatNet store, or an empty file.

    Unique indexes carry promises (one running job per device), so the whole check is made and
    not the quick one, which skips them.
    """
    application = conn.exec_driver_sql("PRAGMA application_id").scalar_one()
    tables = conn.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if application != APPLICATION and (tables or application):
        raise StoreFailed(
            f"{path} is a database of another program",
            next_step="Correct `store.path`, or move that file away.",
        )
    try:
        found = conn.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
    except sa.exc.DatabaseError as error:
        raise _damaged(path, str(error.orig)) from error
    if found != ["ok"]:
        raise _damaged(path, "; ".join(" ".join(str(each).split()) for each in found))


def prepare(conn: sa.Connection) -> None:
    """Set what stays set in the file; only once it is known to be ours."""
    # Takes effect in a file without tables only; lets pruning give space back.
    conn.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL").close()
    conn.exec_driver_sql("PRAGMA journal_mode=WAL").close()


def upgrade_file(conn: sa.Connection, path: Path) -> None:
    """Bring the schema up to date; raises StoreFailed for a file of a newer CatNet."""
    current = _current(conn)
    if current is not None and current > HEAD:
        raise StoreFailed(
            f"{path} was written by a newer version of CatNet (schema {current})",
            next_step="Install that version, or put back the backup made before the upgrade.",
        )
    conn.exec_driver_sql(f"PRAGMA application_id={APPLICATION}")
    _to_head(conn)
    broken = conn.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise _damaged(path, f"{len(broken)} rows refer to rows that are not there")


def upgrade_server(conn: sa.Connection) -> None:
    """Bring the schema up to date; one that is newer is taken if it says that we can read it.

    So daemons of two versions run side by side while a cluster is upgraded. Raises StoreFailed for
    a schema that is too new, and for the database of another program.
    """
    current = _current(conn)
    if current is not None and current > HEAD:
        floor = conn.exec_driver_sql("SELECT schema FROM reader").scalar_one_or_none()
        if floor is not None and floor <= HEAD:
            return
        raise StoreFailed(
            f"the database was upgraded by a newer version of CatNet (schema {current}, readable"
            f" from {floor} on; this one has {HEAD})",
            next_step="Install that version, or put back the backup made before the upgrade.",
        )
    if current is None and sa.inspect(conn).get_table_names():
        raise StoreFailed(
            "the database has tables of another program",
            next_step="Give CatNet a database of its own in `store.url`.",
        )
    if current != HEAD:
        _to_head(conn)


def _current(conn: sa.Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _to_head(conn: sa.Connection) -> None:
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    # A path with a blank or a colon is one path.
    config.set_main_option("path_separator", "newline")
    return config


def _damaged(path: Path, what: str) -> StoreFailed:
    return StoreFailed(
        f"the store {path} is damaged: {what}",
        next_step="Stop CatNet and put a backup of the file in its place.",
    )
