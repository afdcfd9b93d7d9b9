"""How much waits, whether writing works, what is pruned, and waking whoever waits for work."""

import asyncio
import time
from dataclasses import replace

from catnet_controller.models import Delivery, Mode, QueueDepth, State
from catnet_controller.store.store import Store
from tests.helpers_store import (
    MAIN,
    START,
    ManualClock,
    conclude,
    done,
    intent,
    plan,
    push,
    revision,
    seen,
    start,
    trigger,
)

DAY = 86_400.0


async def test_depth_counts_what_waits(store: Store, clock: ManualClock) -> None:
    assert await store.depth() == QueueDepth(
        pending=0, running=0, triggers=0, outbox=0, outbox_age=0.0
    )
    await push(store, "edge1", "core1")
    await store.trigger(trigger())
    await store.claim(1)
    clock.advance(5)
    assert await store.depth() == QueueDepth(
        pending=1, running=1, triggers=1, outbox=1, outbox_age=5.0
    )


async def test_alive_says_nothing_while_writing_works(store: Store, clock: ManualClock) -> None:
    await store.alive()
    clock.advance(1)
    await store.alive()


async def ended(store: Store, sha: str, *, ref: str = "branch/old", whole: bool = False) -> int:
    opened = await push(store, "edge1", sha=sha, ref=ref, whole=whole)
    (claim,) = await store.claim(1)
    await store.finish(claim, done(), seen("edge1"), conclude)
    for row in await store.due(10):
        await store.delivered(row, None)
    return opened.id


async def test_prune_drops_the_old_and_keeps_the_newest(store: Store, clock: ManualClock) -> None:
    old = [await ended(store, sha) for sha in "abc"]
    clock.advance(10 * DAY)
    new = await ended(store, "d")
    assert await store.prune(before=START + DAY, keep_deployments=2) == 2
    assert [each.id for each in await store.history()] == [new, old[2]]
    assert await store.prune(before=START + DAY, keep_deployments=2) == 0
    assert await store.prune(before=START + DAY, keep_deployments=0) == 1
    assert [each.id for each in await store.history()] == [new]
    assert await ended(store, "e") > new, "numbers are never used again"


async def test_prune_keeps_what_is_alive_and_what_a_ref_stands_at(
    store: Store, clock: ManualClock
) -> None:
    at_ref = await ended(store, "a", ref=MAIN, whole=True)
    alive = await start(store, Mode.CHECK, "core1", ref="recorded")
    clock.advance(10 * DAY)
    assert await store.prune(before=START + DAY, keep_deployments=0) == 0
    assert {each.id for each in await store.history()} == {at_ref, alive.id}
    await store.forget_ref(MAIN)
    assert await store.prune(before=START + DAY, keep_deployments=0) == 1


async def test_prune_drops_many_in_parts(store: Store, clock: ManualClock) -> None:
    for _ in range(120):
        await push(store, ref="branch/x")
    clock.advance(DAY)
    assert await store.prune(before=START + DAY, keep_deployments=5) == 115


async def test_prune_drops_texts_that_nobody_refers_to(store: Store, clock: ManualClock) -> None:
    await ended(store, "a")
    digest = plan("edge1").desired.digest
    clock.advance(10 * DAY)
    await store.prune(before=START + DAY, keep_deployments=5)
    assert await store.desired(digest) is not None
    await store.prune(before=START + DAY, keep_deployments=0)
    assert await store.desired(digest) is None


async def test_prune_keeps_the_texts_of_the_recorded_state(
    store: Store, clock: ManualClock
) -> None:
    digest = plan("edge1").desired.digest
    await ended(store, "a")
    await store.forget(["edge1"])
    await store.open(
        (await store.history())[0].revision,
        Mode.PUSH,
        cause="push",
        jobs=(),
        states=[seen("edge1", desired=digest)],
        conclude=conclude,
    )
    clock.advance(10 * DAY)
    await store.prune(before=START + DAY, keep_deployments=0)
    assert await store.desired(digest) is not None


async def test_prune_drops_old_deliveries_settled_triggers_and_messages(
    store: Store, clock: ManualClock
) -> None:
    for guid in ("g1", "g2"):
        push = Delivery(guid=guid, event="push", verdict="accepted", received_at=clock.now())
        await store.receive([(push, trigger(guid))])
        raised = await store.next_trigger()
        assert raised is not None
        await store.settle(raised)
        clock.advance(2 * DAY)
    await store.trigger(trigger("waits"))
    await store.prune(before=START + DAY, keep_deployments=0)
    assert [each.guid for each in await store.deliveries()] == ["g2"]
    assert (await store.depth()).triggers == 1


# --- waking ------------------------------------------------------------------------------------

LONG = 30.0
"""Seconds no test has the patience for: who returns earlier was woken."""


async def test_waiting_ends_when_work_is_written(store: Store) -> None:
    async def later() -> None:
        await push(store, "edge1")

    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(store.wait(LONG)) for _ in range(3)]
        await asyncio.sleep(0)
        group.create_task(later())
    assert all(task.done() for task in waits)
    assert time.monotonic() - begun < LONG / 2


async def test_work_written_between_the_look_and_the_wait_counts(store: Store) -> None:
    await store.wait(0.0)
    await store.trigger(trigger())
    begun = time.monotonic()
    await store.wait(LONG)
    assert time.monotonic() - begun < LONG / 2


async def test_waiting_ends_by_itself(store: Store) -> None:
    for _ in range(3):
        await store.wait(0.01)


async def test_waiting_ends_when_something_falls_due(store: Store) -> None:
    """A job in back-off, a postponed trigger, a deferred message: each wakes at its time."""
    await push(store, "edge1")
    (claim,) = await store.claim(1)
    await store.retry(claim, done(State.FAILED), START + 0.05)
    for row in await store.due(5):
        await store.delivered(row, None)
    await store.wait(0.0)
    begun = time.monotonic()
    await store.wait(LONG)
    assert time.monotonic() - begun < LONG / 2


async def test_what_is_due_already_does_not_keep_anyone_awake(
    store: Store, clock: ManualClock
) -> None:
    """A due job whose device is busy: looking again at once would find nothing again."""
    await push(store, "edge1")
    await store.claim(1)
    await start(store, Mode.CHECK, "edge1", ref="recorded")
    clock.advance(1)
    await store.wait(0.0)
    begun = time.monotonic()
    await store.wait(0.2)
    assert time.monotonic() - begun >= 0.15


async def test_waiting_ends_when_a_lease_runs_out(store: Store, clock: ManualClock) -> None:
    await push(store, "edge1")
    await store.claim(1)
    for row in await store.due(5):
        await store.delivered(row, None)
    clock.advance(59.95)
    await store.wait(0.0)
    begun = time.monotonic()
    await store.wait(LONG)
    assert time.monotonic() - begun < LONG / 2
    clock.advance(0.05)
    await store.wait(0.0)
    begun = time.monotonic()
    await store.wait(0.2)
    assert time.monotonic() - begun >= 0.15, "one that ran out and is not taken over wakes once"


async def test_backups_that_may_still_be_needed_are_held(store: Store) -> None:
    assert await store.held_backups() == frozenset()
    await store.open(
        revision(),
        Mode.PUSH,
        cause="test",
        jobs=[plan("edge1")],
        states=[seen("edge1")],
        conclude=conclude,
    )
    (claim,) = await store.claim(1)
    begun = intent()
    await store.checkpoint(claim, begun.step, begun)
    assert await store.held_backups() == {begun.backup}
    state = replace(seen("edge1"), before="edge1/older")
    await store.finish(claim, done(), state, conclude)
    assert await store.held_backups() == {"edge1/older"}
