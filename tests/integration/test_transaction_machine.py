"""Any changes, faults, kills and edits by hand: all or nothing, and what is said is so.

CATNET_EXAMPLES asks for more examples than CI has time for.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from catnet_controller.ios.normal import digest
from catnet_controller.models import Claim, Intent, Outcome, Restored, State, Step, Sync
from catnet_controller.simulator.faults import AFTER, Fault, What, When
from tests.helpers_flow import Flow, config, flow
from tests.helpers_ios import mutate
from tests.integration.fault_matrix import LINE, NAME, READ, ROWS

EXAMPLES = int(os.environ.get("CATNET_EXAMPLES") or 6)
CHANGES = (
    "describe_interface",
    "undescribe_interface",
    "readdress_interface",
    "add_route",
    "drop_route",
    "add_ntp",
    "drop_ntp",
    "add_logging",
    "set_location",
    "set_domain",
)
LINES = ("^ip route", "description", "^interface", "^end", "^configure confirm", "^write", READ)
AT_A_LINE = (
    What.RESET,
    What.CLOSE,
    What.SILENCE,
    What.HANG,
    What.REJECT,
    What.FORGET,
    What.REBOOT,
    What.LOST_MANAGEMENT,
    What.DENIED,
    What.GARBLE,
    What.REPEAT,
    What.MIMIC,
)


def _faults(kinds: Sequence[What], *, after: bool) -> st.SearchStrategy[Fault]:
    return st.builds(
        Fault,
        what=st.sampled_from(kinds),
        when=st.builds(When, match=st.sampled_from(LINES), after=st.just(after)),
        times=st.integers(1, 2),
    )


FAULTS = st.one_of(
    # A line of the matrix's own commit stands here for any line of a change.
    st.sampled_from(
        [
            tuple(
                replace(one, when=replace(one.when, match="^ip route|description"))
                if one.when.match == LINE
                else one
                for one in row.faults
            )
            for row in ROWS
        ]
    ),
    st.tuples(_faults(AT_A_LINE, after=False)),
    st.tuples(_faults([each for each in AT_A_LINE if each in AFTER], after=True)),
)
LEASE_AND_RETRIES = 7200.0
"""Seconds after which whatever was put off is due."""


class Transaction(RuleBasedStateMachine):
    """One device in a real flow. ``before`` and ``wanted`` are digests of configurations."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self._over = asyncio.Event()
        self._text = config(NAME)
        self._kill: Step | None = None
        self._patch = pytest.MonkeyPatch()

    @initialize(kind=st.sampled_from(CHANGES), seed=st.integers(0, 99), faults=FAULTS)
    def power_on(self, kind: str, seed: int, faults: tuple[Fault, ...]) -> None:
        self._runner.run(self._power_on())
        self._before = digest(self._device.running())
        self._change(kind, seed, faults)

    async def _power_on(self) -> None:
        ready: asyncio.Future[Flow] = asyncio.get_running_loop().create_future()
        self._host = asyncio.get_running_loop().create_task(self._live(ready))
        self.it = await ready
        record = self.it.store.checkpoint

        async def dying(claim: Claim, step: Step, intent: Intent | None = None) -> None:
            await record(claim, step, intent)
            if step is self._kill:
                self._kill = None
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0)

        self._patch.setattr(self.it.store, "checkpoint", dying)
        await self.it.trigger()
        self._device = self.it.device(NAME)

    async def _live(self, ready: asyncio.Future[Flow]) -> None:
        home = Path(self._folder.name)
        async with flow(home, names=(NAME,), retries=3, scale=240.0, patience=0.8) as it:
            ready.set_result(it)
            await self._over.wait()

    def teardown(self) -> None:
        async def off() -> None:
            self._over.set()
            await self._host

        try:
            if hasattr(self, "_host"):
                self._runner.run(off())
        finally:
            self._patch.undo()
            self._runner.close()
            self._folder.cleanup()

    # --- what happens ----------------------------------------------------------------------------

    @rule(faults=FAULTS)
    def something_breaks(self, faults: tuple[Fault, ...]) -> None:
        self._inject(faults)

    def _inject(self, faults: tuple[Fault, ...]) -> None:
        for fault in faults:
            self._device.inject(fault)

    @rule()
    def it_is_repaired(self) -> None:
        self._runner.run(self._repaired())

    async def _repaired(self) -> None:
        self._device.clear()

    @precondition(lambda self: self._kill is None)
    @rule(step=st.sampled_from(Step))
    def the_daemon_will_die(self, step: Step) -> None:
        self._kill = step

    @rule(number=st.integers(0, 9))
    def somebody_types_and_saves(self, number: int) -> None:
        async def type_and_save() -> None:
            device = self._device
            faults, device._faults._armed = device._faults._armed, []
            device.type(["interface GigabitEthernet0/1", f"description by hand {number}"])
            device.save()
            device._faults._armed = faults

        self._runner.run(type_and_save())
        self._before = digest(self._device.running())

    @rule(
        kind=st.sampled_from(CHANGES),
        seed=st.integers(0, 99),
        faults=st.just(()) | FAULTS,
        kill=st.none() | st.sampled_from(Step),
    )
    def a_commit_comes(
        self, kind: str, seed: int, faults: tuple[Fault, ...], kill: Step | None
    ) -> None:
        self._kill = kill or self._kill
        self._change(kind, seed, faults)

    def _change(self, kind: str, seed: int, faults: tuple[Fault, ...]) -> None:
        text = mutate(self._text, kind, seed) or mutate(self._text, "add_route", seed)
        if text is None or text == self._text:
            return
        self._text = text
        self._inject(faults)
        self._runner.run(self._commit(digest(text)))

    async def _commit(self, wanted: str) -> None:
        it = self.it
        await it.push({f"configs/{NAME}.cfg": self._text})
        await self._is_true(wanted)
        # The dust settles: nothing breaks any more, and whatever was put off is done.
        self._kill = None
        self._device.clear()
        await self._put_off()
        assert (await it.last()).state.final
        await self._is_true(wanted)
        await it.trigger(force=True)
        if not (await it.last()).state.final:
            # A minute of the device is a quarter of a second: on a busy machine its timer fires.
            await self._put_off()
        last = await it.last()
        assert last.state is State.COMPLETE, (last.summary, [job.outcome for job in last.jobs])
        device = self._device
        assert digest(device.running()) == digest(device.startup()) == wanted
        assert not device.pending_revert
        assert (await it.state(NAME)).sync is Sync.IN_SYNC
        self._before = wanted

    async def _put_off(self) -> None:
        """What was put off until later is done."""
        it = self.it
        for _ in range(6):
            it.clock.ahead += LEASE_AND_RETRIES
            it.store.work.wake()
            await self._awake()
            await it.settle()
            if (await it.last()).state.final:
                break

    async def _awake(self) -> None:
        async with asyncio.timeout(10):
            while not self._device.reachable:  # noqa: ASYNC110 - a device tells nobody
                await asyncio.sleep(0.01)

    async def _is_true(self, wanted: str) -> None:
        """Whether the device has what the job and the recorded state say."""
        (job,) = (await self.it.last()).jobs
        if not job.state.final:
            return
        assert job.outcome is not None
        said: Outcome = job.outcome
        event(f"{job.state} {said.error_code} {said.restored}, attempt {job.attempt}")
        device, before = self._device, self._before
        runs, saved = digest(device.running()), digest(device.startup())
        state = await self.it.state(NAME)
        if job.state is State.COMPLETE:
            assert runs == saved == wanted
            assert state.sync is Sync.IN_SYNC
        elif said.error_code == "save-failed":
            # What is saved was not read back: the reply may have been lost after the deed.
            assert saved in (before, wanted)
            if said.restored is Restored.UNKNOWN:
                # Nor what runs: a device that restarted runs what is saved.
                assert runs in (wanted, saved)
                assert state.sync is Sync.UNKNOWN
            else:
                assert runs == wanted
        elif said.restored in (Restored.RESTORED, Restored.NOT_NEEDED):
            assert saved == before
            assert runs == before or said.error_code in ("device-busy", "incomplete-read")
            assert state.sync is not Sync.IN_SYNC or before == wanted
        else:
            assert saved == before
            assert state.sync is Sync.UNKNOWN


TestTransaction = Transaction.TestCase
TestTransaction.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=8,
    deadline=None,
    derandomize="CATNET_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
