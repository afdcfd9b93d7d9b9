"""Migrations from every earlier schema with data in it, on both databases."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from catnet_controller.errors import StoreFailed
from catnet_controller.store import postgres as server
from catnet_controller.store import sqlite, upgrades
from catnet_controller.store.store import Store
from tests.helpers_postgres import Cluster
from tests.helpers_store import ManualClock, conclude, done, opened, opened_on, push, seen

EARLIER = [f"{number:04}" for number in range(1, int(upgrades.HEAD))]

NOW = 1_800_000_000.0
ROWS = {
    "desired": {"digest": "sha256:x", "checksum": "c", "stored_at": NOW, "body": "{}"},
    "deployment": {
        "id": 7,
        "ref": "branch/main",
        "sha": "a" * 40,
        "title": "Change",
        "author": "ada",
        "mode": "push",
        "cause": "test",
        "state": "running",
        "created_at": NOW,
        "summary": "",
        "problems": "[]",
    },
    "lease": {"device": "edge1", "fence": 41, "until": 0.0},
    "job": {
        "id": 9,
        "deployment": 7,
        "device": "edge1",
        "mode": "push",
        "state": "pending",
        "rank": 2,
        "run_at": NOW,
        "attempt": 1,
        "desired": "sha256:x",
        "target": '{"name": "edge1", "host": "192.0.2.1"}',
    },
    "ref_state": {"ref": "branch/main", "sha": "a" * 40, "deployment": 7},
    "device": {"name": "edge1", "gone": True, "body": "{}"},
    "pulse": {"worker": "old", "alive_at": NOW},
    "account": {
        "name": "ada",
        "role": "admin",
        "password": "hash",
        "disabled": False,
        "created_at": NOW,
        "changed_at": NOW,
    },
    "pause": {"id": 1, "by": "ada", "reason": "night", "since": NOW},
}


def fill(conn: sa.Connection, number: str) -> None:
    """The schema of that time, with rows in it."""
    config = upgrades._config()
    config.attributes["connection"] = conn
    command.upgrade(config, number)
    found = set(sa.inspect(conn).get_table_names())
    for name, values in ROWS.items():
        if name in found:
            table = sa.Table(name, sa.MetaData(), autoload_with=conn)
            conn.execute(sa.insert(table), values)
    if conn.dialect.name == "postgresql":
        for name in ("deployment", "job"):
            conn.exec_driver_sql(f"SELECT setval('{name}_id_seq', 100)")


async def examine(store: Store, number: str) -> None:
    deployment = await store.deployment(7)
    assert deployment is not None
    (job,) = deployment.jobs
    assert (job.id, job.attempt, job.device.name, job.device.site) == (9, 1, "edge1", "")
    if number >= "0002":
        user = await store.user("ada")
        assert user is not None
        assert user.password == "hash"
    if number >= "0003":
        pause = await store.paused()
        assert pause is not None
        assert pause.reason == "night"
        await store.resume(conclude)
    (claim,) = await store.claim(5)
    assert (claim.job.id, claim.fence) == (9, 42), "fences go on counting"
    ended = await store.finish(claim, done(), seen("edge1"), conclude)
    assert ended.state.final
    assert (await push(store, "edge1", sha="b")).id > 7


@pytest.mark.parametrize("number", EARLIER)
async def test_from_every_earlier_file(tmp_path: Path, number: str) -> None:
    path = tmp_path / "catnet.db"
    db = sqlite.database(path)
    await db.bare(upgrades.prepare)
    await db.tx(fill, number)
    await db.tx(
        lambda conn: conn.exec_driver_sql(f"PRAGMA application_id={upgrades.APPLICATION}").close()
    )
    await db.close()
    async with opened(tmp_path, ManualClock()) as store:
        await examine(store, number)


@pytest.mark.parametrize("number", EARLIER)
async def test_from_every_earlier_database(postgres: Cluster, number: str) -> None:
    url = postgres.database("upgrades")
    db = server.database(url)
    await db.tx(fill, number)
    await db.close()
    async with opened_on(url, ManualClock()) as store:
        await examine(store, number)


async def test_a_daemon_of_the_version_before_goes_on_beside_the_new_one(
    postgres: Cluster,
) -> None:
    """It neither knows the column `job.site` nor writes it; the new one reads what it wrote."""
    url = postgres.database("upgrades")
    db = server.database(url)
    await db.tx(fill, "0003")
    async with opened_on(url, ManualClock()) as store:
        without = {key: value for key, value in ROWS["job"].items() if key != "id"}
        other = {**without, "device": "edge2", "target": '{"name": "edge2", "host": "192.0.2.2"}'}
        columns = ", ".join(f'"{key}"' for key in without)
        values = ", ".join(f"%({key})s" for key in without)
        statement = f"INSERT INTO job ({columns}) VALUES ({values})"
        await db.tx(lambda conn: conn.exec_driver_sql(statement, other).close())
        await db.tx(
            lambda conn: conn.exec_driver_sql(
                "INSERT INTO lease (device, fence, until) VALUES ('edge2', 0, 0)"
            ).close()
        )
        await store.resume(conclude)
        assert {each.job.device.name for each in await store.claim(5)} == {"edge1", "edge2"}
    await db.close()


async def test_a_newer_schema_is_taken_as_long_as_it_says_so(postgres: Cluster) -> None:
    url = postgres.database("upgrades")
    async with opened_on(url, ManualClock()):
        pass
    postgres.execute("UPDATE alembic_version SET version_num = '9999'", "upgrades")
    async with opened_on(url, ManualClock()) as store:
        await store.alive()
    postgres.execute("UPDATE reader SET schema = '9998'", "upgrades")
    with pytest.raises(StoreFailed, match="readable from 9998"):
        async with opened_on(url, ManualClock()):
            pass


async def test_the_database_of_another_program_is_left_alone(postgres: Cluster) -> None:
    url = postgres.database("upgrades")
    postgres.execute("CREATE TABLE bookmark (url text)", "upgrades")
    with pytest.raises(StoreFailed, match="another program"):
        async with opened_on(url, ManualClock()):
            pass
    assert postgres.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "upgrades"
    ) == [(1,)]


async def test_autogenerate_finds_nothing_to_do_on_postgresql(postgres: Cluster) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from catnet_controller.store import schema

    def compare(conn: sa.Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(compare_metadata(context, schema.metadata))

    async with opened_on(postgres.database("upgrades"), ManualClock()) as store:
        assert await store.db.read(compare) == []
