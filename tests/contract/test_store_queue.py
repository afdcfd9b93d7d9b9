"""The queue: order, leases, fences; nothing runs twice on a device and nothing is lost."""

import asyncio
from dataclasses import replace

import pytest

from catnet_controller.errors import InternalFault, LeaseLost
from catnet_controller.models import Claim, Intent, Mode, Outcome, State, Step
from catnet_controller.store.store import MARGIN, Store
from tests.helpers_store import (
    LEASE,
    START,
    ManualClock,
    conclude,
    done,
    intent,
    push,
    seen,
    start,
)


async def only(store: Store) -> Claim:
    (claim,) = await store.claim(10)
    return claim


async def test_a_claim_is_the_job_with_a_fence(store: Store, clock: ManualClock) -> None:
    opened = await push(store, "edge1")
    clock.advance(3)
    claim = await only(store)
    assert claim.fence == 1
    job = claim.job
    assert (job.id, job.deployment) == (opened.jobs[0].id, opened.id)
    assert (job.state, job.attempt, job.started_at) == (State.RUNNING, 1, START + 3)
    assert (job.device, job.revision) == (opened.jobs[0].device, opened.revision)
    assert await store.claim(10) == []


async def test_at_most_so_many_and_one_per_device(store: Store) -> None:
    await push(store, "edge1", "edge2", "edge3")
    await start(store, Mode.BACKUP, "edge1", ref="other")
    assert [each.job.device.name for each in await store.claim(2)] == ["edge1", "edge2"]
    assert [each.job.device.name for each in await store.claim(5)] == ["edge3"]
    assert await store.claim(0) == []


async def test_order_is_by_mode_and_then_by_age(store: Store) -> None:
    order = [Mode.BACKUP, Mode.CHECK, Mode.DRY_RUN, Mode.PUSH, Mode.ROLLBACK]
    for position, mode in enumerate(order):
        await start(store, mode, f"a{position}", f"b{position}", ref=mode.value)
    claims = await store.claim(100)
    assert [each.job.mode for each in claims] == [mode for mode in reversed(order) for _ in "ab"]
    assert [each.job.device.name for each in claims[:2]] == ["a4", "b4"]


async def test_the_better_job_of_a_device_goes_first(store: Store) -> None:
    await start(store, Mode.CHECK, "edge1", ref="recorded")
    await start(store, Mode.ROLLBACK, "edge1", ref="rollback")
    claim = await only(store)
    assert claim.job.mode is Mode.ROLLBACK
    await store.finish(claim, done(), seen("edge1"), conclude)
    assert (await only(store)).job.mode is Mode.CHECK


async def test_a_retry_waits_and_counts(store: Store, clock: ManualClock) -> None:
    opened = await push(store, "edge1")
    claim = await only(store)
    tried = Outcome(state=State.FAILED, error="no route", error_code="device-unreachable")
    await store.retry(claim, tried, START + 20)
    assert await store.claim(10) == []
    waits = await store.deployment(opened.id)
    assert waits is not None
    assert waits.jobs[0].state is State.PENDING
    assert waits.jobs[0].outcome == tried
    clock.advance(20)
    again = await only(store)
    assert (again.job.attempt, again.fence) == (2, claim.fence + 1)
    assert again.job.started_at == START


async def test_one_in_back_off_does_not_hold_up_the_others(store: Store) -> None:
    await start(store, Mode.DRY_RUN, "edge1", ref="pull/1")
    claim = await only(store)
    await store.retry(claim, done(State.FAILED), START + 600)
    await start(store, Mode.CHECK, "edge1", ref="recorded")
    assert (await only(store)).job.mode is Mode.CHECK


async def test_an_interrupted_one_in_back_off_does(store: Store, clock: ManualClock) -> None:
    """What it left on the device would be taken for the state before the next change."""
    await push(store, "edge1", sha="a")
    claim = await only(store)
    await store.checkpoint(claim, Step.PUSH, intent(Step.PUSH))
    await store.retry(claim, done(State.FAILED), START + 600)
    await start(store, Mode.ROLLBACK, "edge1", ref="rollback")
    assert await store.claim(10) == []
    clock.advance(600)
    again = await only(store)
    assert again.job.mode is Mode.PUSH
    assert again.job.intent == intent(Step.PUSH)


async def test_released_is_as_if_never_claimed(store: Store) -> None:
    await push(store, "edge1")
    claim = await only(store)
    await store.release(claim)
    again = await only(store)
    assert again.job.attempt == 1
    assert again.fence > claim.fence


# --- fence -------------------------------------------------------------------------------------


async def refused(store: Store, claim: Claim) -> None:
    """Everything a worker can do with a claim that is not its own any more."""
    with pytest.raises(LeaseLost):
        await store.checkpoint(claim, Step.PUSH, intent())
    with pytest.raises(LeaseLost):
        await store.finish(claim, done(), seen("edge1"), conclude)
    with pytest.raises(LeaseLost):
        await store.retry(claim, done(State.FAILED), START)
    with pytest.raises(LeaseLost):
        await store.release(claim)
    assert await store.renew([claim]) == []


async def test_what_a_loser_says_of_a_device_is_not_recorded(
    store: Store, clock: ManualClock
) -> None:
    await store.add(seen("edge1"), None)
    await push(store, "edge1")
    old = await only(store)
    clock.advance(LEASE)
    await only(store)
    with pytest.raises(LeaseLost):
        await store.retry(old, done(State.FAILED), START, replace(seen("edge1"), note="stale"))
    known = await store.state("edge1")
    assert known is not None
    assert not known.note


async def test_nothing_is_held_any_more_well_before_another_may_claim(
    store: Store, clock: ManualClock
) -> None:
    await push(store, "edge1")
    claim = await only(store)
    clock.advance(LEASE * (1 - MARGIN) - 1)
    assert store.holds(claim)
    clock.advance(1)
    assert not store.holds(claim)
    assert await store.claim(10) == []
    await store.renew([claim])
    assert store.holds(claim)


async def test_who_hears_that_a_lease_is_gone_holds_it_no_more(store: Store) -> None:
    """Before it ran out: cancelled by a person, or a server's clock that was set ahead."""
    opened = await push(store, "edge1")
    claim = await only(store)
    await store.cancel(opened.id, "asked to", conclude)
    assert await store.renew([claim]) == []
    assert not store.holds(claim)


async def test_a_lease_that_ran_out_is_taken_over_and_the_old_one_refused(
    store: Store, clock: ManualClock
) -> None:
    opened = await push(store, "edge1")
    old = await only(store)
    await store.checkpoint(old, Step.ARM, intent())
    clock.advance(LEASE - 1)
    assert await store.claim(10) == []
    clock.advance(1)
    new = await only(store)
    assert new.job.id == old.job.id
    assert new.fence > old.fence
    assert (new.job.intent, new.job.step, new.job.attempt) == (intent(), Step.ARM, 2)
    await refused(store, old)
    read = await store.deployment(opened.id)
    assert read is not None
    assert read.jobs[0].state is State.RUNNING
    await store.finish(new, done(), seen("edge1"), conclude)
    await refused(store, old)
    await refused(store, new)


async def test_a_lease_taken_away_is_lost_before_somebody_else_has_it(
    store: Store, clock: ManualClock
) -> None:
    """The device waits in back-off or is busy otherwise: the frozen worker is refused anyway."""
    await push(store, "edge1")
    old = await only(store)
    clock.advance(LEASE)
    assert await store.claim(0) == []
    await refused(store, old)


async def test_renewed_leases_last_and_lost_ones_are_told(store: Store, clock: ManualClock) -> None:
    await push(store, "edge1", "core1")
    edge, core = await store.claim(10)
    clock.advance(LEASE - 1)
    assert await store.renew([core]) == [core]
    clock.advance(LEASE - 1)
    (again,) = await store.claim(10)
    assert again.job.id == edge.job.id
    assert await store.renew([edge, core, again]) == [core, again]


async def test_a_checkpoint_begins_a_whole_lease(store: Store, clock: ManualClock) -> None:
    await push(store, "edge1")
    claim = await only(store)
    for step in (Step.CONNECT, Step.READ, Step.COMPARE):
        clock.advance(LEASE - 1)
        await store.checkpoint(claim, step)
        assert await store.claim(10) == []


async def test_setting_the_clock_of_the_machine_takes_no_device_away(
    store: Store, clock: ManualClock
) -> None:
    await push(store, "edge1")
    claim = await only(store)
    for seconds in (86_400, -172_800):
        clock.jump(seconds)
        assert await store.claim(10) == []
        await store.checkpoint(claim, Step.READ)
    clock.advance(LEASE)
    assert (await only(store)).fence > claim.fence


async def test_steps_without_an_intent_keep_the_one_on_record(store: Store) -> None:
    await push(store, "edge1")
    claim = await only(store)
    await store.checkpoint(claim, Step.PUSH, intent(Step.PUSH))
    await store.release(claim)
    again = await only(store)
    await store.checkpoint(again, Step.CONNECT)
    await store.release(again)
    third = await only(store)
    assert third.job.intent == intent(Step.PUSH)
    assert third.job.step is Step.CONNECT
    later = Intent(backup="edge1/2", baseline="sha256:c", armed=False, step=Step.ARM)
    await store.checkpoint(third, Step.ARM, later)
    await store.release(third)
    assert (await only(store)).job.intent == later


async def test_a_restart_frees_every_lease_that_nobody_can_hold(
    store: Store, clock: ManualClock
) -> None:
    await push(store, "edge1", "core1")
    old = await store.claim(10)
    if await store.free_leases() == 0:
        # Other daemons may be at work: theirs have to run out.
        assert await store.claim(10) == []
        clock.advance(LEASE)
        assert len(await store.claim(10)) == 2
        return
    assert await store.free_leases() == 0
    for claim in old:
        await refused(store, claim)
    assert len(await store.claim(10)) == 2


async def test_a_job_ends_only_in_an_end(store: Store) -> None:
    await push(store, "edge1")
    claim = await only(store)
    with pytest.raises(InternalFault):
        await store.finish(claim, done(State.RUNNING), seen("edge1"), conclude)
    await store.finish(claim, done(), seen("edge1"), conclude)


async def test_two_that_claim_at_once_never_get_the_same(store: Store) -> None:
    await push(store, *(f"r{number}" for number in range(40)))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.claim(15)) for _ in range(4)]
    claimed = [claim.job.id for task in tasks for claim in task.result()]
    assert len(claimed) == len(set(claimed)) == 40


async def test_a_cancelled_claim_takes_nothing(store: Store) -> None:
    """A daemon that stops while it claims must not leave devices leased to nobody."""
    await push(store, "edge1")
    async with asyncio.TaskGroup() as group:
        for turns in range(12):
            task = group.create_task(store.claim(10))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            try:
                claims = await task
            except asyncio.CancelledError:
                claims = []
            for claim in claims:
                await store.release(claim)
            assert (await store.depth()).running == 0
    assert (await only(store)).job.attempt == 1
