"""Pausing holds pushes and nothing else; cancelling ends what has touched no device."""

from dataclasses import replace

import pytest

from catnet_controller.errors import CancelRefused, LeaseLost
from catnet_controller.models import (
    Conclusion,
    Deployment,
    Mode,
    Pause,
    State,
    StatusMessage,
    Step,
)
from catnet_controller.store.store import Store
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
    waiting,
)

PAUSE = Pause(by="ada", reason="change freeze", since=START)


def telling(deployment: Deployment) -> Conclusion:
    """As `conclude`, and says what a deployment is paused by."""
    made = conclude(deployment)
    if deployment.pause is None:
        return made
    told = tuple(
        replace(each, description=str(deployment.pause))
        if isinstance(each, StatusMessage)
        else each
        for each in made.messages
    )
    return replace(made, messages=told)


async def descriptions(store: Store) -> list[str]:
    return [each.description for each in await waiting(store) if isinstance(each, StatusMessage)]


async def test_pushes_wait_and_the_others_go_on(store: Store) -> None:
    assert await store.paused() is None
    await store.pause(PAUSE, telling)
    assert await store.paused() == PAUSE
    await push(store, "edge1", "core1")
    assert await store.claim(5) == []
    await start(store, Mode.CHECK, "edge1", ref="recorded")
    await start(store, Mode.ROLLBACK, "core1", ref="rollback/core1")
    claims = await store.claim(5)
    assert {(each.job.device.name, each.job.mode) for each in claims} == {
        ("edge1", Mode.CHECK),
        ("core1", Mode.ROLLBACK),
    }
    for each in claims:
        await store.finish(each, done(), seen(each.job.device.name), conclude)
    assert await store.resume(telling) == PAUSE
    assert await store.resume(telling) is None
    assert [each.job.mode for each in await store.claim(5)] == [Mode.PUSH, Mode.PUSH]


async def test_what_waits_says_so_and_takes_it_back(store: Store) -> None:
    made = await push(store, "edge1")
    await store.pause(PAUSE, telling)
    assert await descriptions(store) == ["paused by ada: change freeze"]
    assert (await store.history())[0].pause == PAUSE
    await store.pause(replace(PAUSE, by="bob"), telling)
    assert await descriptions(store) == ["paused by bob: change freeze"]
    await store.resume(telling)
    assert await descriptions(store) == [f"{made.id}: under way"]


async def test_a_push_before_arming_waits_again_and_an_armed_one_goes_on(store: Store) -> None:
    await push(store, "edge1", "core1")
    first, second = await store.claim(2)
    await store.checkpoint(first, Step.READ)
    await store.checkpoint(second, Step.ARM, intent())
    await store.pause(PAUSE, telling)
    with pytest.raises(LeaseLost):
        await store.checkpoint(first, Step.ARM, intent())
    await store.checkpoint(second, Step.PUSH)
    await store.finish(second, done(), seen("core1"), conclude)
    assert await store.claim(5) == []
    await store.resume(telling)
    (again,) = await store.claim(5)
    assert (again.job.id, again.job.attempt) == (first.job.id, 1)


async def test_an_interrupted_push_is_finished_while_paused(
    store: Store, clock: ManualClock
) -> None:
    await push(store, "edge1")
    (claim,) = await store.claim(1)
    await store.checkpoint(claim, Step.ARM, intent())
    await store.pause(PAUSE, telling)
    clock.advance(LEASE + 1)
    (again,) = await store.claim(1)
    assert again.job.intent is not None


async def test_cancel_ends_what_waits_and_what_only_looked(store: Store) -> None:
    made = await push(store, "edge1", "core1", "access1")
    claims = await store.claim(2)
    await store.checkpoint(claims[0], Step.READ)
    ended = await store.cancel(made.id, "cancelled by ada", conclude)
    assert (ended.state, {job.state for job in ended.jobs}) == (State.CANCELLED, {State.CANCELLED})
    assert [job.outcome and job.outcome.warnings for job in ended.jobs] == [
        ("cancelled by ada",)
    ] * 3
    for claim in claims:
        with pytest.raises(LeaseLost):
            await store.checkpoint(claim, Step.ARM, intent())
        with pytest.raises(LeaseLost):
            await store.finish(claim, done(), seen(claim.job.device.name), conclude)
    assert await store.claim(5) == []
    await push(store, "edge1", sha="b")
    assert len(await store.claim(5)) == 1, "the device is free"


async def test_cancel_leaves_an_armed_device_alone(store: Store) -> None:
    made = await push(store, "edge1", "core1")
    (claim,) = await store.claim(1)
    await store.checkpoint(claim, Step.ARM, intent())
    ended = await store.cancel(made.id, "cancelled by ada", conclude)
    assert [job.state for job in ended.jobs] == [State.RUNNING, State.CANCELLED]
    with pytest.raises(CancelRefused, match="past the point of cancelling on edge1"):
        await store.cancel(made.id, "cancelled by ada", conclude)
    over = await store.finish(claim, done(), seen("edge1"), conclude)
    assert over.state is State.CANCELLED
    for number, told in ((made.id, "cancelled already"), (99, "not on record")):
        with pytest.raises(CancelRefused, match=told):
            await store.cancel(number, "x", conclude)
