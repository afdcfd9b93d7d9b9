"""Pushes paused and resumed, deployments cancelled and asked for, over real parts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.errors import CancelRefused, Refused
from catnet_controller.models import (
    Claim,
    Deployment,
    Intent,
    Mode,
    Pause,
    State,
    Step,
    Sync,
)
from catnet_controller.pipeline.request import request
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_flow import Flow, config, flow, killed_at

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"
DEPLOY = "catnet/deploy"
FREEZE = "paused by ada: change freeze"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as made:
        await made.trigger()
        yield made


async def paused(it: Flow) -> None:
    await it.store.pause(Pause(by="ada", reason="change freeze", since=0.0), it.conclude)


async def ask(it: Flow, mode: Mode, *names: str) -> Deployment:
    await request(
        deployments=it.store,
        states=it.store,
        conclude=it.conclude,
        mode=mode,
        devices=names,
        cause="user ada",
        head=await it.github.head(),
    )
    await it.settle()
    return await it.last()


async def test_a_push_waits_until_resumed_and_says_why(it: Flow) -> None:
    await paused(it)
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert not it.touched()
    assert it.said(sha) == {DEPLOY: ("pending", FREEZE), f"{DEPLOY}/a": ("pending", FREEZE)}
    made = await ask(it, Mode.DRY_RUN, "a")
    assert made.state is State.COMPLETE
    assert made.jobs[0].outcome is not None
    assert ROUTE in made.jobs[0].outcome.diff
    assert not it.touched()
    await it.store.resume(it.conclude)
    await it.settle()
    assert ROUTE in it.device("a").startup()
    assert it.said(sha)[DEPLOY][0] == "success"


async def test_paused_after_it_was_killed_it_is_undone_and_not_begun_again(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = killed_at(it, Step.PUSH, monkeypatch)
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert killed.is_set()
    await paused(it)
    await it.store.free_leases()
    await it.settle()
    device = it.device("a")
    assert not device.pending_revert
    assert ROUTE not in device.running()
    assert it.said(sha)[DEPLOY][0] == "failure"
    assert FREEZE in it.said(sha)[f"{DEPLOY}/a"][1]
    assert (await it.state("a")).quarantined is None


async def test_cancelled_it_types_nothing_and_the_commit_hears_of_it(it: Flow) -> None:
    await paused(it)
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    made = await it.store.cancel((await it.last()).id, "cancelled by ada", it.conclude)
    assert made.state is State.CANCELLED
    await it.store.resume(it.conclude)
    await it.settle()
    assert not it.touched()
    assert it.said(sha) == {
        DEPLOY: ("error", "cancelled before it reached a"),
        f"{DEPLOY}/a": ("error", "cancelled by ada"),
    }
    with pytest.raises(CancelRefused):
        await it.store.cancel(made.id, "again", it.conclude)
    # The next commit that speaks of the device brings both.
    await it.push({"configs/a.cfg": config("a", ROUTE, "ip domain name example.net")})
    assert ROUTE in it.device("a").running()


async def test_cancelled_in_the_middle_of_reading_it_does_not_arm(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = it.store.checkpoint
    cancelled: list[Deployment] = []

    async def checkpoint(claim: Claim, now: Step, intent: Intent | None = None) -> None:
        if now is Step.ARM and not cancelled:
            number = claim.job.deployment
            cancelled.append(await it.store.cancel(number, "cancelled by ada", it.conclude))
        await record(claim, now, intent)

    monkeypatch.setattr(it.store, "checkpoint", checkpoint)
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert [made.state for made in cancelled] == [State.CANCELLED]
    assert not any("revert" in line for line in it.typed("a"))
    assert ROUTE not in it.device("a").running()


async def test_a_device_that_is_named_is_tried_again_and_its_commit_keeps_its_verdict(
    it: Flow,
) -> None:
    it.device("a").inject(Fault(what=What.REJECT, when=When(match="^ip route"), times=1))
    sha = await it.push({"configs/a.cfg": config("a", ROUTE), "configs/b.cfg": config("b", ROUTE)})
    said = it.said(sha)
    assert said[DEPLOY][0] == "failure"
    assert (await it.state("a")).quarantined == sha
    made = await ask(it, Mode.PUSH, "a")
    assert (made.state, made.cause) == (State.COMPLETE, "user ada")
    assert ROUTE in it.device("a").startup()
    state = await it.state("a")
    assert (state.sync, state.quarantined, state.revision) == (Sync.IN_SYNC, None, sha)
    assert it.said(sha) == said, "one device of a commit does not make the commit green"


async def test_a_push_to_nobody_is_refused(it: Flow) -> None:
    with pytest.raises(Refused, match="names its devices"):
        await ask(it, Mode.PUSH)
