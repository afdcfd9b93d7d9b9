"""Loop: from a trigger to an opened deployment.

A trigger only says "look at this ref now". The ref itself is read here, so a lost, late, doubled,
reordered or forged webhook can cause an early or a late look and never a wrong deployment.
"""

import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from catnet_controller.errors import (
    Blocked,
    CatnetError,
    InternalFault,
    SnapshotRefused,
    Transient,
)
from catnet_controller.models import (
    Deployment,
    DeviceState,
    JobPlan,
    Mode,
    Pull,
    RefState,
    Snapshot,
    State,
    StatusMessage,
    StatusState,
    Trigger,
    Which,
)
from catnet_controller.pipeline import snapshot as stage
from catnet_controller.policy import retry, rollout, verdict
from catnet_controller.ports import (
    Clock,
    Conclude,
    Deployments,
    Offload,
    Outbox,
    Repository,
    States,
    Telemetry,
    Triggers,
)

log = structlog.get_logger(__name__)

LAG_ATTEMPTS = 5
"""How often a ref is read again when a webhook named a commit that GitHub does not show yet."""
LAG_DELAY = 2.0
"""Seconds between those reads."""
BACK_ATTEMPTS = 6
"""How often a ref is read again that shows an older commit than the one it was planned at."""
BACK_DELAY = 10.0
"""Seconds between those reads: a replica that lags tells the same as a forced push."""
MERGE_ATTEMPTS = 5
"""How often GitHub is asked for the would-be merge of a pull request, ``LAG_DELAY`` apart."""
BRANCH_MOVED = "the branch moved"
"""Why a pull request is looked at again that did not change itself."""
MERGE_LATE = "the merge was not computed"
"""Why one is looked at again that was planned without its merge."""
SAME_COMMIT = "another pull request left the same commit"
"""Why one is looked at again whose commit has one status with that of another."""
AGAIN_DELAY = 30.0
"""Seconds after the branch moved until pull requests are looked at again."""
AGAIN_SPACING = 5.0
"""Seconds until the first of them, and between it and the next."""
AGAIN_MOST = 30
"""How many are looked at again; those that something happened to last."""
AGAIN_EVERY = 600.0
"""Least seconds between two plans of a pull request for the same commit."""
PLANS_OF_COMMIT = 20
"""The newest deployments of a commit among which a plan for its pull request is looked for."""
BLOCKED_DELAY = 60.0
"""Seconds until the next look when only the operator can help; polling never stops."""


class _NotYet(Exception):
    """What GitHub shows cannot be judged yet; ``seconds`` until the next look."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Reconcile:
    """Takes one trigger a step. ``trouble`` holds what the operator must act on, by ref.

    ``heed`` hears of comments that ask for something; None: nobody does.
    """

    def __init__(
        self,
        *,
        branch: str,
        mode: Mode,
        triggers: Triggers,
        deployments: Deployments,
        states: States,
        outbox: Outbox,
        repository: Repository,
        telemetry: Telemetry,
        clock: Clock,
        conclude: Conclude,
        offload: Offload,
        heed: Callable[[Trigger], Awaitable[None]] | None = None,
    ) -> None:
        self._branch_name = branch
        self._mode = mode
        self._triggers = triggers
        self._deployments = deployments
        self._states = states
        self._outbox = outbox
        self._repository = repository
        self._telemetry = telemetry
        self._clock = clock
        self._conclude = conclude
        self._offload = offload
        self._heed = heed
        self.trouble: dict[str, str] = {}
        self._waits: dict[str, Counter[str]] = {}
        """How often a ref was looked at again, by what is waited for."""
        self._shown = ""
        """The commit that the ref is at which is looked at now, once it is known."""

    async def step(self) -> bool:
        """Handle the oldest due trigger; False when there is none."""
        trigger = await self._triggers.next_trigger()
        if trigger is None:
            return False
        self._shown = ""
        with structlog.contextvars.bound_contextvars(ref=trigger.ref):
            try:
                await self._look(trigger)
            except _NotYet as wait:
                await self._triggers.postpone(trigger, self._clock.now() + wait.seconds)
            except CatnetError as error:
                await self._later(trigger, error)
            except Exception as error:
                # One ref that makes CatNet stumble must not keep it from all others.
                log.exception("look failed")
                fault = InternalFault(f"{type(error).__name__} while looking at {trigger.ref}")
                await self._later(trigger, fault)
            else:
                self.trouble.pop(trigger.ref, None)
                self._waits.pop(trigger.ref, None)
        return True

    async def _later(self, trigger: Trigger, error: CatnetError) -> None:
        now = self._clock.now()
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        due_at = retry.again(error, trigger.attempt + 1, limit=None, now=now, jitter=jitter)
        if due_at is None:
            due_at = now + BLOCKED_DELAY
            self.trouble[trigger.ref] = f"{error.message} {error.next_step}"
        if not isinstance(error, Transient | Blocked):
            due_at = max(due_at, now + retry.backoff(trigger.attempt + 1, jitter=jitter))
            await self._say_stuck(trigger.ref, error)
        log.warning(
            "look postponed",
            code=error.code,
            error=error.message,
            next_step=error.next_step,
            seconds=round(due_at - now, 1),
            blocked=isinstance(error, Blocked),
        )
        await self._triggers.postpone(trigger, due_at)

    async def _say_stuck(self, ref: str, error: CatnetError) -> None:
        """A commit that CatNet cannot judge is not left without a word."""
        kind, _, name = ref.partition("/")
        if not self._shown:
            return
        pull = int(name) if kind == "pull" else None
        line = verdict.clip(f"CatNet cannot judge this commit: {error.message}")
        await self._outbox.put([_error(self._shown, pull, line)])

    def _be_patient(self, ref: str, what: str, most: int, seconds: float) -> None:
        """Raises _NotYet the first ``most`` times that ``what`` is waited for in one go."""
        waits = self._waits.setdefault(ref, Counter())
        if waits[what] < most:
            waits[what] += 1
            raise _NotYet(seconds)

    async def _look(self, trigger: Trigger) -> None:
        kind, _, name = trigger.ref.partition("/")
        if kind == "branch" and name == self._branch_name:
            await self._branch(trigger)
        elif kind == "pull" and name.isdecimal():
            await self._pull(trigger, int(name))
        elif kind == "pulls" and name == self._branch_name:
            await self._look_at_pulls_again()
            await self._triggers.settle(trigger)
        elif kind == "comment" and name.isdecimal() and self._heed is not None:
            await self._heed(trigger)
        else:
            log.info("trigger ignored", reason="not a ref this daemon follows")
            await self._triggers.settle(trigger)

    # --- the branch ----------------------------------------------------------------------------

    async def _branch(self, trigger: Trigger) -> None:
        head = await self._repository.head(self._branch_name)
        assert head is not None, "an unconditional look always has an answer"
        known = await self._triggers.ref_state(trigger.ref)
        self._shown = head.sha
        await self._believe(trigger, head.sha, known)
        if known is not None and known.sha == head.sha and not trigger.force:
            await self._triggers.settle(trigger)
            return
        recorded = await self._states.states()
        snapshot = await stage.take(
            self._repository, self._offload, head.sha, trigger.ref, added=stage.added(recorded)
        )
        due_at = self._clock.now() + AGAIN_DELAY
        pulls = Trigger(ref=f"pulls/{self._branch_name}", reason=BRANCH_MOVED, due_at=due_at)
        await self._triggers.trigger(pulls)
        jobs: tuple[JobPlan, ...] = ()
        states: tuple[DeviceState, ...] = ()
        if not snapshot.problems:
            jobs = rollout.push_jobs(snapshot, recorded, force=trigger.force)
            states = rollout.inventory(snapshot, recorded, release=trigger.force)
        await self._open(snapshot, self._mode, trigger, jobs, states, cause=trigger.reason)
        if not snapshot.problems:
            await self._drop_gone(snapshot, recorded)

    async def _believe(self, trigger: Trigger, shown: str, known: RefState | None) -> None:
        """Whether the ref is where GitHub says; raises _NotYet while that is in doubt.

        A replica that lags shows a former commit, and a forced push back shows it as well. Only
        the first passes.
        """
        if known is None:
            return
        if known.sha == shown:
            if trigger.sha not in (None, shown):
                log.info("not moved yet", named=trigger.sha, shown=shown)
                self._be_patient(trigger.ref, f"named {trigger.sha}", LAG_ATTEMPTS, LAG_DELAY)
            return
        if await self._repository.goes_back(known.sha, shown):
            log.warning("shown where it was before", known=known.sha, shown=shown)
            self._be_patient(trigger.ref, f"back {shown}", BACK_ATTEMPTS, BACK_DELAY)
            log.warning("taken back by a forced push", known=known.sha, shown=shown)

    async def _drop_gone(self, snapshot: Snapshot, recorded: Mapping[str, DeviceState]) -> None:
        missing = sorted(recorded.keys() - snapshot.desired.keys())
        gone = [name for name in missing if not recorded[name].device.added]
        if gone:
            await self._states.forget(gone)
            self._telemetry.devices_gone(gone)
            log.info("devices left the inventory", devices=gone)

    # --- pull requests -------------------------------------------------------------------------

    async def _pull(self, trigger: Trigger, number: int) -> None:
        known = await self._triggers.ref_state(trigger.ref)
        former = await self._former(trigger, known)
        if former is not None and await self._too_soon(trigger, former):
            return
        pull = await self._repository.pull(number)
        if not pull.open:
            await self._closed(pull)
            await self._triggers.forget_ref(trigger.ref)
            await self._triggers.settle(trigger)
            return
        if pull.base != self._branch_name:
            # Should it come back, the branch is another, and so is what merging would do.
            await self._triggers.forget_ref(trigger.ref)
            await self._triggers.settle(trigger)
            return
        self._shown = pull.sha
        await self._believe(trigger, pull.sha, known)
        planned = known is not None and known.sha == pull.sha
        if planned and not trigger.force:
            await self._triggers.settle(trigger)
            return
        last = former if planned else None
        if last is not None and _stands(pull, last):
            await self._triggers.settle(trigger)
            return
        if pull.conflicts:
            cause = f"{verdict.CONFLICT}{self._branch_name}{_why(trigger, last)}"
            revision = await self._repository.revision(pull.sha, trigger.ref)
            await self._open(
                Snapshot(revision=revision), Mode.DRY_RUN, trigger, (), (), cause=cause
            )
            return
        head = await self._repository.head(self._branch_name)
        assert head is not None, "an unconditional look always has an answer"
        base = await self._merged_into(pull)
        if base != head.sha:
            log.info("merge not computed yet", pull=number, sha=pull.sha, base=base)
            self._be_patient(trigger.ref, "merge", MERGE_ATTEMPTS, LAG_DELAY)
        if pull.fork:
            # What the branch has is not the stranger's, though nothing may have read it yet.
            with contextlib.suppress(SnapshotRefused):
                await self._repository.files(base or head.sha)
        added = stage.added(await self._states.states())
        snapshot = await stage.take(
            self._repository,
            self._offload,
            pull.sha,
            trigger.ref,
            at=pull.merge if base else "",
            added=added,
            stranger=pull.fork,
        )
        cause = f"{verdict.MERGED}{self._branch_name} at {base[:12]}" if base else verdict.ALONE
        cause += _why(trigger, last)
        jobs: tuple[JobPlan, ...] = ()
        if pull.fork:
            # What a stranger wrote is read and judged, and never causes a device session.
            cause = verdict.FORK
            if await self._compared(pull.sha, trigger.ref):
                cause += verdict.UNHEARD
        elif not snapshot.problems:
            before = await stage.take(
                self._repository,
                self._offload,
                base or head.sha,
                f"branch/{self._branch_name}",
                added=added,
            )
            jobs = rollout.plan_jobs(snapshot, before)
            if last is not None and await self._same(last, jobs, merged=bool(base)):
                log.info("the plan stands", pull=number, base=base)
                await self._triggers.settle(trigger)
                await self._wait_for_merge(trigger.ref, cause, AGAIN_EVERY)
                return
        await self._pass_on(trigger.ref, known, pull)
        if planned and known is not None and known.deployment is not None:
            former = await self._deployments.deployment(known.deployment)
            if former is not None:
                names = {job.device.name for job in jobs}
                await self._outbox.correct(verdict.left_out(former, names))
        await self._open(snapshot, Mode.DRY_RUN, trigger, jobs, (), cause=cause)
        await self._wait_for_merge(trigger.ref, cause, AGAIN_DELAY)

    async def _wait_for_merge(self, ref: str, cause: str, seconds: float) -> None:
        """A plan without its merge is not the last word."""
        if cause.startswith(verdict.ALONE):
            due_at = self._clock.now() + seconds
            again = Trigger(ref=ref, reason=MERGE_LATE, force=True, due_at=due_at)
            await self._triggers.trigger(again)

    async def _others(self, sha: str, ref: str) -> Sequence[Deployment]:
        """The newest plans of a commit for other pull requests, which share its statuses."""
        made = await self._deployments.history(PLANS_OF_COMMIT, Which(sha=sha))
        return [each for each in made if each.revision.pull and each.revision.ref != ref]

    async def _compared(self, sha: str, ref: str) -> bool:
        """Whether a pull request of our own said with the same status what a commit would do.

        Anybody can open one from a fork for it, and that would look valid at once.
        """
        others = await self._others(sha, ref)
        return any(not each.cause.startswith(verdict.FORK) for each in others)

    async def _pass_on(self, ref: str, known: RefState | None, pull: Pull) -> None:
        """What a newer commit supersedes may be under way for a commit that another pull request
        still has: that one gets its plan."""
        if known is None or known.sha == pull.sha or known.deployment is None:
            return
        left = await self._deployments.deployment(known.deployment)
        if left is None or left.state.final:
            return
        for other in {each.revision.ref for each in await self._others(known.sha, ref)}:
            at = await self._triggers.ref_state(other)
            if at is not None and at.sha == known.sha:
                now = self._clock.now()
                again = Trigger(ref=other, reason=SAME_COMMIT, force=True, due_at=now)
                await self._triggers.trigger(again)

    async def _closed(self, pull: Pull) -> None:
        """A last commit that no plan was made of is not left without a word."""
        if pull.base != self._branch_name:
            return
        made = await self._deployments.history(PLANS_OF_COMMIT, Which(sha=pull.sha))
        if any(each.revision.pull for each in made):
            return
        line = "the pull request was closed before its plan was made"
        await self._outbox.put([_error(pull.sha, pull.number, line)])

    async def _merged_into(self, pull: Pull) -> str:
        """The commit of the branch that GitHub merged the head into; empty when it did not yet.

        GitHub computes the merge some time after it was asked, and shows the former one until
        then: only its parents say what it is the merge of.
        """
        if not pull.merge or pull.conflicts is None:
            return ""
        parents = await self._repository.parents(pull.merge)
        return parents[0] if len(parents) == 2 and parents[1] == pull.sha else ""

    async def _look_at_pulls_again(self) -> None:
        """The branch moved, and with it what merging would do; a conflict may be gone.

        GitHub sends no webhook for that, and nothing of the pull request itself has changed. A
        plan that is asked for already waits for its turn, so many pushes make one new plan.
        """
        answer = await self._repository.pulls()
        due_at = self._clock.now()
        for pull in (answer[0] if answer is not None else ())[:AGAIN_MOST]:
            ref = f"pull/{pull.number}"
            if await self._triggers.ref_state(ref) is not None:
                due_at += AGAIN_SPACING
                again = Trigger(ref=ref, reason=BRANCH_MOVED, force=True, due_at=due_at)
                await self._triggers.trigger(again)

    async def _former(self, trigger: Trigger, known: RefState | None) -> Deployment | None:
        """The plan for the same commit, when its merge is why it is looked at again."""
        if (
            trigger.reason not in (BRANCH_MOVED, MERGE_LATE)
            or known is None
            or known.deployment is None
        ):
            return None
        return await self._deployments.deployment(known.deployment)

    async def _too_soon(self, trigger: Trigger, last: Deployment) -> bool:
        """Whether a new plan waits, so that a busy branch does not use up GitHub's quota."""
        due_at = last.created_at + AGAIN_EVERY
        if last.cause.startswith((verdict.CONFLICT, verdict.ALONE)) or due_at <= self._clock.now():
            return False
        await self._triggers.postpone(trigger, due_at)
        return True

    async def _same(self, last: Deployment, jobs: tuple[JobPlan, ...], *, merged: bool) -> bool:
        """Whether the plan would say again what it said: same texts, and no device seen to move."""
        if last.state is not State.COMPLETE or last.cause.startswith(verdict.CONFLICT):
            return False
        if merged and last.cause.startswith(verdict.ALONE):
            return False
        wanted = {(plan.device.name, plan.desired.digest) for plan in jobs}
        if {(job.device.name, job.desired) for job in last.jobs} != wanted:
            return False
        states = await self._states.states()
        return all(
            job.outcome is not None
            and job.device.name in states
            and states[job.device.name].digest == job.outcome.seen
            for job in last.jobs
        )

    # --- both ----------------------------------------------------------------------------------

    async def _open(
        self,
        snapshot: Snapshot,
        mode: Mode,
        trigger: Trigger,
        jobs: tuple[JobPlan, ...],
        states: tuple[DeviceState, ...],
        *,
        cause: str,
    ) -> None:
        deployment: Deployment = await self._deployments.open(
            snapshot.revision,
            mode,
            cause=cause,
            jobs=jobs,
            problems=snapshot.problems,
            states=states,
            trigger=trigger,
            conclude=self._conclude,
        )
        log.info(
            "deployment opened",
            deployment=deployment.id,
            mode=mode.value,
            sha=snapshot.revision.sha,
            devices=[job.device.name for job in jobs],
            problems=[str(problem) for problem in snapshot.problems],
        )


def _error(sha: str, pull: int | None, line: str) -> StatusMessage:
    return StatusMessage(
        sha=sha, context=verdict.context(pull), state=StatusState.ERROR, description=line
    )


def _stands(pull: Pull, last: Deployment) -> bool:
    """Whether the pull request keeps the verdict it has, however the branch moved."""
    clashed = last.cause.startswith(verdict.CONFLICT)
    return bool(pull.conflicts and clashed) or (pull.fork and not clashed)


def _why(trigger: Trigger, last: Deployment | None) -> str:
    """What the cause of a plan ends with: that it is made again, or who asked."""
    if last is not None:
        return verdict.AGAIN
    who = trigger.reason.removeprefix("user ")
    return f"{verdict.BY}{who}" if who != trigger.reason else ""
