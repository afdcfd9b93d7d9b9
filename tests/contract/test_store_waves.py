"""Waves of a push: one after the other, and none behind a failure."""

from collections.abc import Mapping

import pytest

from catnet_controller.models import Claim, Deployment, Mode, State, Step
from catnet_controller.store.store import Store
from tests.helpers_store import (
    LEASE,
    ManualClock,
    conclude,
    done,
    intent,
    plan,
    push,
    revision,
    seen,
    start,
)


async def roll_out(store: Store, waves: Mapping[str, int], mode: Mode = Mode.PUSH) -> Deployment:
    return await store.open(
        revision(),
        mode,
        cause="test",
        jobs=[plan(name, wave=wave) for name, wave in waves.items()],
        trigger=None,
        conclude=conclude,
    )


async def claimed(store: Store) -> dict[str, Claim]:
    return {each.job.device.name: each for each in await store.claim(10)}


async def finish(store: Store, claim: Claim, state: State = State.COMPLETE) -> Deployment:
    return await store.finish(claim, done(state), seen(claim.job.device.name), conclude)


async def states(store: Store, number: int) -> dict[str, State]:
    found = await store.deployment(number)
    assert found is not None
    return {job.device.name: job.state for job in found.jobs}


async def test_a_wave_waits_for_all_of_the_lower_ones(store: Store) -> None:
    await roll_out(store, {"last": 7, "first": 0, "other": 0, "second": 2})
    wave = await claimed(store)
    assert sorted(wave) == ["first", "other"]
    await finish(store, wave["first"])
    assert await claimed(store) == {}
    await finish(store, wave["other"])
    wave = await claimed(store)
    assert sorted(wave) == ["second"]
    await finish(store, wave["second"])
    wave = await claimed(store)
    assert sorted(wave) == ["last"]
    ended = await finish(store, wave["last"])
    assert ended.state is State.COMPLETE


async def test_a_failure_holds_the_later_waves_back_and_not_its_own(store: Store) -> None:
    opened = await roll_out(store, {"canary": 1, "beside": 1, "later": 2, "last": 3, "early": 0})
    await finish(store, (await claimed(store))["early"])
    wave = await claimed(store)
    await finish(store, wave["canary"], State.FAILED)
    assert await states(store, opened.id) == {
        "canary": State.FAILED,
        "beside": State.RUNNING,
        "later": State.HELD_BACK,
        "last": State.HELD_BACK,
        "early": State.COMPLETE,
    }
    await finish(store, wave["beside"])
    assert await claimed(store) == {}
    ended = await store.deployment(opened.id)
    assert ended is not None
    assert ended.ended_at is not None
    (held,) = [job.outcome for job in ended.jobs if job.device.name == "later"]
    assert held is not None
    assert held.warnings == ("held back: canary failed before",)
    tally = await store.tally(opened.id)
    assert tally is not None
    assert tally.held_back == 2
    assert [(it.number, it.done, it.held_back, it.total) for it in tally.waves] == [
        (0, 1, 0, 1),
        (1, 2, 0, 2),
        (2, 0, 1, 1),
        (3, 0, 1, 1),
    ]


async def test_a_retry_holds_the_next_wave_up_and_not_back(
    store: Store, clock: ManualClock
) -> None:
    await roll_out(store, {"first": 0, "second": 1})
    claim = (await claimed(store))["first"]
    await store.retry(claim, done(State.FAILED), clock.now() + 60, seen("first"))
    assert await claimed(store) == {}
    clock.advance(61)
    await finish(store, (await claimed(store))["first"])
    assert sorted(await claimed(store)) == ["second"]


async def test_what_was_left_in_the_middle_waits_for_no_wave(
    store: Store, clock: ManualClock
) -> None:
    await roll_out(store, {"first": 0, "second": 1})
    await finish(store, (await claimed(store))["first"])
    armed = (await claimed(store))["second"]
    await store.checkpoint(armed, Step.ARM, intent())
    again = await roll_out(store, {"first": 0, "third": 1})
    clock.advance(LEASE + 1)
    wave = await claimed(store)
    assert sorted(wave) == ["first", "second"]
    await finish(store, wave["first"], State.FAILED)
    assert (await states(store, again.id))["third"] is State.HELD_BACK
    assert (await finish(store, wave["second"])).state is State.COMPLETE


async def test_others_do_not_wait_behind_a_later_wave(store: Store) -> None:
    await roll_out(store, {"first": 0, "second": 1})
    await start(store, Mode.DRY_RUN, "second", ref="pull/7")
    wave = await claimed(store)
    assert {name: each.job.mode for name, each in wave.items()} == {
        "first": Mode.PUSH,
        "second": Mode.DRY_RUN,
    }


async def test_plans_know_no_waves(store: Store) -> None:
    await roll_out(store, {"first": 0, "second": 1}, Mode.DRY_RUN)
    wave = await claimed(store)
    assert sorted(wave) == ["first", "second"]
    await finish(store, wave["first"], State.FAILED)
    assert (await finish(store, wave["second"])).state is not State.RUNNING


async def test_a_newer_revision_takes_up_what_was_held_back(store: Store) -> None:
    await roll_out(store, {"first": 0, "second": 1})
    await finish(store, (await claimed(store))["first"], State.FAILED)
    newer = await push(store, "first", "second", sha="b", whole=True)
    for claim in (await claimed(store)).values():
        await finish(store, claim)
    assert set((await states(store, newer.id)).values()) == {State.COMPLETE}


@pytest.mark.parametrize("failing", [1, 2])
async def test_some_failures_can_be_borne(store: Store, failing: int) -> None:
    store.max_failures = 1
    opened = await roll_out(store, {"a": 0, "b": 0, "c": 0, "later": 1})
    wave = await claimed(store)
    for number, name in enumerate(sorted(wave)):
        await finish(store, wave[name], State.FAILED if number < failing else State.COMPLETE)
    held = (await states(store, opened.id))["later"] is State.HELD_BACK
    assert held is (failing > 1)
