"""The jobs that wait and run: leases with a fence, one running job per device, whatever dies.

A claim takes the device's lease and moves its fence; every write of the job names that fence, so
a worker that was frozen, cut off or given up cannot write, nor pass the checkpoint that stands
before each step on the device. A lease that ran out is taken away by the next claim. What comes
back to the queue while a newer deployment speaks for the device is superseded, not tried again,
unless it left the device in the middle of a push: then it goes first and all others wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from catnet_controller.errors import InternalFault, LeaseLost
from catnet_controller.models import (
    Claim,
    DeviceState,
    Intent,
    Job,
    Mode,
    Outcome,
    Revision,
    State,
    Step,
)
from catnet_controller.store import inventory, schema
from catnet_controller.store.codec import pack, split
from catnet_controller.store.deployments import BRIEF, INTERRUPTED, Row, end, job_of, supersede
from catnet_controller.store.schema import literal

_NAMED = 5
"""How many of the devices that failed are named to those that were held back."""

_j = schema.job.c
_l = schema.lease.c
_d = schema.deployment.c
_PENDING = _j.state == literal(State.PENDING)
_RUNNING = _j.state == literal(State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a worker claims: jobs of these sites (of all, when there are none), and in each site
    only while fewer than ``per_site`` run there (0: no bound)."""

    sites: tuple[str, ...] = ()
    per_site: int = 0


@cache
def _due(
    *, paused: bool = False, sites: bool = False, full: bool = False
) -> sa.Select[tuple[object, ...]]:
    other = schema.job.alias("other")
    first = sa.or_(other.c.rank < _j.rank, sa.and_(other.c.rank == _j.rank, other.c.id < _j.id))
    # One in back-off does not hold up the others, unless it left the device half-way.
    ahead = sa.exists().where(
        other.c.state == literal(State.PENDING),
        # By way of the lease, so that a busy device is left out before this is looked up.
        other.c.device == _l.device,
        first,
        sa.or_(other.c.run_at <= sa.bindparam("now"), other.c.rank == INTERRUPTED),
        _turn(other.c),
        *([_goes(other.c)] if paused else []),
    )
    columns = [_d.ref, _d.sha, _d.title, _d.author]
    return (
        sa.select(*BRIEF, *columns)
        .join(schema.lease, _l.device == _j.device)
        .join(schema.deployment, _d.id == _j.deployment)
        .where(_PENDING, _j.run_at <= sa.bindparam("now"), _l.job.is_(None), ~ahead, _turn(_j))
        .where(*([_goes(_j)] if paused else []))
        .where(*([_j.site.in_(sa.bindparam("sites", expanding=True))] if sites else []))
        .where(*([_j.site.not_in(sa.bindparam("full", expanding=True))] if full else []))
        .order_by(_j.rank, _j.id)
        .limit(sa.bindparam("limit"))
        # What another worker is taking this moment is left to it, and nobody is waited for.
        .with_for_update(of=[schema.lease, schema.job], skip_locked=True)
    )


def _goes(job: sa.ColumnCollection[str, sa.Column[Any]]) -> sa.ColumnElement[bool]:
    """What goes on while pushes are paused: a device left in the middle of one must not wait."""
    return sa.or_(job.mode != literal(Mode.PUSH), job.rank == INTERRUPTED)


def _turn(job: sa.ColumnCollection[str, sa.Column[Any]]) -> sa.ColumnElement[bool]:
    """What no lower wave of its deployment is under way before; a device left half-way goes."""
    lower = schema.job.alias()
    before = sa.exists().where(
        lower.c.deployment == job.deployment,
        lower.c.state.in_([literal(State.PENDING), literal(State.RUNNING)]),
        lower.c.wave < job.wave,
    )
    return sa.or_(job.wave == sa.literal_column("0"), job.rank == INTERRUPTED, ~before)


_DUE = _due()
_DUE_PAUSED = _due(paused=True)
_BUSY_SITES = (
    sa.select(_j.site, sa.func.count().label("running"))
    .where(_RUNNING, _j.site != literal(""))
    .group_by(_j.site)
)
_TAKE = (
    sa.update(schema.lease)
    .where(_l.device == sa.bindparam("its_device"), _l.job.is_(None))
    .values(
        fence=_l.fence + 1,
        job=sa.bindparam("its_job"),
        worker=sa.bindparam("its_worker"),
        until=sa.bindparam("its_until"),
    )
    .returning(_l.fence)
)
_START = (
    sa.update(schema.job)
    .where(_j.id == sa.bindparam("its_job"), _PENDING)
    .values(
        state=literal(State.RUNNING),
        attempt=_j.attempt + 1,
        started_at=sa.func.coalesce(_j.started_at, sa.bindparam("now")),
    )
)
_BEGIN = (
    sa.update(schema.deployment)
    .where(_d.id == sa.bindparam("number"), _d.state == literal(State.PENDING))
    .values(state=literal(State.RUNNING))
)
_OURS = (
    _l.device == sa.bindparam("its_device"),
    _l.fence == sa.bindparam("its_fence"),
    _l.job == sa.bindparam("its_job"),
)
_EXTEND = sa.update(schema.lease).where(*_OURS).values(until=sa.bindparam("its_until"))
_FREE = sa.update(schema.lease).where(*_OURS).values(job=None, worker=None, until=0.0)
_HELD = sa.select(_l.device, _l.fence, _l.job).where(_l.job.is_not(None))
_EXPIRED = _HELD.where(_l.until <= sa.bindparam("instant")).with_for_update(skip_locked=True)
_STEP = sa.update(schema.job).where(_j.id == sa.bindparam("its_job"), _RUNNING)
_STEP = _STEP.values(step=sa.bindparam("its_step"))
_STEP_WITH_INTENT = _STEP.values(intent=sa.bindparam("its_intent"), rank=INTERRUPTED)
_FIND = (
    sa.select(*BRIEF, _j.detail, _d.successor, _d.ref)
    .join(schema.deployment, _d.id == _j.deployment)
    .where(_j.id == sa.bindparam("its_job"))
)
_BACK = (
    sa.update(schema.job)
    .where(_j.id == sa.bindparam("its_job"))
    .values(
        state=literal(State.PENDING),
        run_at=sa.bindparam("later"),
        attempt=_j.attempt - sa.bindparam("untried"),
    )
)
_BACK_WITH_OUTCOME = _BACK.values(outcome=sa.bindparam("brief"), detail=sa.bindparam("rest"))
_NEWER = (
    sa.select(_j.deployment)
    .join(schema.deployment, _d.id == _j.deployment)
    .where(_PENDING, _j.device == sa.bindparam("its_device"), _d.id > sa.bindparam("number"))
    .order_by(_d.id.desc())
    .limit(1)
)
_SAME_KIND = sa.and_(_d.ref == sa.bindparam("its_ref"), _j.mode == sa.bindparam("its_mode"))
_NEWER_THAN_OTHERS = _NEWER.where(_SAME_KIND)
_NEWER_THAN_PUSH_OR_CHECK = _NEWER.where(sa.or_(_SAME_KIND, _j.mode == literal(Mode.PUSH)))
_WAITING_ON = sa.select(_j.id).where(
    _PENDING, _j.intent.is_(None), _j.device == sa.bindparam("its_device")
)

_LIVE_OF = (
    sa.select(_j.id, _j.device, _j.intent, _l.fence)
    .join(schema.lease, _l.job == _j.id, isouter=True)
    .where(_j.deployment == sa.bindparam("number"), sa.or_(_PENDING, _RUNNING))
)
_FAILED_OF = (
    sa.select(_j.device)
    .where(_j.deployment == sa.bindparam("number"), _j.state == literal(State.FAILED))
    .order_by(_j.id)
)
_LATER = sa.select(_j.id).where(
    _PENDING,
    _j.intent.is_(None),
    _j.deployment == sa.bindparam("number"),
    _j.wave > sa.bindparam("its_wave"),
)
_UNARMED = _HELD.join(schema.job, _j.id == _l.job).where(
    _RUNNING, _j.mode == literal(Mode.PUSH), _j.intent.is_(None)
)


def claim(
    conn: sa.Connection,
    *,
    limit: int,
    now: float,
    instant: float,
    lease: float,
    worker: str,
    paused: bool = False,
    bounds: Bounds = Bounds(),
) -> list[Claim]:
    """``now`` says what is due, ``instant`` (a clock that never jumps) which lease ran out."""
    for row in conn.execute(_EXPIRED, {"instant": instant}).all():
        _take_away(conn, row.device, row.fence, row.job, now)
    claims = []
    room: dict[str, int] = {}
    if bounds.per_site:
        room = {row.site: bounds.per_site - row.running for row in conn.execute(_BUSY_SITES)}
    full = [site for site, free in room.items() if free <= 0]
    query = _due(paused=paused, sites=bool(bounds.sites), full=bool(full))
    wanted: dict[str, object] = {"now": now, "limit": limit}
    if bounds.sites:
        wanted["sites"] = bounds.sites
    if full:
        wanted["full"] = full
    due: Sequence[Row] = conn.execute(query, wanted).all()
    for row in due:
        if bounds.per_site and row.site:
            free = room.setdefault(row.site, bounds.per_site)
            if free <= 0:
                continue
            room[row.site] = free - 1
        holder = {"its_device": row.device, "its_job": row.id}
        until = {"its_worker": worker, "its_until": instant + lease}
        fence = conn.execute(_TAKE, {**holder, **until}).scalar_one_or_none()
        if fence is None:
            continue
        if conn.execute(_START, {"its_job": row.id, "now": now}).rowcount != 1:
            raise InternalFault(f"job {row.id} was started twice")
        revision = Revision(sha=row.sha, ref=row.ref, title=row.title, author=row.author)
        started_at = now if row.started_at is None else row.started_at
        job = replace(
            job_of(row, revision),
            state=State.RUNNING,
            attempt=row.attempt + 1,
            started_at=started_at,
        )
        claims.append(Claim(job=job, fence=fence))
    for number in {each.job.deployment for each in claims}:
        conn.execute(_BEGIN, {"number": number})
    return claims


def renew(conn: sa.Connection, claims: Sequence[Claim], until: float) -> list[Claim]:
    return [
        each
        for each in claims
        if conn.execute(_EXTEND, {**_holder(each), "its_until": until}).rowcount
    ]


def checkpoint(
    conn: sa.Connection, claim: Claim, step: Step, intent: Intent | None, until: float
) -> None:
    """Passing one extends the lease, so that the step begins with the whole of it.

    Without ``intent`` the one on record stays: forgetting it would leave a device half-way.
    """
    if not conn.execute(_EXTEND, {**_holder(claim), "its_until": until}).rowcount:
        raise _lost(claim)
    values = {"its_job": claim.job.id, "its_step": step}
    if intent is None:
        conn.execute(_STEP, values)
    else:
        conn.execute(_STEP_WITH_INTENT, {**values, "its_intent": pack(intent)})


def finish(
    conn: sa.Connection,
    claim: Claim,
    outcome: Outcome,
    state: DeviceState,
    now: float,
    *,
    max_failures: int = 0,
) -> None:
    """A push that failed holds the later waves back when more failed than ``max_failures``."""
    if not outcome.state.final:
        raise InternalFault(f"job {claim.job.id} cannot end as {outcome.state}")
    _free(conn, claim)
    end(conn, {claim.job.id: outcome}, now)
    if outcome.state is State.FAILED and claim.job.mode is Mode.PUSH:
        _hold_back(conn, claim.job, max_failures, now)
    looked = claim.job.mode not in (Mode.PUSH, Mode.ROLLBACK)
    inventory.observe(conn, state, looked=looked)


def _hold_back(conn: sa.Connection, job: Job, max_failures: int, now: float) -> None:
    later = {"number": job.deployment, "its_wave": job.device.wave}
    waiting = conn.execute(_LATER, later).scalars().all()
    if not waiting:
        return
    failed = conn.execute(_FAILED_OF, {"number": job.deployment}).scalars().all()
    if len(failed) <= max_failures:
        return
    named = ", ".join(failed[:_NAMED]) + (" …" if len(failed) > _NAMED else "")
    outcome = Outcome(state=State.HELD_BACK, warnings=(f"held back: {named} failed before",))
    end(conn, dict.fromkeys(waiting, outcome), now)


def retry(
    conn: sa.Connection,
    claim: Claim,
    outcome: Outcome,
    run_at: float,
    now: float,
    *,
    state: DeviceState | None = None,
) -> None:
    _free(conn, claim)
    if state is not None:
        inventory.observe(conn, state)
    _give_back(conn, claim.job.id, run_at, now, outcome=outcome)


def release(conn: sa.Connection, claim: Claim, now: float) -> None:
    _free(conn, claim)
    _give_back(conn, claim.job.id, claim.job.run_at, now, untried=1)


def free_leases(conn: sa.Connection, now: float) -> int:
    held = conn.execute(_HELD).all()
    for row in held:
        _take_away(conn, row.device, row.fence, row.job, now)
    return len(held)


def cancel_waiting(conn: sa.Connection, device: str, reason: str, now: float) -> None:
    """End what waits for a device and has not touched it."""
    outcome = Outcome(state=State.CANCELLED, warnings=(reason,))
    waiting = conn.execute(_WAITING_ON, {"its_device": device}).scalars().all()
    end(conn, dict.fromkeys(waiting, outcome), now)


def cancel(conn: sa.Connection, number: int, reason: str, now: float) -> tuple[int, list[str]]:
    """End what has not touched its device; gives how many, and the devices that go on.

    Who works on one of these finds the lease gone at its next step, and types nothing more.
    """
    ended, left = {}, []
    outcome = Outcome(state=State.CANCELLED, warnings=(reason,))
    for row in conn.execute(_LIVE_OF, {"number": number}).all():
        if row.intent is not None:
            left.append(row.device)
            continue
        if row.fence is not None:
            conn.execute(_FREE, _holding(row.device, row.fence, row.id))
        ended[row.id] = outcome
    end(conn, ended, now)
    return len(ended), left


def hold(conn: sa.Connection, now: float) -> None:
    """Put back the pushes that run and have not armed their device."""
    for row in conn.execute(_UNARMED).all():
        if conn.execute(_FREE, _holding(row.device, row.fence, row.job)).rowcount:
            _give_back(conn, row.job, now, now, untried=1)


def _holding(device: str, fence: int, job: int) -> dict[str, object]:
    return {"its_device": device, "its_fence": fence, "its_job": job}


def _take_away(conn: sa.Connection, device: str, fence: int, job: int, now: float) -> None:
    holder = {"its_device": device, "its_fence": fence, "its_job": job}
    if conn.execute(_FREE, holder).rowcount:
        _give_back(conn, job, now, now)


def _give_back(
    conn: sa.Connection,
    number: int,
    run_at: float,
    now: float,
    *,
    outcome: Outcome | None = None,
    untried: int = 0,
) -> None:
    row: Row = conn.execute(_FIND, {"its_job": number}).one()
    values = {"its_job": number, "later": run_at, "untried": untried}
    if outcome is None:
        conn.execute(_BACK, values)
    else:
        brief, rest = split(outcome)
        conn.execute(_BACK_WITH_OUTCOME, {**values, "brief": brief, "rest": rest})
    if row.intent is not None:
        return
    newer = row.successor
    if newer is None:
        replaced = row.mode in (Mode.PUSH, Mode.CHECK)
        query = _NEWER_THAN_PUSH_OR_CHECK if replaced else _NEWER_THAN_OTHERS
        about = {"its_device": row.device, "number": row.deployment, "its_ref": row.ref}
        newer = conn.execute(query, {**about, "its_mode": row.mode}).scalar_one_or_none()
    if newer is not None:
        supersede(conn, conn.execute(_FIND, {"its_job": number}).all(), newer, now)


def _free(conn: sa.Connection, claim: Claim) -> None:
    if not conn.execute(_FREE, _holder(claim)).rowcount:
        raise _lost(claim)


def _holder(claim: Claim) -> dict[str, object]:
    job = claim.job
    return {"its_device": job.device.name, "its_fence": claim.fence, "its_job": job.id}


def _lost(claim: Claim) -> LeaseLost:
    job = claim.job
    return LeaseLost(f"job {job.id} on {job.device.name} belongs to another worker now")
