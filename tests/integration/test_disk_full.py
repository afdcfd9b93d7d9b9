"""A disk that is full or read-only, for real: nothing half-written, nothing typed unrecorded.

The disk is a small tmpfs, which takes root; elsewhere these tests skip.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from catnet_controller.errors import StoreFailed
from catnet_controller.models import Claim, Intent, State, Step
from catnet_controller.store.store import Store
from tests.helpers_flow import Flow, config, flow
from tests.helpers_github import RealClock
from tests.helpers_simulator import typed_twice

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


class Disk:
    """A file system of two megabytes."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self._filler = at / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        self._filler.unlink()

    def lock(self) -> None:
        _mount("-o", "remount,ro", str(self.at))

    def unlock(self) -> None:
        _mount("-o", "remount,rw", str(self.at))

    def assert_no_room(self) -> None:
        with pytest.raises(OSError) as caught:
            (self.at / "one more").write_bytes(bytes(4096))
        assert caught.value.errno in (errno.ENOSPC, errno.EROFS)
        with suppress(OSError):
            (self.at / "one more").unlink()


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


@contextmanager
def disk(at: Path) -> Iterator[Disk]:
    if os.geteuid():
        pytest.skip("mounting a file system takes root")
    at.mkdir()
    _mount("-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(at))
    try:
        yield Disk(at)
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def _shrink(conn: sa.Connection) -> None:
    """So that the next row needs room on the disk, and not only in a log that has grown before."""
    conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()


def _sound(conn: sa.Connection) -> str:
    found: str = conn.exec_driver_sql("PRAGMA integrity_check").scalar_one()
    return found


async def finished(it: Flow) -> None:
    """As after a restart: leases are freed, what was interrupted is looked at on the device."""
    await it.store.free_leases()
    await it.settle()
    assert (await it.last()).state is State.COMPLETE
    device = it.device("a")
    assert ROUTE in device.startup()
    assert not device.pending_revert
    assert typed_twice(device) == []
    assert await it.store.db.bare(_sound) == "ok"


@pytest.mark.parametrize("step", [Step.ARM, Step.PUSH, Step.CONFIRM])
async def test_a_store_without_room_types_nothing_that_it_cannot_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    with disk(tmp_path / "state") as small:
        async with flow(tmp_path, names=("a",)) as it:
            await it.trigger()
            record = it.store.checkpoint

            async def checkpoint(claim: Claim, now: Step, intent: Intent | None = None) -> None:
                if now is step:
                    await it.store.db.bare(_shrink)
                    small.fill()
                await record(claim, now, intent)

            monkeypatch.setattr(it.store, "checkpoint", checkpoint)
            sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "C", webhook=False)
            with pytest.raises(StoreFailed, match="the disk is full") as told:
                await it.trigger(sha=sha)
            small.assert_no_room()
            assert told.value.next_step.startswith("Free space")
            device = it.device("a")
            assert ROUTE not in device.running(), "put back, where anything was typed at all"
            assert not device.pending_revert
            assert bool(it.touched()) is (step in (Step.PUSH, Step.CONFIRM))
            with pytest.raises(StoreFailed):
                await it.store.alive()
            monkeypatch.undo()
            small.free()
            await it.store.alive()
            await finished(it)


@pytest.mark.parametrize("how", ["full", "read-only"])
async def test_without_a_backup_on_disk_nothing_is_typed(tmp_path: Path, how: str) -> None:
    with disk(tmp_path / "backups") as small:
        async with flow(tmp_path, names=("a",)) as it:
            await it.trigger()
            it.device("a").type(["ip route 203.0.113.77 255.255.255.255 Null0"])
            if how == "full":
                small.fill()
            else:
                small.lock()
            await it.push({"configs/a.cfg": config("a", ROUTE)})
            small.assert_no_room()
            (job,) = (await it.last()).jobs
            assert job.outcome is not None
            assert job.outcome.error_code == "store-failed"
            assert "cannot write a backup of a" in (job.outcome.error or "")
            assert it.touched() == []
            left = [path for path in small.at.rglob("*") if path.is_file()]
            for path in left:
                if path.suffix == ".cfg":
                    assert path.read_text().rstrip().endswith("end"), "whole"
                else:
                    assert path.name == "filler", "no half of one is left behind"
            if how == "full":
                small.free()
            else:
                small.unlock()
            await it.trigger(force=True)
            await finished(it)
            assert [each.good for each in await it.backups.list("a")].count(True) >= 1


async def test_a_read_only_disk_is_told_at_the_start(tmp_path: Path) -> None:
    with disk(tmp_path / "state") as small:
        async with await Store.at(small.at, clock=RealClock(), worker="one"):
            pass
        small.lock()
        with pytest.raises(StoreFailed) as told:
            await Store.at(small.at, clock=RealClock(), worker="one")
        assert str(small.at) in told.value.message
        assert told.value.next_step
        small.unlock()
        async with await Store.at(small.at, clock=RealClock(), worker="one") as store:
            await store.alive()
