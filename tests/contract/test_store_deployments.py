"""Deployments: opened in one transaction, replaced by newer ones, always ended with a word."""

from typing import Any

import pytest

from catnet_controller.errors import CancelRefused, InternalFault, LeaseLost
from catnet_controller.models import (
    Conclusion,
    Deployment,
    Mode,
    Outcome,
    Problem,
    State,
    StatusState,
    Step,
    Which,
)
from catnet_controller.store.deployments import MANY
from catnet_controller.store.store import Store
from tests.helpers_store import (
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
    statuses,
    trigger,
    waiting,
)


async def states_of(store: Store, number: int) -> list[State]:
    deployment = await store.deployment(number)
    assert deployment is not None
    return [job.state for job in deployment.jobs]


async def test_what_was_opened_is_read_back_whole(store: Store) -> None:
    opened = await push(store, "edge1", "core1")
    read = await store.deployment(opened.id)
    assert read == opened
    assert read.state is State.PENDING
    assert read.created_at == START
    assert [job.device.name for job in read.jobs] == ["edge1", "core1"]
    assert await store.desired(read.jobs[0].desired) == plan("edge1").desired
    assert await store.desired("sha256:unknown") is None
    assert statuses(await waiting(store)) == {"a": StatusState.PENDING}


async def test_no_such_deployment(store: Store) -> None:
    assert await store.deployment(1) is None
    assert await store.deployment(0) is None
    assert await store.deployment(10**30) is None


async def test_without_jobs_it_is_final_at_once(store: Store) -> None:
    opened = await push(store)
    assert opened.state is State.COMPLETE
    assert opened.ended_at == START
    assert statuses(await waiting(store)) == {"a": StatusState.SUCCESS}


async def test_with_problems_it_is_final_at_once_and_says_them(store: Store) -> None:
    problem = Problem(file="inventory.yaml", line=3, message="unknown key `hots`")
    opened = await store.open(
        revision(), Mode.PUSH, cause="push", jobs=(), problems=[problem], conclude=conclude
    )
    assert opened.state is State.FAILED
    assert opened.problems == (problem,)
    assert statuses(await waiting(store)) == {"a": StatusState.FAILURE}
    with pytest.raises(InternalFault):
        await store.open(
            revision(),
            Mode.PUSH,
            cause="push",
            jobs=[plan("edge1")],
            problems=[problem],
            conclude=conclude,
        )


async def test_it_runs_with_its_first_job_and_ends_with_its_last(
    store: Store, clock: ManualClock
) -> None:
    opened = await push(store, "edge1", "core1")
    one, two = await store.claim(5)
    running = await store.deployment(opened.id)
    assert running is not None
    assert running.state is State.RUNNING
    first = await store.finish(one, done(), seen("edge1"), conclude)
    assert first.state is State.RUNNING
    assert [job.state for job in first.jobs] == [State.COMPLETE, State.RUNNING]
    assert statuses(await waiting(store)) == {"a": StatusState.PENDING}
    clock.advance(9)
    last = await store.finish(two, done(State.FAILED), seen("core1"), conclude)
    assert last.state is State.FAILED
    assert last.ended_at == START + 9
    assert last == await store.deployment(opened.id)
    assert statuses(await waiting(store)) == {"a": StatusState.FAILURE}


async def test_a_fleet_is_told_at_the_start_and_at_the_end(store: Store) -> None:
    opened = await push(store, *(f"r{number}" for number in range(MANY + 1)))
    asked: list[Deployment] = []

    def listening(deployment: Deployment) -> Conclusion:
        asked.append(deployment)
        return conclude(deployment)

    claims = await store.claim(MANY + 1)
    results = [
        await store.finish(claim, done(), seen(claim.job.device.name), listening)
        for claim in claims
    ]
    assert {each.id for each in results} == {opened.id}
    assert [len(each.jobs) for each in asked] == [MANY + 1]
    assert results[-1].state is State.COMPLETE


async def test_all_of_it_or_nothing(store: Store) -> None:
    def failing(deployment: Deployment) -> Conclusion:
        raise ValueError("no words for this")

    before = await push(store, "edge1")
    with pytest.raises(ValueError, match="no words"):
        await store.open(
            revision("b"),
            Mode.PUSH,
            cause="push",
            jobs=[plan("edge1"), plan("core1")],
            trigger=trigger(),
            states=[seen("edge1")],
            conclude=failing,
        )
    assert [each.id for each in await store.history()] == [before.id]
    assert await states_of(store, before.id) == [State.PENDING]
    assert await store.states() == {}
    (claim,) = await store.claim(5)
    with pytest.raises(ValueError, match="no words"):
        await store.finish(claim, done(), seen("edge1"), failing)
    await store.finish(claim, done(), seen("edge1"), conclude)


async def test_a_verdict_that_waits_for_nothing_is_a_failure(store: Store) -> None:
    def waits(deployment: Deployment) -> Conclusion:
        return Conclusion(state=State.RUNNING, summary="?")

    opened = await store.open(revision(), Mode.PUSH, cause="x", jobs=(), conclude=waits)
    assert opened.state is State.FAILED


async def test_the_same_device_twice_is_refused_by_nobody_but_runs_one_by_one(
    store: Store,
) -> None:
    await push(store, "edge1", "edge1")
    (first,) = await store.claim(5)
    assert await store.claim(5) == []
    await store.finish(first, done(), seen("edge1"), conclude)
    (second,) = await store.claim(5)
    assert second.fence > first.fence


# --- replaced by newer ones --------------------------------------------------------------------


async def test_a_newer_revision_of_the_ref_replaces_every_pending_job(store: Store) -> None:
    old = await push(store, "edge1", "core1", sha="a", whole=True)
    new = await push(store, "edge1", sha="b", whole=True)
    assert await states_of(store, old.id) == [State.SUPERSEDED, State.SUPERSEDED]
    assert await states_of(store, new.id) == [State.PENDING]
    read = await store.deployment(old.id)
    assert read is not None
    assert read.state is State.SUPERSEDED
    outcome = read.jobs[0].outcome
    assert outcome is not None
    assert outcome.state is State.SUPERSEDED
    assert outcome.warnings == (f"superseded by deployment {new.id}",)
    assert statuses(await waiting(store)) == {"a": StatusState.FAILURE, "b": StatusState.PENDING}


async def test_nothing_to_do_replaces_as_well(store: Store) -> None:
    """`git revert` before the push began: the old commit must not reach the device."""
    old = await push(store, "edge1", sha="a", whole=True)
    await push(store, sha="b", whole=True)
    assert await states_of(store, old.id) == [State.SUPERSEDED]
    assert await store.claim(5) == []


async def test_a_revision_with_problems_leaves_the_last_good_one_in_force(store: Store) -> None:
    old = await push(store, "edge1", sha="a", whole=True)
    problem = Problem(file="inventory.yaml", line=1, message="?")
    await store.open(
        revision("b"),
        Mode.PUSH,
        cause="push",
        jobs=(),
        problems=[problem],
        trigger=trigger(),
        conclude=conclude,
    )
    assert await states_of(store, old.id) == [State.PENDING]


async def test_a_pull_request_with_problems_stops_its_older_plan(store: Store) -> None:
    old = await start(store, Mode.DRY_RUN, "edge1", sha="a", ref="pull/1", whole=True)
    problem = Problem(file="inventory.yaml", line=1, message="?")
    await store.open(
        revision("b", "pull/1"),
        Mode.DRY_RUN,
        cause="pull-request",
        jobs=(),
        problems=[problem],
        trigger=trigger("pull/1"),
        conclude=conclude,
    )
    assert await states_of(store, old.id) == [State.SUPERSEDED]


@pytest.mark.parametrize(
    ("older", "newer", "same_ref", "replaced"),
    [
        (Mode.PUSH, Mode.PUSH, True, True),
        (Mode.PUSH, Mode.PUSH, False, True),
        (Mode.CHECK, Mode.PUSH, False, True),
        (Mode.CHECK, Mode.CHECK, True, True),
        (Mode.CHECK, Mode.CHECK, False, False),
        (Mode.DRY_RUN, Mode.PUSH, False, False),
        (Mode.DRY_RUN, Mode.DRY_RUN, False, False),
        (Mode.PUSH, Mode.CHECK, True, False),
        (Mode.PUSH, Mode.DRY_RUN, True, False),
        (Mode.PUSH, Mode.BACKUP, True, False),
        (Mode.ROLLBACK, Mode.PUSH, True, False),
    ],
)
async def test_what_replaces_what_on_a_device(
    store: Store, *, older: Mode, newer: Mode, same_ref: bool, replaced: bool
) -> None:
    old = await start(store, older, "edge1", "core1", ref="branch/main")
    await start(store, newer, "edge1", ref="branch/main" if same_ref else "branch/other")
    first = State.SUPERSEDED if replaced else State.PENDING
    assert await states_of(store, old.id) == [first, State.PENDING]


async def test_what_has_armed_its_device_is_not_replaced(store: Store) -> None:
    old = await push(store, "edge1", "core1", sha="a", whole=True)
    one, other = await store.claim(5)
    await store.checkpoint(one, Step.ARM, intent())
    await store.retry(one, done(State.FAILED), START + 50)
    await store.checkpoint(other, Step.ARM, intent())
    await push(store, "edge1", "core1", sha="b", whole=True)
    assert await states_of(store, old.id) == [State.PENDING, State.RUNNING]
    await store.checkpoint(other, Step.PUSH)


async def test_what_runs_and_has_not_armed_its_device_is_replaced(store: Store) -> None:
    old = await push(store, "edge1", sha="a", whole=True)
    (claim,) = await store.claim(5)
    await store.checkpoint(claim, Step.GUARD)
    new = await push(store, "edge1", sha="b", whole=True)
    assert await states_of(store, old.id) == [State.SUPERSEDED]
    read = await store.deployment(old.id)
    assert read is not None
    assert read.state is State.SUPERSEDED
    assert statuses(await waiting(store))["a"] is StatusState.FAILURE
    with pytest.raises(LeaseLost):
        await store.checkpoint(claim, Step.ARM, intent())
    (claim,) = await store.claim(5)
    assert claim.job.deployment == new.id


async def test_what_runs_of_the_same_revision_goes_on(store: Store) -> None:
    """Asked for again, or looked at again: it is about what is wanted."""
    old = await push(store, "edge1", sha="a", whole=True)
    (claim,) = await store.claim(5)
    await push(store, "edge1", sha="a", whole=True)
    assert await states_of(store, old.id) == [State.RUNNING]
    await store.checkpoint(claim, Step.ARM, intent())


async def test_what_is_retried_into_a_newer_deployment_is_superseded(store: Store) -> None:
    """Back in the queue it would push an old revision over a new one."""
    old = await push(store, "edge1", sha="a")
    (claim,) = await store.claim(5)
    await push(store, "edge1", sha="b")
    failed = Outcome(state=State.FAILED, error="no answer", error_code="device-timeout")
    await store.retry(claim, failed, START + 5)
    read = await store.deployment(old.id)
    assert read is not None
    assert read.state is State.SUPERSEDED, "and the deployment has its word at once"
    outcome = read.jobs[0].outcome
    assert outcome is not None
    assert (outcome.state, outcome.error) == (State.SUPERSEDED, "no answer")
    assert statuses(await waiting(store))["a"] is StatusState.FAILURE


async def test_a_retry_is_superseded_by_a_newer_look_that_leaves_the_device_alone(
    store: Store,
) -> None:
    old = await push(store, "edge1", "core1", sha="a", whole=True)
    claims = await store.claim(5)
    await push(store, "core1", sha="a", whole=True)
    for claim in claims:
        await store.release(claim)
    assert await states_of(store, old.id) == [State.SUPERSEDED, State.SUPERSEDED]


async def test_a_lost_worker_s_job_is_superseded_too(store: Store, clock: ManualClock) -> None:
    old = await push(store, "edge1", sha="a")
    await store.claim(5)
    new = await push(store, "edge1", sha="b")
    clock.advance(61)
    (claim,) = await store.claim(5)
    assert claim.job.deployment == new.id
    read = await store.deployment(old.id)
    assert read is not None
    assert read.state is State.SUPERSEDED


async def test_an_interrupted_push_goes_before_the_newer_one(store: Store) -> None:
    old = await push(store, "edge1", sha="a")
    (claim,) = await store.claim(5)
    await store.checkpoint(claim, Step.ARM, intent())
    new = await push(store, "edge1", sha="b")
    await store.release(claim)
    (first,) = await store.claim(5)
    assert first.job.deployment == old.id
    assert first.job.intent == intent()
    await store.finish(first, done(), seen("edge1"), conclude)
    (second,) = await store.claim(5)
    assert second.job.deployment == new.id


# --- history -----------------------------------------------------------------------------------


async def test_history_is_newest_first_with_short_outcomes(store: Store) -> None:
    for sha in "abc":
        await push(store, sha=sha)
    last = await push(store, "edge1", sha="d")
    (claim,) = await store.claim(1)
    outcome = Outcome(
        state=State.COMPLETE,
        changed=True,
        added=2,
        diff="+ntp server 192.0.2.9\n",
        commands=("ntp server 192.0.2.9",),
        transcript="edge1(config)#\udcff\0",
        steps={"connect": 0.25},
        warnings=("slow",),
    )
    await store.finish(claim, outcome, seen("edge1"), conclude)
    history = await store.history(3)
    assert [each.revision.sha[0] for each in history] == ["d", "c", "b"]
    brief = history[0].jobs[0].outcome
    assert brief is not None
    assert (brief.added, brief.steps, brief.warnings) == (2, {"connect": 0.25}, ("slow",))
    assert (brief.diff, brief.commands, brief.transcript) == ("", (), "")
    full = await store.deployment(last.id)
    assert full is not None
    assert full.jobs[0].outcome == outcome, "whatever bytes the device sent"


async def test_a_thousand_devices_open_at_once(store: Store) -> None:
    names = [f"r{number}" for number in range(1000)]
    old = await push(store, *names, sha="a", whole=True)
    new = await push(store, *names, sha="b", whole=True)
    assert set(await states_of(store, old.id)) == {State.SUPERSEDED}
    assert len(await store.claim(1000)) == 1000
    assert (await store.depth()).running == 1000
    assert new.id > old.id


async def test_each_deployment_that_ends_is_told_once_however_it_ended(store: Store) -> None:
    told: list[tuple[int, State]] = []
    store.on_ended(lambda it: told.append((it.id, it.state)))
    first = await push(store, "edge1")
    second = await push(store, "edge1")
    assert told == [(first.id, State.SUPERSEDED)]
    await store.cancel(second.id, "enough", conclude)
    third = await push(store, "core1")
    [claim] = await store.claim(1)
    await store.finish(claim, done(), seen("core1"), conclude)
    ended = [(second.id, State.CANCELLED), (third.id, State.COMPLETE)]
    assert told[1:] == ended
    with pytest.raises(CancelRefused):
        await store.cancel(third.id, "again", conclude)
    assert told[1:] == ended


async def test_some_of_the_history(store: Store) -> None:
    one, other = await push(store, "edge1"), await push(store, "core1")
    await store.cancel(one.id, "enough", conclude)

    async def found(**words: Any) -> list[int]:
        return [it.id for it in await store.history(10, Which(**words))]

    assert await found() == [other.id, one.id]
    assert await found(device="edge1") == [one.id]
    assert await found(state=State.CANCELLED) == [one.id]
    assert await found(before=other.id) == [one.id]
    assert await found(mode=Mode.PUSH, cause=one.cause, sha=one.revision.sha, device="core1") == [
        other.id
    ]
    assert await found(cause="user nobody") == []
