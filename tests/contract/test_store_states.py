"""Recorded state: the inventory and the jobs write one row without undoing each other."""

from dataclasses import replace

from catnet_controller.models import DeviceState, Health, JobPlan, Mode, State, Sync
from catnet_controller.store.store import Store
from tests.helpers_store import START, conclude, device, done, plan, push, revision, seen, start


async def declare(
    store: Store, *states: DeviceState, jobs: tuple[JobPlan, ...] = (), mode: Mode = Mode.PUSH
) -> None:
    await store.open(revision(), mode, cause="push", jobs=jobs, states=states, conclude=conclude)


def applied(name: str, text: str = "sha256:1") -> DeviceState:
    return DeviceState(
        device=device(name),
        sync=Sync.IN_SYNC,
        health=Health.REACHABLE,
        digest="sha256:run",
        seen_at=START,
        desired=text,
        applied=text,
        revision="a" * 40,
        applied_at=START,
        note="fine",
    )


async def test_an_inventory_is_recorded_and_read_back(store: Store) -> None:
    assert await store.states() == {}
    await declare(store, applied("edge1"), seen("core1"))
    assert await store.states() == {"core1": seen("core1"), "edge1": applied("edge1")}


async def test_one_device_is_read_alone(store: Store) -> None:
    await declare(store, applied("edge1"), seen("core1"))
    assert await store.state("edge1") == applied("edge1")
    assert await store.state("nobody") is None
    await store.forget(["edge1"])
    assert await store.state("edge1") is None


async def test_the_inventory_changes_what_is_wanted_and_nothing_that_was_seen(
    store: Store,
) -> None:
    await declare(store, applied("edge1"))
    moved = device("edge1", host="192.0.2.99")
    await declare(store, DeviceState(device=moved, desired="sha256:2"))
    expected = replace(applied("edge1"), device=moved, desired="sha256:2", sync=Sync.UNKNOWN)
    assert await store.states() == {"edge1": expected}


async def test_what_is_still_wanted_stays_in_sync(store: Store) -> None:
    await declare(store, applied("edge1"))
    await declare(store, replace(applied("edge1"), sync=Sync.UNKNOWN, digest=None))
    assert await store.states() == {"edge1": applied("edge1")}


async def test_a_job_that_read_an_older_inventory_does_not_undo_the_newer(store: Store) -> None:
    await declare(store, seen("edge1", desired="sha256:1"))
    await push(store, "edge1")
    (claim,) = await store.claim(1)
    moved = device("edge1", host="192.0.2.99")
    await declare(store, DeviceState(device=moved, desired="sha256:2"))
    await store.finish(claim, done(), applied("edge1"), conclude)
    state = (await store.states())["edge1"]
    assert (state.device, state.desired) == (moved, "sha256:2")
    assert (state.applied, state.digest) == ("sha256:1", "sha256:run")
    assert state.sync is Sync.UNKNOWN, "in sync with what was wanted before says nothing now"


async def test_recording_follows_the_same_rule(store: Store) -> None:
    await declare(store, seen("edge1", desired="sha256:1"))
    await store.record(applied("edge1"))
    assert await store.states() == {"edge1": applied("edge1")}
    other = replace(applied("edge1"), desired="sha256:0", health=Health.UNREACHABLE)
    await store.record(other)
    state = (await store.states())["edge1"]
    assert (state.desired, state.sync, state.health) == (
        "sha256:1",
        Sync.UNKNOWN,
        Health.UNREACHABLE,
    )


async def test_who_only_looked_says_nothing_about_what_is_applied(store: Store) -> None:
    """A check that began before a quarantine was lifted must not bring it back."""
    quarantined = replace(applied("edge1"), quarantined="b" * 40)
    await declare(store, quarantined)
    await start(store, Mode.CHECK, "edge1", ref="recorded")
    (claim,) = await store.claim(1)
    await declare(store, applied("edge1"), mode=Mode.CHECK)
    late = replace(quarantined, sync=Sync.OUT_OF_SYNC, applied="sha256:old")
    await store.finish(claim, done(), late, conclude)
    state = (await store.states())["edge1"]
    assert (state.quarantined, state.applied) == (None, "sha256:1")
    assert state.sync is Sync.OUT_OF_SYNC


async def test_the_inventory_does_not_lift_a_quarantine_by_itself(store: Store) -> None:
    await declare(store, replace(applied("edge1"), quarantined="b" * 40))
    await declare(store, replace(applied("edge1"), quarantined="a" * 40))
    assert (await store.states())["edge1"].quarantined == "b" * 40


async def test_a_device_that_left_is_gone_and_its_waiting_jobs_are_cancelled(
    store: Store,
) -> None:
    await declare(store, seen("edge1"), seen("core1"))
    opened = await start(store, Mode.CHECK, "edge1", ref="recorded")
    await store.forget(["edge1", "never-heard-of"])
    assert list(await store.states()) == ["core1"]
    assert await store.claim(5) == []
    read = await store.deployment(opened.id)
    assert read is not None
    assert read.state is State.CANCELLED


async def test_a_job_that_still_runs_does_not_bring_it_back(store: Store) -> None:
    await declare(store, seen("edge1"))
    await push(store, "edge1")
    (claim,) = await store.claim(1)
    await store.forget(["edge1"])
    await store.finish(claim, done(), applied("edge1"), conclude)
    await store.record(applied("edge1"))
    assert await store.states() == {}
    await declare(store, seen("edge1"))
    assert await store.states() == {"edge1": seen("edge1")}


async def test_a_plan_for_a_device_of_the_future_does_not_declare_it(store: Store) -> None:
    """A pull request adds a device; until it is merged the inventory does not have it."""
    await start(store, Mode.DRY_RUN, "edge9", ref="pull/9")
    (claim,) = await store.claim(1)
    await store.finish(claim, done(State.FAILED), applied("edge9"), conclude)
    await store.record(applied("edge9"))
    assert await store.states() == {}


async def test_a_text_takes_the_newest_places_it_came_from(store: Store) -> None:
    first = plan("edge1")
    await declare(store, jobs=(first,))
    moved = replace(first.desired, origins=("configs/common/base.cfg:7",))
    await declare(store, jobs=(JobPlan(device=first.device, desired=moved),))
    assert await store.desired(first.desired.digest) == moved
