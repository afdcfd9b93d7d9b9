"""What only one daemon does at a time, by lease, and timers that ring once for all of them.

A duty is not fenced as a device is: each one is written so that doing it twice only costs time
(a trigger raised twice is one trigger, a message sent twice is the same message).
"""

import sqlalchemy as sa

from catnet_controller.store import schema

_d = schema.duty.c
_FIND = sa.select(_d.worker, _d.until, _d.rung_at).where(_d.name == sa.bindparam("its_name"))
_FIND = _FIND.with_for_update()
_ADD = sa.insert(schema.duty)
_WRITE = sa.update(schema.duty).where(_d.name == sa.bindparam("its_name"))
_LEAVE = sa.update(schema.duty).where(_d.worker == sa.bindparam("its_worker"))
_LEAVE = _LEAVE.values(worker=None, until=0.0)


def take(conn: sa.Connection, name: str, worker: str, instant: float, until: float) -> bool:
    """Whether the duty is this worker's until then: free, left behind, or its own already."""
    row = conn.execute(_FIND, {"its_name": name}).one_or_none()
    mine = {"worker": worker, "until": until}
    if row is None:
        conn.execute(_ADD, {"name": name, **mine, "rung_at": 0.0})
        return True
    if row.worker not in (None, worker) and row.until > instant:
        return False
    conn.execute(_WRITE, {"its_name": name, **mine})
    return True


def leave(conn: sa.Connection, worker: str) -> None:
    """Give up all that this worker has."""
    conn.execute(_LEAVE, {"its_worker": worker})


def ring(conn: sa.Connection, name: str, interval: float, now: float) -> bool:
    """Whether the interval has passed since this last gave True; never the first time.

    A clock that was set back must not silence it for longer than an interval.
    """
    row = conn.execute(_FIND, {"its_name": name}).one_or_none()
    if row is None:
        conn.execute(_ADD, {"name": name, "worker": None, "until": 0.0, "rung_at": now})
        return False
    if row.rung_at and row.rung_at <= now < row.rung_at + interval:
        return False
    conn.execute(_WRITE, {"its_name": name, "rung_at": now})
    return bool(row.rung_at)
