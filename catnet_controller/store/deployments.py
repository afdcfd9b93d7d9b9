"""Deployments with their jobs: opened, replaced by newer ones, concluded, read back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from catnet_controller.errors import InternalFault
from catnet_controller.models import (
    Deployment,
    DeviceState,
    Intent,
    Job,
    JobPlan,
    Mode,
    Outcome,
    Planned,
    Problem,
    Revision,
    State,
    Step,
    Trigger,
    Which,
)
from catnet_controller.ports import Conclude
from catnet_controller.store import inventory, outbox, pausing, refs, schema
from catnet_controller.store.codec import join, pack, split, unpack, unpack_device
from catnet_controller.store.schema import literal
from catnet_controller.store.tx import committed

Row = Any
"""A row as it comes; its columns are those of the statement."""

INTERRUPTED = 0
"""Rank of a job that left a device in the middle of a push; every other waits for it."""
RANKS = {Mode.ROLLBACK: 1, Mode.PUSH: 2, Mode.DRY_RUN: 3, Mode.CHECK: 4, Mode.BACKUP: 5}
"""Place in the queue by mode."""

MANY = 100
"""Jobs of a deployment up to which its progress is told after each of them."""

_d = schema.deployment.c
_j = schema.job.c
_l = schema.lease.c
_PENDING = _j.state == literal(State.PENDING)
_LIVE = _j.state.in_([literal(State.PENDING), literal(State.RUNNING)])
_OPEN = _d.state.in_([literal(State.PENDING), literal(State.RUNNING)])
_PUSH_OR_CHECK = _j.mode.in_([literal(Mode.PUSH), literal(Mode.CHECK)])

BRIEF = [each for each in schema.job.c if each.name != "detail"]
"""A job without the long texts of its outcome."""

_ADD = sa.insert(schema.deployment)
_ADD_JOB = sa.insert(schema.job)
_LEASED = sa.select(_l.device).where(_l.device.in_(sa.bindparam("devices", expanding=True)))
_ADD_LEASE = sa.insert(schema.lease)
_GET = sa.select(schema.deployment).where(_d.id == sa.bindparam("number"))
_JOBS = sa.select(*BRIEF).where(_j.deployment == sa.bindparam("number")).order_by(_j.id)
_JOBS_IN_FULL = _JOBS.add_columns(_j.detail)
_WHEN = sa.select(_d.ended_at).where(_d.id == sa.bindparam("number"))
_PROGRESS = sa.select(
    (_d.state != literal(State.PENDING)).label("begun"),
    sa.exists(
        sa.select(_j.id)
        .where(_j.deployment == _d.id)
        .correlate(schema.deployment)
        .offset(MANY)
        .limit(1)
    ).label("many"),
).where(_d.id == sa.bindparam("number"))
_LATEST = sa.select(_d.id).order_by(_d.id.desc()).limit(sa.bindparam("limit"))
_ON_DEVICE = sa.exists().where(_j.deployment == _d.id, _j.device == sa.bindparam("its_device"))
# Sorted by the caller: asked for the order of its key, SQLite reads the whole table.
_PUSHES = sa.select(_d.id).where(_OPEN, _d.mode == literal(Mode.PUSH))
_ENDED = sa.select(_d.id).where(_OPEN, ~sa.exists().where(_j.deployment == _d.id, _LIVE))
# Ended by whoever has the row; another that comes to the same end at the same moment leaves it.
_ENDED_HERE = _ENDED.with_for_update(skip_locked=True)
_HOLD = sa.select(_d.id).where(_d.id == sa.bindparam("number")).with_for_update()
_SUMMARISE = sa.update(schema.deployment).where(_d.id == sa.bindparam("number"))
_END = _SUMMARISE.values(state=sa.bindparam("its_state"), ended_at=sa.bindparam("now"))

_SUCCEED = (
    sa.update(schema.deployment)
    .where(_OPEN, _d.ref == sa.bindparam("its_ref"), _d.id < sa.bindparam("number"))
    .values(successor=sa.bindparam("number"))
)
_WAITING = (
    sa.select(*BRIEF, _j.detail)
    .join(schema.deployment, _d.id == _j.deployment)
    .where(_PENDING, _j.intent.is_(None), _d.id < sa.bindparam("number"))
)
_OF_REF = _WAITING.where(_OPEN, _d.ref == sa.bindparam("its_ref"))
_UNARMED = (
    sa.select(*BRIEF, _j.detail)
    .join(schema.deployment, _d.id == _j.deployment)
    .where(
        _OPEN,
        _d.ref == sa.bindparam("its_ref"),
        _d.sha != sa.bindparam("its_sha"),
        _d.id < sa.bindparam("number"),
        _j.state == literal(State.RUNNING),
        _j.mode.in_([literal(Mode.PUSH), literal(Mode.DRY_RUN)]),
        _j.intent.is_(None),
    )
)
_LET_GO = (
    sa.update(schema.lease)
    .where(_l.device == sa.bindparam("its_device"), _l.job == sa.bindparam("its_job"))
    .values(job=None, worker=None, until=0.0)
)
_SAME_KIND = sa.and_(_d.ref == sa.bindparam("its_ref"), _d.mode == sa.bindparam("its_mode"))
_OF_DEVICES = _WAITING.where(_j.device.in_(sa.bindparam("devices", expanding=True)))
_BY_PUSH = _OF_DEVICES.where(sa.or_(_SAME_KIND, _PUSH_OR_CHECK))
_BY_OTHERS = _OF_DEVICES.where(_SAME_KIND)
_END_JOB = (
    sa.update(schema.job)
    .where(_j.id == sa.bindparam("its_id"))
    .values(
        state=sa.bindparam("its_state"),
        ended_at=sa.bindparam("now"),
        outcome=sa.bindparam("brief"),
        detail=sa.bindparam("rest"),
    )
)


_TYPING = [literal(Mode.PUSH), literal(Mode.ROLLBACK)]
_LAST_WORD = (
    sa.select(_d.ref, _j.mode, _j.state, _j.ended_at, _j.outcome, _j.detail)
    .join(schema.deployment, _d.id == _j.deployment)
    .where(
        _j.desired == sa.bindparam("digest"),
        _j.device == sa.bindparam("name"),
        _j.ended_at.is_not(None),
        sa.or_(_j.mode.in_(_TYPING), _d.ref.like("pull/%")),
    )
    .order_by(_j.ended_at.desc(), _j.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a deployment is opened with; the desired texts are in the store already."""

    revision: Revision
    mode: Mode
    cause: str
    jobs: Sequence[JobPlan]
    problems: Sequence[Problem]
    states: Sequence[DeviceState]
    trigger: Trigger | None


def open_(conn: sa.Connection, opening: Opening, conclude: Conclude, now: float) -> Deployment:
    if opening.problems and opening.jobs:
        raise InternalFault("a deployment with problems has no jobs")
    revision, mode = opening.revision, opening.mode
    key = conn.execute(
        _ADD,
        {
            "ref": revision.ref,
            "sha": revision.sha,
            "title": revision.title,
            "author": revision.author,
            "mode": mode,
            "cause": opening.cause,
            "state": State.PENDING,
            "created_at": now,
            "summary": "",
            "problems": pack(tuple(opening.problems)),
        },
    ).inserted_primary_key
    assert key is not None
    number: int = key[0]
    inventory.declare(conn, opening.states)
    if opening.trigger is not None:
        refs.mark(conn, revision.ref, revision.sha, number)
        refs.settle(conn, opening.trigger)
    _replace_older(conn, number, opening, now)
    _add_jobs(conn, number, opening, now)
    return settle(conn, number, conclude, now)


def _add_jobs(conn: sa.Connection, number: int, opening: Opening, now: float) -> None:
    if not opening.jobs:
        return
    conn.execute(
        _ADD_JOB,
        [
            {
                "deployment": number,
                "device": plan.device.name,
                "mode": opening.mode,
                "state": State.PENDING,
                "rank": RANKS[opening.mode],
                "run_at": now,
                "attempt": 0,
                "desired": plan.desired.digest,
                "target": pack(plan.device),
                "site": plan.device.site,
                "wave": plan.device.wave if opening.mode is Mode.PUSH else 0,
            }
            for plan in opening.jobs
        ],
    )
    names = {plan.device.name for plan in opening.jobs}
    known: set[str] = set()
    for some in _chunks(sorted(names), 500):
        known.update(conn.execute(_LEASED, {"devices": some}).scalars())
    new = [{"device": name, "fence": 0, "until": 0.0} for name in sorted(names - known)]
    if new:
        conn.execute(_ADD_LEASE, new)


def _chunks(names: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


# --- replaced by newer ones --------------------------------------------------------------------


def _replace_older(conn: sa.Connection, number: int, opening: Opening, now: float) -> None:
    """Supersede the jobs of older deployments that this one replaces, if they touched no device.

    A revision of a branch that has problems replaces nothing: the last good one stays in force.
    What runs goes on for the same revision. Else its worker finds the lease gone at its next step,
    at the latest before it arms the device.
    """
    about: dict[str, object] = {"number": number, "its_ref": opening.revision.ref}
    refused_push = opening.mode is Mode.PUSH and bool(opening.problems)
    if opening.trigger is not None and not refused_push:
        running = conn.execute(_UNARMED, {**about, "its_sha": opening.revision.sha}).all()
        for row in running:
            conn.execute(_LET_GO, {"its_device": row.device, "its_job": row.id})
        waiting = conn.execute(_OF_REF, about).all()
        supersede(conn, [*waiting, *running], number, now)
        conn.execute(_SUCCEED, about)
    query = _BY_PUSH if opening.mode is Mode.PUSH else _BY_OTHERS
    about["its_mode"] = opening.mode
    for some in _chunks([plan.device.name for plan in opening.jobs], 500):
        supersede(conn, conn.execute(query, {**about, "devices": some}).all(), number, now)


def supersede(conn: sa.Connection, rows: Iterable[Row], newer: int, now: float) -> None:
    """End these jobs. What an earlier attempt left in the outcome stays."""
    ended = {}
    for row in rows:
        known = Outcome(state=State.SUPERSEDED)
        if row.outcome is not None:
            known = replace(join(row.outcome, row.detail), state=State.SUPERSEDED)
        why = f"superseded by deployment {newer}"
        ended[row.id] = replace(known, warnings=(*known.warnings, why))
    end(conn, ended, now)


def end(conn: sa.Connection, outcomes: Mapping[int, Outcome], now: float) -> None:
    """Write the ends of jobs, by their numbers, whatever they were."""
    rows = []
    for number, outcome in outcomes.items():
        brief, rest = split(outcome)
        values = {"its_state": outcome.state, "now": now, "brief": brief, "rest": rest}
        rows.append({"its_id": number, **values})
    if rows:
        conn.execute(_END_JOB, rows)


def settle(conn: sa.Connection, number: int, conclude: Conclude, now: float) -> Deployment:
    """Say how this deployment stands, after ending every one that has ended; gives it.

    One that goes on comes without the long texts of its outcomes; and when it has many jobs, with
    none of them and unsaid: counting all after each would take a fleet quadratic time.
    """
    progress = conn.execute(_PROGRESS, {"number": number}).one()
    quiet = progress.begun and progress.many
    if not quiet:
        # One after the other, or two last jobs would each take the other for one that still runs.
        conn.execute(_HOLD, {"number": number}).close()
    conclude_ended(conn, conclude, now)
    ended_at = conn.execute(_WHEN, {"number": number}).scalar_one()
    if ended_at is None and quiet:
        return _must(conn, number, with_jobs=False)
    deployment = _must(conn, number, brief=ended_at is None)
    if deployment.state.final:
        return deployment
    conclusion = conclude(deployment)
    if conclusion.summary != deployment.summary:
        conn.execute(_SUMMARISE, {"number": number, "summary": conclusion.summary})
    outbox.put(conn, conclusion.messages, now, number)
    return replace(deployment, summary=conclusion.summary)


def restate(conn: sa.Connection, conclude: Conclude, now: float) -> None:
    """Say again how every push that is not over stands: whether it is paused has changed."""
    for number in sorted(conn.execute(_PUSHES).scalars()):
        conclusion = conclude(_must(conn, number, brief=True))
        conn.execute(_SUMMARISE, {"number": number, "summary": conclusion.summary})
        outbox.put(conn, conclusion.messages, now, number)


def conclude_ended(conn: sa.Connection, conclude: Conclude, now: float) -> None:
    """End every deployment that has no live job any more, oldest first, and say so."""
    for number in sorted(conn.execute(_ENDED_HERE).scalars()):
        deployment = _must(conn, number)
        conclusion = conclude(deployment)
        # Nothing is left that could end it later, so a verdict that waits would wait for ever.
        state = conclusion.state if conclusion.state.final else State.FAILED
        conn.execute(
            _END,
            {"number": number, "its_state": state, "now": now, "summary": conclusion.summary},
        )
        outbox.put(conn, conclusion.messages, now, number)
        outbox.correct(conn, conclusion.corrections, now, number)
        committed(conn, replace(deployment, state=state, ended_at=now))


# --- read back ---------------------------------------------------------------------------------


def get(
    conn: sa.Connection, number: int, *, brief: bool = False, with_jobs: bool = True
) -> Deployment | None:
    """The deployment with its jobs in the order they were planned."""
    row = conn.execute(_GET, {"number": number}).one_or_none()
    if row is None:
        return None
    revision = Revision(sha=row.sha, ref=row.ref, title=row.title, author=row.author)
    jobs: Iterable[Row] = ()
    if with_jobs:
        jobs = conn.execute(_JOBS if brief else _JOBS_IN_FULL, {"number": number})
    return Deployment(
        id=row.id,
        revision=revision,
        mode=Mode(row.mode),
        cause=row.cause,
        state=State(row.state),
        created_at=row.created_at,
        ended_at=row.ended_at,
        summary=row.summary,
        problems=unpack(tuple[Problem, ...], row.problems),
        jobs=tuple(job_of(each, revision, None if brief else each.detail) for each in jobs),
        pause=pausing.get(conn) if row.mode == Mode.PUSH and row.ended_at is None else None,
    )


def _must(
    conn: sa.Connection, number: int, *, brief: bool = False, with_jobs: bool = True
) -> Deployment:
    deployment = get(conn, number, brief=brief, with_jobs=with_jobs)
    if deployment is None:
        raise InternalFault(f"deployment {number} is not in the store")
    return deployment


def planned(conn: sa.Connection, device: str, digest: str, since: float) -> Planned | None:
    """The plan of a pull request, when it is the last word on this text for this device."""
    row = conn.execute(_LAST_WORD, {"digest": digest, "name": device}).one_or_none()
    if row is None or row.mode != Mode.DRY_RUN or row.state != State.COMPLETE:
        return None
    if row.ended_at < since or row.outcome is None:
        return None
    outcome = join(row.outcome, row.detail)
    pull = Revision(sha="", ref=row.ref).pull
    if not outcome.seen or pull is None:
        return None
    return Planned(pull=pull, seen=outcome.seen, commands=outcome.commands)


def latest(conn: sa.Connection, limit: int, which: Which) -> Sequence[int]:
    """Numbers of the newest deployments among these, newest first."""
    query = _LATEST
    values: dict[str, object] = {"limit": limit}
    if which.before is not None:
        query = query.where(_d.id < sa.bindparam("before"))
        values["before"] = which.before
    for column, value in (
        (_d.mode, which.mode),
        (_d.state, which.state),
        (_d.cause, which.cause),
        (_d.sha, which.sha),
    ):
        if value is not None:
            query = query.where(column == sa.bindparam(f"its_{column.name}"))
            values[f"its_{column.name}"] = value
    if which.device is not None:
        query = query.where(_ON_DEVICE)
        values["its_device"] = which.device
    return conn.execute(query, values).scalars().all()


def job_of(row: Row, revision: Revision, detail: str | None = None) -> Job:
    return Job(
        id=row.id,
        deployment=row.deployment,
        device=unpack_device(row.target),
        mode=Mode(row.mode),
        revision=revision,
        desired=row.desired,
        state=State(row.state),
        step=None if row.step is None else Step(row.step),
        attempt=row.attempt,
        intent=None if row.intent is None else unpack(Intent, row.intent),
        run_at=row.run_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=None if row.outcome is None else join(row.outcome, detail),
    )
