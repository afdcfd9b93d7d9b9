"""`catnet store` on a store that is in use: copied whole, checked, upgraded with a copy kept."""

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from catnet_controller.store import upgrades
from catnet_controller.store.copies import look
from tests.helpers_store import ManualClock, opened, push
from tests.integration.test_cli_commands import Ended, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catnet.yaml").write_text(
        "github: {repository: a/b, token: 'env:NOT_HERE'}\nstore: {path: state}\n"
    )
    return tmp_path


async def store(folder: Path, *arguments: str) -> Ended:
    return await run("store", *arguments, cwd=folder)


async def test_backup_while_it_is_in_use_and_the_way_back(folder: Path) -> None:
    clock = ManualClock()
    async with opened(folder / "state", clock) as live:
        made = await push(live, "edge1")
        backups = folder / "state/backups/edge1"
        backups.mkdir(parents=True)
        (backups / "kept.cfg").write_text("hostname edge1\nend\n")
        (folder / "state/blobs").mkdir()
        (folder / "state/blobs/cache").write_text("x")
        ended = await store(folder, "backup", "copy")
        assert (ended.code, ended.out, ended.err) == (0, "2 files in copy\n", "")
        await push(live, "core1")
        again = await store(folder, "backup", "copy")
        assert (again.code, "copy is there already" in again.err) == (1, True)
    found = {path.relative_to(folder / "copy") for path in (folder / "copy").rglob("*")}
    assert {str(path) for path in found} == {
        *("catnet.db", "backups", "backups/edge1", "backups/edge1/kept.cfg"),
    }
    files = [path for path in (folder / "copy").rglob("*") if path.is_file()]
    for path in (folder / "copy", *files):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0

    shutil.rmtree(folder / "state")
    (folder / "copy").rename(folder / "state")
    async with opened(folder / "state", clock) as back:
        assert [it.id for it in await back.history()] == [made.id]


async def test_check_says_what_is_there_and_what_is_wrong(folder: Path) -> None:
    ended = await store(folder, "check")
    assert (ended.code, "there is no store at" in ended.err) == (1, True)
    async with opened(folder / "state", ManualClock()) as live:
        await push(live, "edge1")
        ended = await store(folder, "check", "--json")
        told = json.loads(ended.out)
        assert (ended.code, told["ok"], told["rows"]["deployment"]) == (0, True, 1)
        assert told["schema"] == told["newest_schema"]
    file = folder / "state/catnet.db"
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    file.write_bytes(data)
    ended = await store(folder, "check")
    assert ended.code == 1
    assert (await store(folder, "backup", "copy")).code == 1
    assert not (folder / "copy").exists()
    file.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    ended = await store(folder, "check")
    assert (ended.code, "error: " in ended.err) == (1, True)


async def test_migrate_keeps_the_database_as_it_was(folder: Path) -> None:
    file = folder / "state/catnet.db"
    file.parent.mkdir(mode=0o700)
    file.touch(0o600)
    config = Config()
    config.set_main_option("script_location", str(Path(upgrades.__file__).with_name("migrations")))
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as conn:
        conn.exec_driver_sql(f"PRAGMA application_id={upgrades.APPLICATION}")
        config.attributes["connection"] = conn
        command.upgrade(config, "0001")
    engine.dispose()

    newest = look(file).newest
    ended = await store(folder, "migrate", "--dry-run")
    assert (ended.code, ended.out) == (0, f"schema 0001 would become {newest}\n")
    assert look(file).schema == "0001"
    ended = await store(folder, "migrate", "--json")
    told = json.loads(ended.out)
    assert (told["from"], told["to"], look(file).schema) == ("0001", newest, newest)
    with closing(sqlite3.connect(told["copy"])) as kept:
        assert kept.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    assert "is the newest" in (await store(folder, "migrate")).out


async def test_a_server_has_tools_of_its_own(folder: Path) -> None:
    (folder / "catnet.yaml").write_text(
        "github: {repository: a/b, token: 'env:NOT_HERE'}\nstore: {url: 'env:NOT_HERE'}\n"
    )
    ended = await store(folder, "check")
    assert (ended.code, "pg_dump" in ended.err) == (1, True)
