"""Migrations: they make exactly the schema that the code speaks of, and come with the package."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import alembic.autogenerate
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from catnet_controller.store import schema, upgrades
from tests.helpers_store import ManualClock, opened, push, trigger


def described(conn: sa.Connection) -> dict[str, set[str]]:
    """Each object of the schema with its parts, whatever their order and layout."""
    rows = conn.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master"
        " WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite_%'"
    )
    return {
        name: {
            # A column that was added later stands behind the constraints.
            " ".join(part.replace('"', "").split()).removesuffix(")").strip()
            for part in re.split(r",\s|\n", sql)
        }
        for name, sql in rows
    }


async def test_migrations_make_the_schema_of_the_code(tmp_path: Path) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as conn:
        schema.metadata.create_all(conn)
        expected = described(conn)
    engine.dispose()
    async with opened(tmp_path, ManualClock()) as store:
        assert await store.db.tx(described) == expected


async def test_autogenerate_finds_nothing_to_do(tmp_path: Path) -> None:
    def compare(conn: sa.Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(alembic.autogenerate.compare_metadata(context, schema.metadata))

    async with opened(tmp_path, ManualClock()) as store:
        assert await store.db.tx(compare) == []


def test_the_migrations_are_one_line_of_numbers() -> None:
    folder = Path(upgrades.__file__).with_name("migrations")
    config = Config()
    config.set_main_option("script_location", str(folder))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [upgrades.HEAD]
    revisions = [each.revision for each in script.walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(len(revisions), 0, -1)]
    assert len(list((folder / "versions").glob("[a-z]*.py"))) == len(revisions)


async def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as store:
        first = await push(store, "edge1")
        await store.trigger(trigger())
    async with opened(tmp_path, clock) as store:
        assert await store.deployment(first.id) == first
        assert await store.next_trigger() is not None
        assert (await push(store, "core1")).id == first.id + 1


async def test_an_upgrade_that_was_killed_left_nothing(tmp_path: Path) -> None:
    """All of it is one transaction, so an interrupted first start can be repeated."""
    path = tmp_path / "catnet.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
    with engine.connect() as conn:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        upgrades.upgrade_file(conn, path)
        conn.rollback()
    engine.dispose()
    with closing(sqlite3.connect(path)) as left:
        assert left.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    async with opened(tmp_path, ManualClock()) as store:
        await store.alive()


async def test_a_path_with_odd_characters(tmp_path: Path) -> None:
    async with opened(tmp_path / "a b:c%20;d", ManualClock()) as store:
        await store.alive()
    assert (tmp_path / "a b:c%20;d" / "catnet.db").exists()
