"""How much waits, when something falls due, whether writing works, and what may go."""

import sqlite3

import sqlalchemy as sa

from catnet_controller.models import POLLED, DeviceState, Intent, QueueDepth, State
from catnet_controller.store import schema
from catnet_controller.store.codec import unpack
from catnet_controller.store.schema import literal

_d = schema.deployment.c
_j = schema.job.c
_t = schema.trigger.c
_o = schema.outbox.c
_l = schema.lease.c
_BATCH = 50
DAY = 86_400.0


def _waits(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return column == literal(State.PENDING)


_count = sa.func.count()
_GIVEN_UP = _o.state == literal(State.FAILED)
_DEPTH = sa.select(
    sa.select(_count).where(_waits(_j.state)).scalar_subquery().label("pending"),
    sa.select(_count).where(_j.state == literal(State.RUNNING)).scalar_subquery().label("running"),
    sa.select(_count).where(_waits(_t.state)).scalar_subquery().label("triggers"),
    sa.select(_count).where(_waits(_o.state)).scalar_subquery().label("outbox"),
    sa.select(sa.func.min(_o.created_at)).where(_waits(_o.state)).scalar_subquery().label("oldest"),
    sa.select(_count).where(_GIVEN_UP).scalar_subquery().label("given_up"),
    sa.select(schema.duty.c.rung_at)
    .where(schema.duty.c.name == literal(POLLED))
    .scalar_subquery()
    .label("polled_at"),
)
_FIRST_GIVEN_UP = (
    sa.select(_o.changed_at, _o.error).where(_GIVEN_UP).order_by(_o.changed_at, _o.id).limit(1)
)
_since: sa.BindParameter[float] = sa.bindparam("since", type_=sa.Double)
_HORIZON = sa.select(
    sa.select(sa.func.min(_j.run_at)).where(_waits(_j.state), _j.run_at > _since).scalar_subquery(),
    sa.select(sa.func.min(_t.due_at)).where(_waits(_t.state), _t.due_at > _since).scalar_subquery(),
    sa.select(sa.func.min(_o.run_at)).where(_waits(_o.state), _o.run_at > _since).scalar_subquery(),
)
_LEASES = sa.select(sa.func.min(_l.until)).where(_l.job.is_not(None), _l.until > _since)
_BEAT = sa.update(schema.pulse).where(schema.pulse.c.worker == sa.bindparam("its_worker"))
_FIRST_BEAT = sa.insert(schema.pulse)

_KEPT = sa.select(_d.id).order_by(_d.id.desc()).limit(sa.bindparam("keep"))
_IN_FORCE = sa.exists().where(schema.ref_state.c.deployment == _d.id)
_OLD = (
    sa.select(_d.id)
    .where(
        _d.ended_at < sa.bindparam("before"),
        _d.state.not_in([literal(State.PENDING), literal(State.RUNNING)]),
        ~_IN_FORCE,
        _d.id.not_in(_KEPT),
    )
    .order_by(_d.id)
    .limit(_BATCH)
)
_DROP_JOBS = sa.delete(schema.job).where(_j.deployment == sa.bindparam("number"))
_DROP = sa.delete(schema.deployment).where(_d.id == sa.bindparam("number"))
_before: sa.BindParameter[float] = sa.bindparam("before", type_=sa.Double)
_text = schema.desired.c
_dev = schema.device.c
_DROP_REST = (
    sa.delete(schema.delivery).where(schema.delivery.c.received_at < _before),
    sa.delete(schema.trigger).where(~_waits(_t.state), _t.due_at < _before),
    sa.delete(schema.outbox).where(~_waits(_o.state), _o.changed_at < _before),
    sa.delete(schema.comment).where(schema.comment.c.ended_at < _before),
    sa.delete(schema.pulse).where(schema.pulse.c.alive_at < _before),
)
_DROP_TEXTS = sa.delete(schema.desired).where(
    _text.stored_at < _before,
    ~sa.exists().where(_j.desired == _text.digest),
    _text.digest.not_in(sa.select(_dev.applied).where(_dev.applied.is_not(None))),
    _text.digest.not_in(sa.select(_dev.desired).where(_dev.desired.is_not(None))),
)

_INTENTS = sa.select(_j.intent).where(
    _j.state.in_([literal(State.PENDING), literal(State.RUNNING)]), _j.intent.is_not(None)
)
_BODIES = sa.select(_dev.body)


def depth(conn: sa.Connection, now: float) -> QueueDepth:
    row = conn.execute(_DEPTH).one()
    first = conn.execute(_FIRST_GIVEN_UP).one_or_none() if row.given_up else None
    return QueueDepth(
        pending=row.pending,
        running=row.running,
        triggers=row.triggers,
        outbox=row.outbox,
        outbox_age=max(0.0, now - row.oldest) if row.oldest is not None else 0.0,
        given_up=row.given_up if first is not None else 0,
        given_up_at=first.changed_at if first is not None else None,
        refusal=(first.error or "") if first is not None else "",
        polled_at=row.polled_at,
    )


def horizon(conn: sa.Connection, since: float) -> float | None:
    """The first moment after ``since`` at which something falls due."""
    times = [each for each in conn.execute(_HORIZON, {"since": since}).one() if each is not None]
    return min(times, default=None)


def expiry(conn: sa.Connection, since: float) -> float | None:
    """When the first lease runs out after ``since``, both by the clock of the leases."""
    until: float | None = conn.execute(_LEASES, {"since": since}).scalar_one()
    return until


def beat(conn: sa.Connection, worker: str, now: float) -> None:
    """Write something, to know that writing works."""
    if not conn.execute(_BEAT, {"its_worker": worker, "alive_at": now}).rowcount:
        conn.execute(_FIRST_BEAT, {"worker": worker, "alive_at": now})


def prune_deployments(conn: sa.Connection, before: float, keep: int) -> int:
    """Drop some deployments; call again until it gives 0, so that no one else waits for long.

    The newest ``keep`` stay, and those that a ref was last planned with.
    """
    numbers = conn.execute(_OLD, {"before": before, "keep": keep}).scalars().all()
    for number in numbers:
        conn.execute(_DROP_JOBS, {"number": number})
        conn.execute(_DROP, {"number": number})
    return len(numbers)


def prune_rest(conn: sa.Connection, before: float, now: float) -> None:
    """Drop old deliveries, settled triggers, messages that are in, and texts nobody refers to.

    A text of the last day stays: it may belong to a deployment that is about to open.
    """
    for statement in _DROP_REST:
        conn.execute(statement, {"before": before})
    conn.execute(_DROP_TEXTS, {"before": min(before, now - DAY)})


def held_backups(conn: sa.Connection) -> frozenset[str]:
    """Ids of the backups that an unfinished job goes back to, or the next rollback."""
    intents = conn.execute(_INTENTS).scalars()
    states = conn.execute(_BODIES).scalars()
    held = {unpack(Intent, text).backup for text in intents}
    return frozenset(held | {it for text in states if (it := unpack(DeviceState, text).before)})


def give_back_space(conn: sa.Connection) -> None:
    """Shrink the file by what was dropped, a part at a time, and the log beside it."""
    driver = conn.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    # It frees a page with each step of the statement, so all of its (empty) rows are asked for.
    driver.execute("PRAGMA incremental_vacuum(2000)").fetchall()
    driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
