"""Random lives of the queue: whatever happens, one job a device, and every deployment ends."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from catnet_controller.errors import LeaseLost
from catnet_controller.models import (
    Claim,
    Mode,
    Problem,
    State,
    StatusMessage,
    StatusState,
    Step,
)
from catnet_controller.store.store import Store
from tests.helpers_store import (
    LEASE,
    ManualClock,
    conclude,
    done,
    intent,
    opened,
    plan,
    revision,
    seen,
    trigger,
)

T = TypeVar("T")

NAMES = ("edge1", "edge2", "core1")
REFS = ("branch/main", "pull/1", "pull/2")
SHAS = "abcd"
MODES = st.sampled_from([Mode.PUSH, Mode.PUSH, Mode.DRY_RUN, Mode.CHECK, Mode.ROLLBACK])


class Life(RuleBasedStateMachine):
    """Opens, claims, works, fails, freezes, restarts; ``fences`` are the highest seen so far."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.home = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.fences: Counter[str] = Counter()
        self.start()

    def start(self) -> None:
        self.context = opened(self.home, self.clock)
        self.store: Store = self.run(self.context.__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.finish_everything()
        finally:
            self.run(self.context.__aexit__(None, None, None))
            self.loop.close()
            shutil.rmtree(self.home)

    # --- what happens --------------------------------------------------------------------------

    @rule(
        mode=MODES,
        names=st.sets(st.sampled_from(NAMES)),
        ref=st.sampled_from(REFS),
        sha=st.sampled_from(SHAS),
        whole=st.booleans(),
        broken=st.sampled_from([False, False, False, True]),
    )
    def open(
        self, *, mode: Mode, names: set[str], ref: str, sha: str, whole: bool, broken: bool
    ) -> None:
        self.run(
            self.store.open(
                revision(sha, ref),
                mode,
                cause="test",
                jobs=[] if broken else [plan(name) for name in sorted(names)],
                problems=[Problem(file="inventory.yaml", line=1, message="?")] if broken else (),
                states=[seen(name) for name in NAMES],
                trigger=trigger(ref) if whole else None,
                conclude=conclude,
            )
        )

    @rule(target=claims, limit=st.integers(1, 3))
    def claim(self, limit: int) -> Any:
        taken = self.run(self.store.claim(limit))
        for claim in taken:
            name = claim.job.device.name
            assert claim.fence > self.fences[name]
            self.fences[name] = claim.fence
        return multiple(*taken)

    def ours(self, claim: Claim) -> bool:
        deployment = self.run(self.store.deployment(claim.job.deployment))
        assert deployment is not None
        (job,) = [each for each in deployment.jobs if each.id == claim.job.id]
        return (
            job.state is State.RUNNING
            and self.fences[claim.job.device.name] == claim.fence
            and bool(self.run(self.store.renew([claim])))
        )

    def attempt(self, work: Coroutine[Any, Any, object], *, ours: bool) -> None:
        if ours:
            self.run(work)
        else:
            with pytest.raises(LeaseLost):
                self.run(work)

    @rule(claim=claims, armed=st.booleans())
    def checkpoint(self, *, claim: Claim, armed: bool) -> None:
        ours = self.ours(claim)
        mark = intent() if armed else None
        self.attempt(self.store.checkpoint(claim, Step.ARM, mark), ours=ours)

    @rule(claim=claims, state=st.sampled_from([State.COMPLETE, State.FAILED]))
    def finish(self, claim: Claim, state: State) -> None:
        ours = self.ours(claim)
        work = self.store.finish(claim, done(state), seen(claim.job.device.name), conclude)
        self.attempt(work, ours=ours)

    @rule(claim=claims, delay=st.sampled_from([0.0, 5.0, 500.0]))
    def retry(self, claim: Claim, delay: float) -> None:
        ours = self.ours(claim)
        work = self.store.retry(claim, done(State.FAILED), self.clock.now() + delay)
        self.attempt(work, ours=ours)

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        ours = self.ours(claim)
        self.attempt(self.store.release(claim), ours=ours)

    @rule(seconds=st.sampled_from([1.0, LEASE / 2, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(kill=st.booleans())
    def restart(self, *, kill: bool) -> None:
        self.run(self.context.__aexit__(None, None, None))
        self.start()
        if kill:
            self.run(self.store.free_leases())

    @rule(name=st.sampled_from(NAMES))
    def leave(self, name: str) -> None:
        self.run(self.store.forget([name]))

    # --- what always holds ---------------------------------------------------------------------

    @invariant()
    def one_running_job_a_device(self) -> None:
        history = self.run(self.store.history(1000))
        jobs = [job for deployment in history for job in deployment.jobs]
        running = Counter(job.device.name for job in jobs if job.state is State.RUNNING)
        assert all(count == 1 for count in running.values())
        for deployment in history:
            live = any(not job.state.final for job in deployment.jobs)
            assert deployment.state.final is not live, "it ends exactly with its last job"
            assert (deployment.ended_at is None) is live
        for job in jobs:
            assert job.state.final == (job.ended_at is not None)
            assert not job.state.final or job.outcome is not None
            if job.intent is not None:
                assert job.state not in (State.SUPERSEDED, State.CANCELLED)

    def finish_everything(self) -> None:
        """Whatever state it was left in, the queue can be worked off, and everyone is told."""
        for _ in range(200):
            self.clock.advance(600)
            for claim in self.run(self.store.claim(10)):
                self.run(self.store.finish(claim, done(), seen(claim.job.device.name), conclude))
            if not self.run(self.store.depth()).pending + self.run(self.store.depth()).running:
                break
        history = self.run(self.store.history(1000))
        assert all(deployment.state.final for deployment in history)
        newest = {each.revision.sha: each for each in reversed(history)}
        told = {
            row.message.sha: row.message
            for row in self.run(self.store.due(1000))
            if isinstance(row.message, StatusMessage)
        }
        assert told.keys() == newest.keys()
        for sha, message in told.items():
            assert message.state is not StatusState.PENDING
            assert message.description.startswith(f"{newest[sha].id}: ")


Life.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLife = Life.TestCase
