"""Whether pushes are paused, by whom and why: one row, or none."""

import sqlalchemy as sa

from catnet_controller.models import Pause
from catnet_controller.store import schema

_p = schema.pause.c
_GET = sa.select(_p.by, _p.reason, _p.since)
_SET = sa.insert(schema.pause)
_CLEAR = sa.delete(schema.pause)


def get(conn: sa.Connection) -> Pause | None:
    row = conn.execute(_GET).one_or_none()
    return None if row is None else Pause(by=row.by, reason=row.reason, since=row.since)


def put(conn: sa.Connection, pause: Pause | None) -> None:
    conn.execute(_CLEAR)
    if pause is not None:
        values = {"by": pause.by, "reason": pause.reason, "since": pause.since}
        conn.execute(_SET, {"id": 1, **values})
