"""Stage: one job on its device, from claim to recorded outcome; the only place that touches one.

A push goes: `Deploy.work` → `ports.Devices.push` (the transaction in `devices/transaction.py`),
with `_decide` as the judgement on what may be typed → outcome, recorded state and messages in one
transaction of the store.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from catnet_controller.errors import (
    CatnetError,
    DeviceUnreachable,
    InternalFault,
    LeaseLost,
    Quarantined,
    Refused,
    SecretMissing,
    Transient,
)
from catnet_controller.ios.changes import ChangeSet, Sign
from catnet_controller.ios.diff import compare, render
from catnet_controller.ios.normal import digest
from catnet_controller.ios.redact import redact
from catnet_controller.ios.secrets import resolve
from catnet_controller.models import (
    Claim,
    Desired,
    DeviceState,
    Health,
    Intent,
    Job,
    Mode,
    Outcome,
    Reading,
    Restored,
    State,
    Step,
    Sync,
)
from catnet_controller.policy import retry
from catnet_controller.policy.guard import Rules, guard
from catnet_controller.ports import (
    Checkpoint,
    Clock,
    Conclude,
    Decide,
    Deployments,
    Devices,
    Jobs,
    PushResult,
    States,
    Telemetry,
)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Progress:
    """Where an attempt is: the step under way, and the seconds that the earlier ones took."""

    clock: Clock
    step: Step | None = None
    since: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def enter(self, step: Step | None) -> None:
        now = self.clock.monotonic()
        if self.step is not None:
            spent = self.seconds.get(self.step.value, 0.0) + now - self.since
            self.seconds[self.step.value] = round(spent, 3)
        self.step, self.since = step, now


class Deploy:
    """Works on one claim at a time per call; calls may run side by side.

    ``secrets`` are the values for ``{{ secret("name") }}``; ``mark`` is the key that makes a
    changed secret visibly different in a redacted diff. ``retries`` counts the attempts after the
    first that a transient error gets.
    """

    def __init__(
        self,
        *,
        jobs: Jobs,
        deployments: Deployments,
        states: States,
        devices: Devices,
        telemetry: Telemetry,
        clock: Clock,
        conclude: Conclude,
        rules: Rules,
        secrets: Mapping[str, str],
        retries: int,
        mark: bytes,
    ) -> None:
        self._jobs = jobs
        self._deployments = deployments
        self._states = states
        self._devices = devices
        self._telemetry = telemetry
        self._clock = clock
        self._conclude = conclude
        self._rules = rules
        self._secrets = secrets
        self._retries = retries
        self._mark = mark

    async def work(self, claim: Claim) -> None:
        """Run the job and record how it ended. Raises LeaseLost when it is no longer ours."""
        job = claim.job
        log.info("job started", mode=job.mode.value, attempt=job.attempt)
        progress = _Progress(self._clock)
        state = (await self._states.states()).get(job.device.name)
        state = state or DeviceState(device=job.device)
        try:
            outcome, state, error = await self._act(claim, state, progress)
        except LeaseLost:
            raise
        except CatnetError as failure:
            error = failure
            outcome, state = _failed(failure), _unwell(state, failure)
        except Exception as failure:
            log.exception("internal fault", step=progress.step)
            error = InternalFault(f"{type(failure).__name__} in step {progress.step or 'start'}")
            outcome = _failed(error)
        progress.enter(None)
        outcome = replace(outcome, steps=progress.seconds)
        if error is not None and await self._tried_again(claim, error, outcome, state):
            return
        await self._jobs.finish(claim, outcome, state, self._conclude)
        self._telemetry.job_ended(job, outcome)
        self._telemetry.device_state(state)
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
        """Put the job back when waiting can help and the device is known to be as before."""
        if outcome.restored not in (Restored.NOT_NEEDED, Restored.RESTORED):
            return False
        run_at = retry.again(
            error,
            claim.job.attempt,
            limit=self._retries,
            now=self._clock.now(),
            jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        )
        if run_at is None:
            return False
        log.info("job tried again later", code=error.code, error=error.message, run_at=run_at)
        await self._jobs.retry(claim, outcome, run_at)
        await self._states.record(state)
        self._telemetry.device_state(state)
        return True

    async def _act(
        self, claim: Claim, state: DeviceState, progress: _Progress
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        job = claim.job
        desired = await self._deployments.desired(job.desired)
        if desired is None:
            raise InternalFault(f"the desired text {job.desired} is not in the store")
        before = await self._deployments.desired(state.applied) if state.applied else None
        compared = partial(self._compare, desired, before.text if before is not None else None)

        async def checkpoint(step: Step, intent: Intent | None = None) -> None:
            progress.enter(step)
            await self._jobs.checkpoint(claim, step, intent)

        if job.mode is not Mode.PUSH:
            reading = await self._devices.read(job.device, checkpoint)
            await checkpoint(Step.COMPARE)
            return self._looked(job, state, reading, compared(reading.text))

        def decide(running: str) -> ChangeSet:
            change_set = compared(running)
            guard(change_set, running, self._rules)
            return change_set

        return await self._push(job, state, decide, checkpoint)

    def _compare(self, desired: Desired, applied: str | None, running: str) -> ChangeSet:
        try:
            wanted = resolve(desired.text, self._secrets)
            before = resolve(applied, self._secrets) if applied is not None else None
        except ValueError as error:
            raise SecretMissing(
                f"{desired.device.name}: {error}",
                next_step="Add it under `secrets` in catnet.yaml as a reference.",
            ) from error
        return compare(
            running,
            wanted,
            scope=desired.device.scope.value,
            applied=before,
            origins=desired.origins,
        )

    # --- look ----------------------------------------------------------------------------------

    def _looked(
        self, job: Job, state: DeviceState, reading: Reading, change_set: ChangeSet
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        outcome = self._outcome(State.COMPLETE, change_set, reading)
        error: CatnetError | None = None
        try:
            guard(change_set, reading.text, self._rules)
        except Refused as refusal:
            error = refusal
            # A check only looks, so what could not be typed is drift and not a failure of it.
            if job.mode is Mode.CHECK:
                outcome = replace(outcome, warnings=(*outcome.warnings, refusal.message))
            else:
                outcome = _with_error(replace(outcome, state=State.FAILED), refusal)
        seen = _seen(state, reading)
        if job.desired == state.desired:
            sync = Sync.IN_SYNC if change_set.empty else Sync.OUT_OF_SYNC
            note = "" if change_set.empty else _difference(outcome)
            seen = replace(seen, sync=sync, note=note)
        return outcome, seen, error

    # --- push ----------------------------------------------------------------------------------

    async def _push(
        self,
        job: Job,
        state: DeviceState,
        decide: Decide,
        checkpoint: Checkpoint,
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        if job.intent is not None:
            log.warning("a push was interrupted; reading the device", step=job.intent.step.value)
            result = await self._devices.recover(job.device, job.intent, decide, checkpoint)
            if result.error is not None and result.restored is Restored.RESTORED:
                log.info("interrupted push was undone; it starts over")
                result = await self._devices.push(job.device, decide, checkpoint)
        else:
            if state.quarantined == job.revision.sha:
                raise Quarantined(
                    f"revision {job.revision.sha[:12]} failed on {job.device.name} before"
                )
            result = await self._devices.push(job.device, decide, checkpoint)
        return self._pushed(job, state, result)

    def _pushed(
        self, job: Job, state: DeviceState, result: PushResult
    ) -> tuple[Outcome, DeviceState, CatnetError | None]:
        reading = result.after or result.before
        ended = State.COMPLETE if result.error is None else State.FAILED
        outcome = self._outcome(ended, result.change_set or ChangeSet(), result.before)
        outcome = replace(
            outcome,
            transcript=self._redact(
                "\n".join(f"{each.line}\n{each.answer}".rstrip() for each in result.transcript)
            ),
            restored=result.restored,
            remaining=self._redact(result.remaining),
        )
        seen = _seen(state, reading) if reading is not None else state
        if result.error is None:
            done = replace(
                seen,
                sync=Sync.IN_SYNC if state.desired in (None, job.desired) else Sync.OUT_OF_SYNC,
                applied=job.desired,
                revision=job.revision.sha,
                applied_at=self._clock.now(),
                quarantined=None,
                note="",
            )
            return outcome, done, None
        outcome = _with_error(outcome, result.error)
        seen = _unwell(seen, result.error)
        if not isinstance(result.error, Transient):
            seen = replace(seen, quarantined=job.revision.sha)
        if result.restored in (Restored.PARTLY, Restored.UNKNOWN):
            seen = replace(seen, sync=Sync.UNKNOWN, health=Health.DEGRADED)
        elif result.change_set is not None and not result.change_set.empty:
            seen = replace(seen, sync=Sync.OUT_OF_SYNC)
        return outcome, seen, result.error

    # --- words ---------------------------------------------------------------------------------

    def _redact(self, text: str) -> str:
        return redact(text, self._mark)

    def _outcome(self, state: State, change_set: ChangeSet, reading: Reading | None) -> Outcome:
        signs = [line.sign for line in change_set.diff]
        return Outcome(
            state=state,
            changed=not change_set.empty,
            added=signs.count(Sign.ADD),
            removed=signs.count(Sign.REMOVE),
            diff=render(change_set.diff),
            commands=tuple(
                self._redact(f"{' ' * each.depth}{each.text}") for each in change_set.commands
            ),
            reverse=tuple(
                self._redact(f"{' ' * each.depth}{each.text}") for each in change_set.reverse
            ),
            warnings=change_set.warnings,
            backup=reading.backup.id if reading is not None and reading.backup else None,
            read_at=reading.read_at if reading is not None else None,
        )


def _seen(state: DeviceState, reading: Reading) -> DeviceState:
    return replace(
        state, health=Health.REACHABLE, digest=digest(reading.text), seen_at=reading.read_at
    )


def _unwell(state: DeviceState, error: CatnetError) -> DeviceState:
    """A read that failed says nothing about drift: sync is left as it was last known."""
    health = state.health
    if isinstance(error, DeviceUnreachable):
        health = Health.UNREACHABLE
    elif not isinstance(error, Refused):
        health = Health.DEGRADED
    return replace(state, health=health, note=error.message)


def _failed(error: CatnetError) -> Outcome:
    return _with_error(Outcome(state=State.FAILED), error)


def _with_error(outcome: Outcome, error: CatnetError) -> Outcome:
    return replace(
        outcome, error_code=error.code, error=redact(error.message), next_step=error.next_step
    )


def _difference(outcome: Outcome) -> str:
    return f"differs from the repository (+{outcome.added} −{outcome.removed} lines)"
