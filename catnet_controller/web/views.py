"""Nouns come in, plain JSON values go out: the one place that says how the API shows them."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from catnet_controller.models import (
    Backup,
    Deployment,
    DeviceState,
    Health,
    Job,
    Outcome,
    Pause,
    QueueDepth,
    State,
    Sync,
)

Json = dict[str, Any]


def when(at: float | None) -> str | None:
    """A time as RFC 3339 in UTC, to the second."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def device(state: DeviceState) -> Json:
    it = state.device
    return {
        "id": it.name,
        "name": it.name,
        "host": it.host,
        "port": it.port,
        "platform": it.platform,
        "site": it.site,
        "wave": it.wave,
        "groups": list(it.groups),
        "algorithms": it.algorithms,
        "credential": it.credential,
        "username": it.username or None,
        "jump": None if it.jump is None else dataclasses.asdict(it.jump),
        "scope": it.scope.value,
        "owner": it.owner.value,
        "managed": state.desired is not None,
        "sync": state.sync.value,
        "health": state.health.value,
        "revision": state.revision,
        "seen_at": when(state.seen_at),
        "applied_at": when(state.applied_at),
        "quarantined": state.quarantined,
        "rolled_back": state.declined is not None,
        "before": state.before,
        "backup_at": when(state.backup_at),
        "digest": state.digest,
        "note": state.note,
    }


def fleet(states: Iterable[DeviceState]) -> Json:
    """How many devices there are on each of the two axes."""
    sync: Counter[Sync] = Counter()
    health: Counter[Health] = Counter()
    for state in states:
        sync[state.sync] += 1
        health[state.health] += 1
    return {
        "total": sync.total(),
        "sync": {each.value: sync[each] for each in Sync},
        "health": {each.value: health[each] for each in Health},
    }


def deployment(it: Deployment, *, url: str) -> Json:
    """Without what each device said; the counts and one line a job."""
    counts = Counter(job.state for job in it.jobs)
    return {
        "id": it.id,
        "mode": it.mode.value,
        "state": it.state.value,
        "summary": it.summary,
        "cause": it.cause,
        "revision": {
            "sha": it.revision.sha,
            "ref": it.revision.ref,
            "title": it.revision.title,
            "author": it.revision.author,
            "pull": it.revision.pull,
        },
        "created_at": when(it.created_at),
        "ended_at": when(it.ended_at),
        "problems": [
            {"file": each.file, "line": each.line, "message": each.message} for each in it.problems
        ],
        "counts": {state.value: counts[state] for state in State},
        "jobs": [job(each) for each in it.jobs],
        "url": f"{url}/deployments/{it.id}",
    }


def whole(it: Deployment, *, url: str) -> Json:
    """With the outcome of every device."""
    return {
        **deployment(it, url=url),
        "jobs": [{**job(each), "outcome": outcome(each.outcome)} for each in it.jobs],
    }


def job(it: Job) -> Json:
    done = it.outcome
    return {
        "id": it.id,
        "device": it.device.name,
        "wave": it.device.wave,
        "state": it.state.value,
        "step": it.step.value if it.step is not None and not it.state.final else None,
        "attempt": it.attempt,
        "started_at": when(it.started_at),
        "ended_at": when(it.ended_at),
        "changed": done.changed if done is not None else None,
        "error_code": done.error_code if done is not None else None,
        "error": done.error if done is not None else None,
    }


def outcome(it: Outcome | None) -> Json | None:
    """All of it is redacted where it is made."""
    if it is None:
        return None
    return {
        "state": it.state.value,
        "changed": it.changed,
        "added": it.added,
        "removed": it.removed,
        "diff": it.diff,
        "commands": list(it.commands),
        "reverse": list(it.reverse),
        "warnings": list(it.warnings),
        "risks": list(it.risks),
        "transcript": it.transcript,
        "error_code": it.error_code,
        "error": it.error,
        "next_step": it.next_step,
        "restored": it.restored.value,
        "remaining": it.remaining,
        "backup": it.backup,
        "read_at": when(it.read_at),
        "steps": {step: round(seconds, 3) for step, seconds in it.steps.items()},
    }


def difference(device: str, deployment: int | None, it: Outcome | None) -> Json:
    """How the device differed when it was last compared; nothing where it never was."""
    found = it or Outcome(state=State.PENDING)
    return {
        "device": device,
        "deployment": deployment,
        "read_at": when(found.read_at),
        "changed": None if it is None else it.changed,
        "added": found.added,
        "removed": found.removed,
        "diff": found.diff,
        "commands": list(found.commands),
        "reverse": list(found.reverse),
        "warnings": list(found.warnings),
    }


def backup(it: Backup) -> Json:
    """Without its text."""
    return {
        "id": it.id,
        "device": it.device,
        "taken_at": when(it.taken_at),
        "seen_at": when(it.seen_at),
        "bytes": it.size,
        "good": it.good,
    }


def pause(it: Pause | None) -> Json | None:
    return None if it is None else {"by": it.by, "reason": it.reason, "since": when(it.since)}


def queue(it: QueueDepth) -> Json:
    return {
        "pending": it.pending,
        "running": it.running,
        "triggers": it.triggers,
        "outbox": it.outbox,
        "outbox_age_seconds": round(it.outbox_age, 1),
        "given_up": it.given_up,
        "given_up_at": when(it.given_up_at),
        "refusal": it.refusal,
        "polled_at": when(it.polled_at),
    }


def worst_first(states: Mapping[str, DeviceState]) -> Sequence[DeviceState]:
    """What needs a person stands on top."""
    health = (Health.UNREACHABLE, Health.DEGRADED)
    sync = (Sync.OUT_OF_SYNC, Sync.UNKNOWN, Sync.IN_SYNC)
    return sorted(
        states.values(),
        key=lambda it: (
            health.index(it.health) if it.health in health else len(health),
            it.quarantined is None,
            sync.index(it.sync),
            it.device.name,
        ),
    )
