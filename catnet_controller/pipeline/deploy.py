"""Stage: one job on its device, from claim to recorded outcome; the only place that touches one.

A push goes: `Deploy.work` → `ports.Devices.push` (the transaction in `devices/transaction.py`),
with `Compare.decide` as the judgement on what may be typed → outcome, recorded state and messages
in one transaction of the store.
"""

import random
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from catnet_controller.errors import (
    CatnetError,
    ConnectionLost,
    DeviceUnreachable,
    InternalFault,
    LeaseLost,
    PushPaused,
    Quarantined,
    Refused,
)
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.ios.normal import shown
from catnet_controller.models import (
    Claim,
    Device,
    DeviceState,
    Fallback,
    Health,
    Intent,
    Job,
    Mode,
    Outcome,
    Planned,
    Reading,
    Restored,
    State,
    Step,
    Sync,
)
from catnet_controller.pipeline.compare import Compare
from catnet_controller.pipeline.recall import Recall
from catnet_controller.policy import retry
from catnet_controller.ports import (
    Brake,
    Checkpoint,
    Clock,
    Conclude,
    Decide,
    Deployments,
    Devices,
    Jobs,
    Offload,
    Ours,
    Plans,
    PushResult,
    States,
    Telemetry,
)

log = structlog.get_logger(__name__)


_DEATHS = 5
"""How often a job may be found without an end, beyond its retries: it may be what kills daemons."""
_TOUCHING = frozenset(
    {Step.ARM, Step.PUSH, Step.PROVE, Step.CONFIRM, Step.SAVE, Step.RECORD, Step.REVERT}
)


@dataclass(slots=True)
class _Progress:
    """Where an attempt is: the step under way, and the seconds that the earlier ones took."""

    clock: Clock
    step: Step | None = None
    since: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    touched: bool = False
    """Whether the device may have been changed: true from arming on."""

    def enter(self, step: Step | None) -> None:
        self.touched = self.touched or step in _TOUCHING
        now = self.clock.monotonic()
        if self.step is not None:
            spent = self.seconds.get(self.step.value, 0.0) + now - self.since
            self.seconds[self.step.value] = round(spent, 3)
        self.step, self.since = step, now


class Deploy:
    """Works on one claim at a time per call; calls may run side by side.

    ``retries`` counts the attempts after the first that a transient error gets.
    ``allow_reverse`` is the operator's word that a device without a revert timer may be changed
    at all; the inventory alone cannot give it.
    """

    def __init__(
        self,
        *,
        jobs: Jobs,
        deployments: Deployments,
        plans: Plans,
        states: States,
        devices: Devices,
        telemetry: Telemetry,
        clock: Clock,
        conclude: Conclude,
        compare: Compare,
        retries: int,
        allow_reverse: bool,
        offload: Offload,
        brake: Brake,
    ) -> None:
        self._jobs = jobs
        self._deployments = deployments
        self._plans = plans
        self._states = states
        self._devices = devices
        self._telemetry = telemetry
        self._clock = clock
        self._conclude = conclude
        self._compare = compare
        self._retries = retries
        self._allow_reverse = allow_reverse
        self._offload = offload
        self._brake = brake
        self._recall = Recall()

    async def work(self, claim: Claim) -> None:
        """Run the job and record how it ended. Raises LeaseLost when it is no longer ours."""
        job = claim.job
        log.info("job started", mode=job.mode.value, attempt=job.attempt)
        progress = _Progress(self._clock)
        state = await self._states.state(job.device.name) or DeviceState(device=job.device)
        try:
            outcome, state, error = await self._act(claim, state, progress)
        except LeaseLost:
            raise
        except Exception as failure:  # noqa: BLE001 - one device must not end the daemon
            error = _ours(failure, progress.step)
            outcome = self._compare.failed(error)
            state = _unwell(state, error, outcome)
            if progress.touched or job.intent is not None:
                # The transaction did not get to say how the device is: never guess.
                outcome = replace(outcome, restored=Restored.UNKNOWN, next_step=_LOOK)
                state = replace(state, sync=Sync.UNKNOWN, health=Health.DEGRADED)
        progress.enter(None)
        outcome = replace(outcome, steps=progress.seconds)
        if error is not None and await self._tried_again(claim, error, outcome, state):
            return
        await self._jobs.finish(claim, outcome, state, self._conclude)
        self._telemetry.job_ended(job, outcome)
        await self._tell(state)
        log.info(
            "job ended",
            state=outcome.state.value,
            changed=outcome.changed,
            code=outcome.error_code,
            error=outcome.error,
            restored=outcome.restored.value,
        )

    async def _tried_again(
        self, claim: Claim, error: CatnetError, outcome: Outcome, state: DeviceState
    ) -> bool:
        """Put the job back when waiting can help.

        A device left unknown is tried again for whatever error: the job keeps its intent, so the
        next attempt begins by reading the device and finishing or undoing what was begun.
        """
        if outcome.restored is Restored.PARTLY:
            return False
        unknown = outcome.restored is Restored.UNKNOWN
        run_at = retry.again(
            ConnectionLost(error.message) if unknown else error,
            claim.job.attempt,
            limit=self._retries,
            now=self._clock.now(),
            jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        )
        if run_at is None:
            return False
        log.info("job tried again later", code=error.code, error=error.message, run_at=run_at)
        await self._jobs.retry(claim, outcome, run_at, state)
        await self._tell(state)
        return True

    async def _tell(self, state: DeviceState) -> None:
        """Not of a device that left meanwhile, or that only a pull request has."""
        known = await self._states.state(state.device.name)
        if known is not None:
            self._telemetry.device_state(known)
        else:
            self._telemetry.devices_gone([state.device.name])

    async def _act(
        self, claim: Claim, state: DeviceState, progress: _Progress
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        job = claim.job
        if job.attempt > self._retries + _DEATHS:
            raise InternalFault(
                f"given up after {job.attempt - 1} attempts that never came to an end",
                next_step=_LOOK if job.intent is not None else None,
            )
        desired = await self._deployments.desired(job.desired)
        if desired is None:
            raise InternalFault(f"the desired text {job.desired} is not in the store")
        # Where nothing is wanted any more, nothing of what was applied is to go either.
        last = state.applied if desired.text else None
        applied = await self._deployments.desired(last) if last else None

        async def checkpoint(step: Step, intent: Intent | None = None) -> None:
            progress.enter(step)
            await self._jobs.checkpoint(claim, step, intent)

        ours = partial(self._jobs.holds, claim)
        device = self._permitted(job.device)
        back = job.revision.rollback
        if back:
            device = replace(device, checks=replace(device.checks, lenient=True))
        if job.mode in (Mode.PUSH, Mode.ROLLBACK):
            planned = await self._planned(job, state)
            afresh = self._compare.decide(desired, applied, back=back, planned=planned)
            if job.intent is None:
                result = await self._pushed_once(job, device, state, afresh, checkpoint, ours=ours)
            else:
                # In the middle of a push the device is neither as planned nor as wanted.
                decide = self._compare.decide(desired, applied, back=back)
                result = await self._recovered(job, device, decide, afresh, checkpoint, ours=ours)
            return await self._pushed(job, state, result, planned)
        reading = await self._devices.read(device, checkpoint, ours)
        if job.mode is Mode.BACKUP:
            return await self._backed_up(state, reading)
        await checkpoint(Step.COMPARE)
        said = self._recall.find(job, state, reading)
        if said is not None:
            seen = await self._seen(state, reading)
            return self._looked(job, seen, said, None)
        outcome, refusal = await self._offload(
            partial(self._compare.look, desired, applied, reading, back=back)
        )
        if refusal is None:
            self._recall.keep(job, state, reading, outcome)
        state = await self._seen(state, reading)
        return self._looked(job, state, outcome, refusal)

    def _permitted(self, device: Device) -> Device:
        if self._allow_reverse:
            return device
        return replace(device, fallback=Fallback.REFUSE)

    # --- look ----------------------------------------------------------------------------------

    async def _backed_up(
        self, state: DeviceState, reading: Reading
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        kept = reading.backup.id if reading.backup is not None else None
        outcome = Outcome(state=State.COMPLETE, backup=kept, read_at=reading.read_at)
        seen = await self._seen(state, reading)
        return outcome, replace(seen, backup_at=reading.read_at), None

    def _looked(
        self,
        job: Job,
        seen: DeviceState,
        outcome: Outcome,
        refusal: Refused | None,
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        if job.desired == seen.desired:
            sync = Sync.OUT_OF_SYNC if outcome.changed else Sync.IN_SYNC
            note = _difference(outcome) if outcome.changed else ""
            if seen.declined == seen.desired:
                note = f"{_HELD}; {note}" if note else _HELD
            seen = replace(seen, sync=sync, note=note)
        if refusal is None:
            return outcome, seen, None
        if job.mode is Mode.CHECK:
            # A check only looks: what could not be typed is drift, not a failure of the check.
            warning = self._compare.redacted(refusal.message)
            return replace(outcome, warnings=(*outcome.warnings, warning)), seen, None
        return self._compare.failed(refusal, outcome), seen, refusal

    # --- push ----------------------------------------------------------------------------------

    async def _planned(self, job: Job, state: DeviceState) -> Planned | None:
        """What was reviewed, when nothing of ours moved the device since."""
        if job.mode is not Mode.PUSH or not job.revision.reported:
            return None
        since = state.applied_at or 0.0
        return await self._plans.planned(job.device.name, job.desired, since)

    async def _pushed_once(
        self,
        job: Job,
        device: Device,
        state: DeviceState,
        decide: Decide,
        checkpoint: Checkpoint,
        *,
        ours: Ours,
    ) -> PushResult:
        # What a person asked for by device is tried in any case.
        if job.mode is Mode.PUSH and job.revision.reported:
            _released(job, state)
        return await self._devices.push(device, decide, checkpoint, ours)

    async def _recovered(
        self,
        job: Job,
        device: Device,
        decide: Decide,
        afresh: Decide,
        checkpoint: Checkpoint,
        *,
        ours: Ours,
    ) -> PushResult:
        assert job.intent is not None, "only what was interrupted is recovered"
        log.warning("a push was interrupted; reading the device", step=job.intent.step.value)
        result = await self._devices.recover(device, job.intent, decide, checkpoint, ours)
        again = result.error is not None and not isinstance(result.error, Refused)
        undone = again and result.restored is Restored.RESTORED
        pause = await self._brake.paused() if undone and job.mode is Mode.PUSH else None
        if pause is not None:
            error = PushPaused(f"an interrupted push was undone; {pause}")
            return replace(result, error=error)
        if undone:
            log.info("interrupted push was undone; it starts over")
            return await self._devices.push(device, afresh, checkpoint, ours)
        return result

    async def _pushed(
        self, job: Job, state: DeviceState, result: PushResult, planned: Planned | None
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        reading = result.after or result.before
        ended = State.COMPLETE if result.error is None else State.FAILED
        outcome = await self._offload(
            partial(self._compare.outcome, ended, result.change_set or ChangeSet(), result.before)
        )
        if planned is not None and outcome.seen and outcome.seen != planned.seen:
            warning = f"the device changed since the plan of pull request {planned.pull}"
            warnings = (*outcome.warnings, warning)
            outcome = replace(outcome, moved=True, warnings=warnings)
        outcome = replace(
            outcome,
            transcript=self._compare.redacted(
                "\n".join(f"{each.line}\n{each.answer}".rstrip() for each in result.transcript)
            ),
            restored=result.restored,
            remaining=self._compare.redacted(result.remaining),
        )
        seen = await self._seen(state, reading) if reading is not None else state
        before = outcome.backup if outcome.changed and outcome.backup else state.before
        if result.error is None and job.mode is Mode.ROLLBACK:
            return outcome, replace(self._taken_back(job, seen), before=before), None
        if result.error is None:
            done = replace(
                seen,
                sync=Sync.IN_SYNC if state.desired in (None, job.desired) else Sync.OUT_OF_SYNC,
                applied=job.desired,
                revision=job.revision.sha,
                applied_at=self._clock.now(),
                quarantined=None,
                declined=None,
                before=before,
                note="",
            )
            return outcome, done, None
        outcome = self._compare.failed(result.error, outcome)
        seen = _unwell(seen, result.error, outcome)
        if isinstance(result.error, Refused) and job.mode is Mode.PUSH:
            seen = replace(seen, quarantined=job.revision.sha)
        if result.restored in (Restored.PARTLY, Restored.UNKNOWN):
            seen = replace(seen, sync=Sync.UNKNOWN, health=Health.DEGRADED)
        elif result.change_set is not None and not result.change_set.empty:
            seen = replace(seen, sync=Sync.OUT_OF_SYNC)
        return outcome, seen, result.error

    def _taken_back(self, job: Job, seen: DeviceState) -> DeviceState:
        """What the branch wants is not pushed again by itself to a device that was taken back."""
        if job.desired == seen.desired:
            return replace(
                seen,
                sync=Sync.IN_SYNC,
                applied=job.desired,
                applied_at=self._clock.now(),
                quarantined=None,
                declined=None,
                note="",
            )
        if seen.desired is None:
            # Nothing is wanted there, so nothing of it is taken away.
            return replace(
                seen,
                sync=Sync.UNKNOWN,
                revision=None,
                applied_at=self._clock.now(),
                quarantined=None,
                declined=None,
                note=f"{job.revision.title} by {job.revision.author}",
            )
        return replace(
            seen,
            sync=Sync.OUT_OF_SYNC,
            revision=None,
            applied_at=self._clock.now(),
            quarantined=job.revision.sha or seen.quarantined,
            declined=seen.desired,
            note=f"{job.revision.title} by {job.revision.author}; {_HELD}",
        )

    async def _seen(self, state: DeviceState, reading: Reading) -> DeviceState:
        seen = reading.backup.digest if reading.backup is not None else shown(reading.text)
        return replace(state, health=Health.REACHABLE, digest=seen, seen_at=reading.read_at)


_HELD = "rolled back: not pushed until its files change, or `catnet sync --force`"
_LOOK = "Log in and look at the device: compare its running-config with the last backup."


def _ours(failure: Exception, step: Step | None) -> CatnetError:
    if isinstance(failure, CatnetError):
        return failure
    log.error("internal fault", step=step, exc_info=failure)
    return InternalFault(f"{type(failure).__name__} in step {step or 'start'}")


def _released(job: Job, state: DeviceState) -> None:
    """Raises Quarantined when this is not to be tried by itself."""
    sha = job.revision.sha[:12]
    if state.declined == job.desired:
        raise Quarantined(
            f"{job.device.name} was rolled back from what revision {sha} wants on it",
            next_step="Change its files in a new commit, or run `catnet sync --force`.",
        )
    if state.quarantined == job.revision.sha:
        raise Quarantined(f"revision {sha} failed on {job.device.name} before")


def _unwell(state: DeviceState, error: CatnetError, outcome: Outcome) -> DeviceState:
    """A read that failed says nothing about drift: sync is left as it was last known."""
    health = state.health
    if isinstance(error, DeviceUnreachable):
        health = Health.UNREACHABLE
    elif not isinstance(error, Refused):
        health = Health.DEGRADED
    return replace(state, health=health, note=outcome.error or "")


def _difference(outcome: Outcome) -> str:
    return f"differs from the repository (+{outcome.added} −{outcome.removed} lines)"
