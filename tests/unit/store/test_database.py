"""Transactions: all or nothing, on one thread, and errors that people understand."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from catnet_controller.errors import InternalFault, StoreBusy, StoreFailed
from catnet_controller.models import State
from catnet_controller.store import queue, schema
from catnet_controller.store.deployments import _ENDED
from catnet_controller.store.store import Store
from tests.helpers_store import ManualClock, conclude, done, opened, push, seen, trigger


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path, ManualClock()) as store:
        yield store


def pragma(name: str, value: int | None = None) -> Callable[[sa.Connection], int]:
    def run(conn: sa.Connection) -> int:
        setting = name if value is None else f"{name}={value}"
        result = conn.exec_driver_sql(f"PRAGMA {setting}")
        return int(result.scalar_one()) if result.returns_rows else 0

    return run


async def test_an_error_undoes_the_whole_transaction(store: Store) -> None:
    def half(conn: sa.Connection) -> None:
        conn.execute(sa.insert(schema.pulse), {"worker": "x", "alive_at": 1.0})
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        await store.db.tx(half)
    count = sa.select(sa.func.count()).select_from(schema.pulse)
    assert await store.db.tx(lambda conn: conn.execute(count).scalar_one()) == 0


async def test_every_transaction_runs_on_the_same_other_thread(store: Store) -> None:
    threads = {await store.db.tx(lambda conn: threading.get_ident()) for _ in range(3)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_who_is_cancelled_hears_of_it_after_the_transaction(store: Store) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    ended = []

    def slow(conn: sa.Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        ended.append(True)

    task = asyncio.ensure_future(store.db.tx(slow))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_the_error_of_one_who_was_cancelled_troubles_nobody(store: Store) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context))

    def bad(conn: sa.Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        raise KeyError("too late")

    task = asyncio.ensure_future(store.db.tx(bad))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    await asyncio.sleep(0)
    assert told == []


async def test_what_has_not_begun_is_not_run_for_a_cancelled_one(store: Store) -> None:
    go_on = threading.Event()
    ran = []
    first = asyncio.ensure_future(store.db.tx(lambda conn: go_on.wait(10)))
    second = asyncio.ensure_future(store.db.tx(lambda conn: ran.append(True)))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    assert await first
    assert ran == []


async def test_a_closed_store_refuses(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock()) as store:
        await store.close()
        await store.close()
        with pytest.raises(InternalFault, match="closed"):
            await store.alive()


async def test_a_defect_of_ours_is_a_fault_without_parameters(store: Store) -> None:
    def twice(conn: sa.Connection) -> None:
        for _ in range(2):
            conn.execute(sa.insert(schema.pulse), {"worker": "s3cret", "alive_at": 1.0})

    with pytest.raises(InternalFault) as caught:
        await store.db.tx(twice)
    assert "IntegrityError" in caught.value.message
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error)
        error = error.__cause__


# --- trouble outside ---------------------------------------------------------------------------


async def test_a_full_disk(store: Store) -> None:
    await push(store, "edge1")
    (claim,) = await store.claim(1)
    await store.db.tx(pragma("max_page_count", await store.db.tx(pragma("page_count"))))

    async def fill() -> None:
        for number in range(2000):
            await push(store, f"r{number}")

    with pytest.raises(StoreFailed) as caught:
        await fill()
    assert "the disk is full" in caught.value.message
    assert "Free space" in caught.value.next_step
    await store.db.tx(pragma("max_page_count", 1_000_000))
    await store.alive()
    history = await store.history(5000)
    assert all(len(each.jobs) == 1 for each in history), "no half-written deployment"
    await store.finish(claim, done(), seen("edge1"), conclude)


async def test_a_read_only_file(store: Store) -> None:
    await store.db.tx(pragma("query_only", 1))
    with pytest.raises(StoreFailed, match="read-only"):
        await store.alive()
    with pytest.raises(StoreFailed, match="read-only"):
        await store.trigger(trigger())
    assert await store.next_trigger() is None
    await store.db.bare(pragma("query_only", 0))
    await store.alive()


async def test_a_lock_held_by_another_program(store: Store, tmp_path: Path) -> None:
    await store.db.tx(pragma("busy_timeout", 10))
    with closing(sqlite3.connect(tmp_path / "catnet.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another program"):
            await store.alive()
        other.execute("ROLLBACK")
    await store.alive()


async def test_a_wait_is_not_broken_by_trouble(store: Store, tmp_path: Path) -> None:
    """The look for work reports it; waiting must not turn into a busy loop or an end."""
    await store.db.tx(pragma("busy_timeout", 10))
    with closing(sqlite3.connect(tmp_path / "catnet.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await store.wait(0.01)
        other.execute("ROLLBACK")


# --- promises the database itself keeps --------------------------------------------------------


async def test_two_running_jobs_of_one_device_cannot_be_written(store: Store) -> None:
    await push(store, "edge1", "edge1")
    both = sa.update(schema.job).values(state=State.RUNNING)
    with pytest.raises(InternalFault, match="Integrity"):
        await store.db.tx(lambda conn: conn.execute(both).close())


@pytest.mark.parametrize(
    ("statement", "index"),
    [(queue._DUE, "ix_job_claim"), (queue._DUE, "ix_job_queue"), (_ENDED, "ix_deployment_live")],
)
async def test_taking_work_reads_partial_indexes(
    store: Store, statement: sa.Select[tuple[object, ...]], index: str
) -> None:
    """States as bound parameters would hide them: 851 ms instead of 10 with 60,000 jobs."""

    def explain(conn: sa.Connection) -> str:
        compiled = statement.compile(conn)
        values = {**compiled.params, "now": 1.0, "limit": 1}
        rows = conn.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled}",
            tuple(values[name] for name in compiled.positiontup or ()),
        )
        return "\n".join(row.detail for row in rows)

    plan = await store.db.tx(explain)
    assert f"USING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan
