"""From whatever is in the database file to the schema of this version, or a refusal that says why.

The migrations are in the package, so an installed wheel brings them along; all that are missing
run in one transaction: a killed upgrade leaves the file as it was.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from catnet_controller.errors import StoreFailed

APPLICATION = 0x4361744E
"""SQLite's application id of a CatNet store: ``CatN`` in the header of the file."""


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


def upgrade(conn: sa.Connection, path: Path) -> None:
    """Bring the schema up to date; raises StoreFailed for a file of a newer CatNet."""
    config = _config()
    config.attributes["connection"] = conn
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(conn).get_current_revision()
    if current is not None and current not in known:
        raise StoreFailed(
            f"{path} was written by a newer version of CatNet (schema {current})",
            next_step="Install that version, or put back the backup made before the upgrade.",
        )
    conn.exec_driver_sql(f"PRAGMA application_id={APPLICATION}")
    command.upgrade(config, "head")
    broken = conn.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise _damaged(path, f"{len(broken)} rows refer to rows that are not there")


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
