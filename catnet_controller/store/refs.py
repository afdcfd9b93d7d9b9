"""What is known of refs: webhook deliveries, the triggers that wait, what was last planned."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from catnet_controller.models import Delivery, RefState, State, Trigger
from catnet_controller.ports import Arrival
from catnet_controller.store import schema
from catnet_controller.store.schema import literal

_t = schema.trigger.c
_WAITING = _t.state == literal(State.PENDING)
_SETTLED = literal(State.COMPLETE)

# What it returns is not wanted, but makes one statement of many rows.
_LOG = sa.insert(schema.delivery).returning(schema.delivery.c.id)
_FIND = sa.select(schema.trigger).where(_t.ref == sa.bindparam("ref"))
_ADD = sa.insert(schema.trigger)
_RAISE = sa.update(schema.trigger).where(_t.ref == sa.bindparam("its_ref"))
_NEXT = sa.select(schema.trigger).where(_WAITING, _t.due_at <= sa.bindparam("now"))
_NEXT = _NEXT.order_by(_t.due_at, _t.ref).limit(1)
_SAME = (_WAITING, _t.ref == sa.bindparam("its_ref"), _t.seq == sa.bindparam("its_seq"))
_SETTLE = sa.update(schema.trigger).where(*_SAME).values(state=_SETTLED)
_POSTPONE = (
    sa.update(schema.trigger)
    .where(*_SAME)
    .values(due_at=sa.bindparam("due"), attempt=_t.attempt + 1)
)
_REF = sa.select(schema.ref_state).where(schema.ref_state.c.ref == sa.bindparam("ref"))
_MARK = sa.update(schema.ref_state).where(schema.ref_state.c.ref == sa.bindparam("its_ref"))
_MARK_NEW = sa.insert(schema.ref_state)
_FORGET = sa.delete(schema.ref_state).where(schema.ref_state.c.ref == sa.bindparam("ref"))
_DELIVERIES = sa.select(schema.delivery).order_by(schema.delivery.c.id.desc())
_DELIVERIES = _DELIVERIES.limit(sa.bindparam("limit"))


def receive(conn: sa.Connection, arrived: Sequence[Arrival], now: float) -> None:
    """Each delivery gets its row; of the triggers for a ref the last one counts."""
    conn.execute(
        _LOG,
        [
            {
                "guid": delivery.guid,
                "event": delivery.event,
                "verdict": delivery.verdict,
                "received_at": delivery.received_at,
            }
            for delivery, _ in arrived
        ],
    ).all()
    triggers = {trigger.ref: trigger for _, trigger in arrived if trigger is not None}
    for _, trigger in sorted(triggers.items()):
        raise_(conn, trigger, now)


def raise_(conn: sa.Connection, trigger: Trigger, now: float) -> None:
    """A trigger that waits keeps the earlier of both times and the force an operator gave it.

    What is raised for later keeps why it waits, too: a word on what moved is lost otherwise.
    """
    row = conn.execute(_FIND, {"ref": trigger.ref}).one_or_none()
    due_at, force = max(trigger.due_at, now), trigger.force
    reason, sha = trigger.reason, trigger.sha
    if row is not None and row.state == State.PENDING:
        # The earlier time, so that a ref which is raised all the time still gets its turn.
        due_at, force = min(due_at, row.due_at), force or row.force
        if trigger.due_at > now:
            reason, sha = row.reason, row.sha
    values = {
        "seq": 1 if row is None else row.seq + 1,
        "reason": reason,
        "sha": sha,
        "force": force,
        "attempt": 0,
        "due_at": due_at,
        "state": State.PENDING,
    }
    if row is None:
        conn.execute(_ADD, {"ref": trigger.ref, **values})
    else:
        conn.execute(_RAISE, {"its_ref": trigger.ref, **values})


def next_trigger(conn: sa.Connection, now: float) -> Trigger | None:
    return _trigger(conn.execute(_NEXT, {"now": now}).one_or_none())


def raised(conn: sa.Connection, ref: str) -> Trigger | None:
    """The one last raised for the ref, settled or not."""
    return _trigger(conn.execute(_FIND, {"ref": ref}).one_or_none())


def _trigger(row: Any) -> Trigger | None:
    if row is None:
        return None
    return Trigger(
        ref=row.ref,
        reason=row.reason,
        sha=row.sha,
        force=row.force,
        seq=row.seq,
        attempt=row.attempt,
        due_at=row.due_at,
    )


def settle(conn: sa.Connection, trigger: Trigger) -> None:
    conn.execute(_SETTLE, {"its_ref": trigger.ref, "its_seq": trigger.seq})


def postpone(conn: sa.Connection, trigger: Trigger, due_at: float) -> None:
    conn.execute(_POSTPONE, {"its_ref": trigger.ref, "its_seq": trigger.seq, "due": due_at})


def ref_state(conn: sa.Connection, ref: str) -> RefState | None:
    row = conn.execute(_REF, {"ref": ref}).one_or_none()
    return None if row is None else RefState(ref=row.ref, sha=row.sha, deployment=row.deployment)


def mark(conn: sa.Connection, ref: str, sha: str, deployment: int) -> None:
    """The ref is planned at this sha."""
    values = {"sha": sha, "deployment": deployment}
    if not conn.execute(_MARK, {"its_ref": ref, **values}).rowcount:
        conn.execute(_MARK_NEW, {"ref": ref, **values})


def forget(conn: sa.Connection, ref: str) -> None:
    """A trigger that waits stays: the ref may have come back meanwhile."""
    conn.execute(_FORGET, {"ref": ref})


def deliveries(conn: sa.Connection, limit: int) -> tuple[Delivery, ...]:
    return tuple(
        Delivery(guid=row.guid, event=row.event, verdict=row.verdict, received_at=row.received_at)
        for row in conn.execute(_DELIVERIES, {"limit": limit})
    )
