"""What pages show of deployments: counted by the database, read a part at a time."""

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from catnet_controller.models import Deployment, Job, State, Tally, Wave
from catnet_controller.store import deployments, schema
from catnet_controller.store.schema import literal

_d = schema.deployment.c
_j = schema.job.c

# The text of an outcome is written without spaces, and escapes quotes that stand in a value.
_CHANGED = sa.case((_j.outcome.contains('"changed":true', autoescape=True), 1), else_=0)
_PLACE = sa.case(
    (_j.state == literal(State.FAILED), 0),
    (_j.state == literal(State.RUNNING), 1),
    (_j.state == literal(State.PENDING), 2),
    else_=4 - _CHANGED,
)
_NEWEST = sa.select(_d.id).order_by(_d.id.desc()).limit(sa.bindparam("limit"))
_OLDER = _NEWEST.where(_d.id < sa.bindparam("before"))
_COUNTS = (
    sa.select(
        _j.state,
        _j.wave,
        sa.func.count().label("jobs"),
        sa.func.sum(_CHANGED).label("changed"),
    )
    .where(_j.deployment == sa.bindparam("number"))
    .group_by(_j.state, _j.wave)
)
_JOBS = (
    sa.select(*deployments.BRIEF, _j.detail)
    .where(_j.deployment == sa.bindparam("number"))
    .order_by(_PLACE, _j.device, _j.id)
    .limit(sa.bindparam("limit"))
    .offset(sa.bindparam("start"))
)
_OF_DEVICE = (
    sa.select(*deployments.BRIEF)
    .where(_j.device == sa.bindparam("its_device"))
    .order_by(_j.id.desc())
    .limit(sa.bindparam("limit"))
)
_JOB = sa.select(*deployments.BRIEF, _j.detail).where(_j.id == sa.bindparam("number"))


def newest(conn: sa.Connection, limit: int, before: int | None) -> Sequence[int]:
    if before is None:
        return conn.execute(_NEWEST, {"limit": limit}).scalars().all()
    return conn.execute(_OLDER, {"limit": limit, "before": before}).scalars().all()


def tally(conn: sa.Connection, number: int) -> Tally | None:
    found = deployments.get(conn, number, with_jobs=False)
    if found is None:
        return None
    rows = conn.execute(_COUNTS, {"number": number}).all()
    counts: Counter[State] = Counter()
    waves: dict[int, Counter[State]] = {}
    for row in rows:
        state = State(row.state)
        counts[state] += int(row.jobs)
        waves.setdefault(row.wave, Counter())[state] += int(row.jobs)
    return Tally(
        deployment=found,
        counts=counts,
        # A push that failed has a difference to tell of, but changed nothing that stayed.
        changed=sum(int(row.changed) for row in rows if row.state == State.COMPLETE),
        waves=tuple(_wave(number, states) for number, states in sorted(waves.items())),
    )


def _wave(number: int, states: Counter[State]) -> Wave:
    held_back = states[State.HELD_BACK]
    ended = sum(jobs for state, jobs in states.items() if state.final)
    return Wave(number=number, total=states.total(), done=ended - held_back, held_back=held_back)


def jobs(  # noqa: PLR0917 - handed on by the store as they stand
    conn: sa.Connection, number: int, limit: int, offset: int, state: State | None, words: str
) -> Sequence[Job]:
    found = deployments.get(conn, number, with_jobs=False)
    if found is None:
        return ()
    query = _JOBS
    values: dict[str, object] = {"number": number, "limit": limit, "start": offset}
    if state is not None:
        query = query.where(_j.state == sa.bindparam("its_state"))
        values["its_state"] = state
    if words:
        query = query.where(sa.func.lower(_j.device).contains(words.lower(), autoescape=True))
    rows = conn.execute(query, values).all()
    return [deployments.job_of(row, found.revision, row.detail) for row in rows]


def history_of(conn: sa.Connection, device: str, limit: int) -> Sequence[tuple[Deployment, Job]]:
    found = []
    for row in conn.execute(_OF_DEVICE, {"its_device": device, "limit": limit}).all():
        its = deployments.get(conn, row.deployment, with_jobs=False)
        if its is not None:
            found.append((its, deployments.job_of(row, its.revision)))
    return found


def job(conn: sa.Connection, number: int) -> Job | None:
    row = conn.execute(_JOB, {"number": number}).one_or_none()
    if row is None:
        return None
    its = deployments.get(conn, row.deployment, with_jobs=False)
    assert its is not None, "a job has its deployment"
    return deployments.job_of(row, its.revision, row.detail)
