"""Opening a store: one daemon a file, for nobody else's eyes, and only a sound file of ours."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from catnet_controller.errors import StoreFailed
from catnet_controller.store.store import Store
from tests.helpers_store import ManualClock, opened, push

HOLD = """
import sys
from pathlib import Path
from catnet_controller.store.lockfile import Lock
lock = Lock(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(path: Path) -> bytes:
    return path.read_bytes()


def chmod(path: Path, mode: int) -> None:
    path.chmod(mode)


def hold(path: Path) -> subprocess.Popen[bytes]:
    """Another process that has taken the lock."""
    arguments = [sys.executable, "-c", HOLD, str(path)]
    holder = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    return holder


async def refusal(path: Path, clock: ManualClock) -> StoreFailed:
    with pytest.raises(StoreFailed) as caught:
        await Store.at(path, clock=clock, worker="two")
    assert caught.value.next_step.endswith(".")
    return caught.value


async def test_a_new_store_is_for_us_alone(tmp_path: Path, clock: ManualClock) -> None:
    home = tmp_path / "deep" / "state"
    async with opened(home, clock) as store:
        await store.alive()
        assert mode(home) == 0o700
        files = sorted(home.iterdir())
        assert [each.name for each in files] == [
            "catnet.db",
            "catnet.db-shm",
            "catnet.db-wal",
            "catnet.db.lock",
        ]
        assert {mode(each) for each in files} == {0o600}


async def test_a_file_may_be_named(tmp_path: Path, clock: ManualClock) -> None:
    chmod(tmp_path, 0o755)
    async with opened(tmp_path / "mine.sqlite", clock) as store:
        await store.alive()
    assert (tmp_path / "mine.sqlite").exists()
    assert mode(tmp_path) == 0o755, "the directory of a named file is not ours"


async def test_an_open_directory_is_closed_again(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock):
        pass
    chmod(tmp_path, 0o755)
    chmod(tmp_path / "catnet.db", 0o644)
    async with opened(tmp_path, clock):
        assert mode(tmp_path) == 0o700
        assert mode(tmp_path / "catnet.db") == 0o600


async def test_a_directory_of_others_is_left_as_it_is(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "letter.txt").write_text("private")
    chmod(tmp_path, 0o777)
    async with opened(tmp_path, clock):
        assert mode(tmp_path) == 0o777


async def test_the_settings_of_durability(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as store:
        found = await store.db.tx(
            lambda conn: {
                name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum")
            }
        )
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "auto_vacuum": 2}


# --- one daemon --------------------------------------------------------------------------------


async def test_a_second_one_is_refused_with_the_process_that_has_it(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(tmp_path, clock) as store:
        error = await refusal(tmp_path, clock)
        assert f"process {os.getpid()}" in error.message
        await store.alive()
    async with opened(tmp_path, clock) as store:
        await store.alive()


async def test_another_process_holds_it_until_it_dies(tmp_path: Path, clock: ManualClock) -> None:
    with hold(tmp_path / "catnet.db.lock") as holder:
        error = await refusal(tmp_path, clock)
        assert f"process {holder.pid}" in error.message
        holder.kill()
    async with opened(tmp_path, clock) as store:
        await store.alive()


async def test_a_refused_opening_leaves_nothing_locked(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "catnet.db").write_bytes(b"no database at all, whatever the name says" * 100)
    for _ in range(2):
        error = await refusal(tmp_path, clock)
        assert "in use" not in error.message


# --- only a sound file of ours -----------------------------------------------------------------


async def test_no_database_at_all(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "catnet.db").write_bytes(b"no database at all, whatever the name says" * 100)
    assert "not a CatNet store" in (await refusal(tmp_path, clock)).message


async def test_the_database_of_another_program(tmp_path: Path, clock: ManualClock) -> None:
    with closing(sqlite3.connect(tmp_path / "catnet.db")) as other:
        other.execute("CREATE TABLE bookmark (url TEXT)")
    before = content(tmp_path / "catnet.db")
    error = await refusal(tmp_path, clock)
    assert "another program" in error.message
    assert content(tmp_path / "catnet.db") == before


async def test_a_store_of_a_newer_catnet(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock):
        pass
    with closing(sqlite3.connect(tmp_path / "catnet.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    assert "newer version" in (await refusal(tmp_path, clock)).message


async def test_a_damaged_file(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as store:
        await push(store, *(f"r{number}" for number in range(200)))
    path = tmp_path / "catnet.db"
    whole = path.read_bytes()
    middle = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:middle] + b"\xa5" * 8192 + whole[middle + 8192 :])
    error = await refusal(tmp_path, clock)
    assert "damaged" in error.message
    assert "backup" in error.next_step


async def test_a_truncated_file(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as store:
        await push(store, *(f"r{number}" for number in range(200)))
    path = tmp_path / "catnet.db"
    path.write_bytes(path.read_bytes()[: 4096 * 10])
    assert "damaged" in (await refusal(tmp_path, clock)).message


async def test_an_index_that_lies_is_found(tmp_path: Path, clock: ManualClock) -> None:
    """Unique indexes carry promises, so it is not enough that every page can be read."""
    async with opened(tmp_path, clock) as store:
        await push(store, "edge1", "core1")
        await store.claim(5)
    with closing(sqlite3.connect(tmp_path / "catnet.db")) as hand:
        hand.execute("PRAGMA writable_schema=ON")
        hand.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master"
            " WHERE name = 'ix_lease_held') WHERE name = 'uq_job_running'"
        )
        hand.commit()
    assert "damaged" in (await refusal(tmp_path, clock)).message


@pytest.mark.parametrize("path", ["file.txt/state", "file.txt/state/catnet.db"])
async def test_a_path_that_cannot_be(tmp_path: Path, clock: ManualClock, path: str) -> None:
    (tmp_path / "file.txt").write_text("a file, not a directory")
    await refusal(tmp_path / path, clock)


async def test_a_directory_in_the_place_of_the_file(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "catnet.db").mkdir()
    assert "Is a directory" in (await refusal(tmp_path, clock)).message
