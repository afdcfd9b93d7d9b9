"""A store or a backup that cannot be written: no device is armed, and the next look goes on."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from catnet_controller.errors import StoreFailed
from catnet_controller.models import Claim, Intent, State, Step
from tests.helpers_flow import BRANCH, config, flow

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


def read_only(conn: sa.Connection) -> None:
    conn.exec_driver_sql("PRAGMA query_only=1").close()


def writable(conn: sa.Connection) -> None:
    conn.exec_driver_sql("PRAGMA query_only=0").close()


@pytest.mark.parametrize("step", [Step.READ, Step.ARM])
async def test_nothing_is_typed_that_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    async with flow(tmp_path, names=("a",)) as it:
        await it.trigger(BRANCH)
        record = it.store.checkpoint

        async def checkpoint(claim: Claim, now: Step, intent: Intent | None = None) -> None:
            if now is step:
                await it.store.db.bare(read_only)
            await record(claim, now, intent)

        monkeypatch.setattr(it.store, "checkpoint", checkpoint)
        sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "C", webhook=False)
        with pytest.raises(StoreFailed, match="read-only"):
            await it.trigger(sha=sha)
        assert it.touched() == []
        assert ROUTE not in it.device("a").running()
        await it.store.db.bare(writable)
        monkeypatch.undo()
        await it.store.free_leases()
        await it.settle()
        assert ROUTE in it.device("a").startup()
        assert (await it.last()).state is State.COMPLETE


async def test_without_room_for_the_backup_nothing_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with flow(tmp_path, names=("a",)) as it:
        await it.trigger(BRANCH)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            it.device("a").type(["ip route 203.0.113.77 255.255.255.255 Null0"])
            await it.store.db.bare(lambda _: None)
            await it.push({"configs/a.cfg": config("a", ROUTE)})
        (job,) = (await it.last()).jobs
        assert job.outcome is not None
        assert job.outcome.error_code == "store-failed"
        assert it.touched() == []
        backups = list((tmp_path / "backups").rglob("*.cfg"))
        assert all(path.read_text().rstrip().endswith("end") for path in backups)
