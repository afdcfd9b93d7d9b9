"""What the tests of the store share: a clock that stands still, short builders, a verdict."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from catnet_controller.models import (
    CommentMessage,
    Conclusion,
    Deployment,
    Desired,
    Device,
    DeviceState,
    Intent,
    JobPlan,
    Message,
    Mode,
    Outcome,
    Revision,
    State,
    StatusMessage,
    StatusState,
    Step,
    Trigger,
)
from catnet_controller.store.store import Store

START = 1_800_000_000.0
LEASE = 60.0
MAIN = "branch/main"


class ManualClock:
    """Time passes only when a test says so; ``jump`` is somebody setting the machine's clock."""

    def __init__(self) -> None:
        self._now = START
        self._monotonic = 1000.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        self._now += seconds


@asynccontextmanager
async def opened(path: Path, clock: ManualClock, *, worker: str = "one") -> AsyncIterator[Store]:
    store = await Store.at(path, clock=clock, worker=worker, lease=LEASE, conclude=conclude)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_on(url: str, clock: ManualClock, *, worker: str = "one") -> AsyncIterator[Store]:
    """On PostgreSQL, where the server's clock gives way to the one of the test."""
    offset = clock.now() - clock.monotonic()
    store = await Store.on(
        url,
        clock=clock,
        worker=worker,
        lease=LEASE,
        conclude=conclude,
        instant=lambda _: offset + clock.monotonic(),
        patience=0.0,
    )
    try:
        yield store
    finally:
        await store.close()


def conclude(deployment: Deployment) -> Conclusion:
    """A verdict in short: pending while a job lives, then the worst that happened."""
    states = [job.state for job in deployment.jobs]
    state = State.COMPLETE
    if deployment.problems or State.FAILED in states:
        state = State.FAILED
    elif any(not each.final for each in states):
        state = State.RUNNING
    elif State.SUPERSEDED in states:
        state = State.SUPERSEDED
    elif State.CANCELLED in states:
        state = State.CANCELLED
    assert all(job.outcome is not None for job in deployment.jobs if job.state.final)
    done = sum(each.final for each in states)
    line = f"{deployment.id}: {state.value} {done}/{len(states)}"
    return Conclusion(state=state, summary=line, messages=messages(deployment, state, line))


def messages(deployment: Deployment, state: State, line: str) -> tuple[Message, ...]:
    said = StatusState.SUCCESS if state is State.COMPLETE else StatusState.FAILURE
    if not state.final:
        said, line = StatusState.PENDING, f"{deployment.id}: under way"
    status = StatusMessage(
        sha=deployment.revision.sha, context="catnet/deploy", state=said, description=line
    )
    pull = deployment.revision.pull
    if pull is None:
        return (status,)
    return (status, CommentMessage(pull=pull, body=line))


def device(name: str, **kwargs: str) -> Device:
    return Device(name=name, host=kwargs.get("host", "192.0.2.1"), site=kwargs.get("site", ""))


def plan(name: str, text: str = "", *, wave: int = 0) -> JobPlan:
    text = text or f"hostname {name}\n"
    target = replace(device(name), wave=wave)
    wanted = Desired(
        device=target,
        text=text,
        digest=f"sha256:{name}:{text}",
        origins=(f"configs/{name}.cfg:1",),
    )
    return JobPlan(device=target, desired=wanted)


def revision(sha: str = "a", ref: str = MAIN) -> Revision:
    return Revision(sha=sha * 40, ref=ref, title=f"Change {sha}", author="ada")


def trigger(ref: str = MAIN, *, seq: int = 0, force: bool = False) -> Trigger:
    return Trigger(ref=ref, reason="push", seq=seq, force=force)


async def push(
    store: Store, *names: str, sha: str = "a", ref: str = MAIN, whole: bool = False
) -> Deployment:
    """Open a push to these devices; ``whole``: as the reconciler does, with a trigger."""
    return await start(store, Mode.PUSH, *names, sha=sha, ref=ref, whole=whole)


async def start(
    store: Store, mode: Mode, *names: str, sha: str = "a", ref: str = MAIN, whole: bool = False
) -> Deployment:
    return await store.open(
        revision(sha, ref),
        mode,
        cause="test",
        jobs=[plan(name) for name in names],
        trigger=trigger(ref) if whole else None,
        conclude=conclude,
    )


def done(state: State = State.COMPLETE) -> Outcome:
    return Outcome(state=state)


def seen(name: str, *, desired: str | None = None) -> DeviceState:
    return DeviceState(device=device(name), desired=desired)


def intent(step: Step = Step.ARM) -> Intent:
    return Intent(backup="edge1/1", baseline="sha256:b", armed=True, step=step)


def statuses(sent: Sequence[Message]) -> dict[str, StatusState]:
    """The state by the first letter of the sha."""
    return {each.sha[0]: each.state for each in sent if isinstance(each, StatusMessage)}


async def waiting(store: Store) -> list[Message]:
    return [row.message for row in await store.due(1000)]
