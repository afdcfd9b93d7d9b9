"""Messages to GitHub, one row per key: the newest word only, and not twice in a row.

A row counts up ``seq`` with each new body. What a reporter hands back names the ``seq`` it worked
on, so an answer that comes late says nothing about a newer body. ``delivered`` is the body that
GitHub has: the same one again is no news. A deployment never replaces what a newer one said under
the same key, or an old verdict would overtake a new one. What GitHub refused for good is no news
either until some time has passed: who says the same at every look would knock without end.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from catnet_controller.models import Message, OutboxRow, State, StatusMessage
from catnet_controller.store import schema
from catnet_controller.store.codec import pack, unpack_message
from catnet_controller.store.schema import literal

AGAIN = 3600.0
"""Seconds after which what was given up is tried again when it is still said."""

_o = schema.outbox.c
_WAITING = _o.state == literal(State.PENDING)

_FIND = sa.select(_o.seq, _o.deployment, _o.state, _o.created_at, _o.changed_at)
_FIND = _FIND.add_columns(_o.body, _o.delivered)
_FIND = _FIND.where(_o.key == sa.bindparam("key")).with_for_update()
_SAID = sa.select(_o.key).where(_o.key.in_(sa.bindparam("keys", expanding=True)))
_AT_ONCE = 500
"""Keys in one statement."""
_ADD = sa.insert(schema.outbox)
_REPLACE = sa.update(schema.outbox).where(_o.key == sa.bindparam("its_key"))
_DUE = sa.select(_o.id, _o.seq, _o.attempt, _o.remote, _o.created_at, _o.body)
_DUE = _DUE.where(_WAITING, _o.run_at <= sa.bindparam("now"))
_DUE = _DUE.order_by(_o.run_at, _o.id).limit(sa.bindparam("limit"))
_ROW = sa.update(schema.outbox).where(_o.id == sa.bindparam("its_id"))
_SAME = _ROW.where(_WAITING, _o.seq == sa.bindparam("its_seq"))
_KNOWN = _ROW.values(
    delivered=sa.bindparam("sent"), remote=sa.func.coalesce(sa.bindparam("its_remote"), _o.remote)
)
_IN = _SAME.values(state=literal(State.COMPLETE), error=None, changed_at=sa.bindparam("now"))
_DEFER = _SAME.values(
    attempt=_o.attempt + 1, run_at=sa.bindparam("later"), error=sa.bindparam("why")
)
_GIVE_UP = _SAME.values(
    state=literal(State.FAILED), error=sa.bindparam("why"), changed_at=sa.bindparam("now")
)
_GIVEN_UP = _o.state == literal(State.FAILED)
_SINCE = _o.created_at >= sa.bindparam("since", type_=sa.Double)
_ANEW = {"state": literal(State.PENDING), "attempt": 0, "run_at": sa.bindparam("now")}
_REVIVE = sa.update(schema.outbox).where(_GIVEN_UP, _SINCE, _o.key.like(sa.bindparam("like")))
_REVIVE = _REVIVE.values(_ANEW)
_TRIED = sa.select(_o.id, _o.key).where(_GIVEN_UP, _SINCE).order_by(_o.changed_at, _o.id)
_PROBE = _ROW.where(_GIVEN_UP).values(_ANEW)


def put(
    conn: sa.Connection, messages: Sequence[Message], now: float, deployment: int | None = None
) -> None:
    """``deployment`` is who speaks; None (nobody in particular) is always heard."""
    for message in messages:
        _put(conn, message, now, deployment)


def correct(
    conn: sa.Connection, messages: Sequence[Message], now: float, deployment: int | None = None
) -> None:
    """As `put`, but silent where nothing was said before."""
    keys = [message.key for message in messages]
    said: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        said.update(conn.execute(_SAID, {"keys": keys[start : start + _AT_ONCE]}).scalars())
    put(conn, [each for each in messages if each.key in said], now, deployment)


def _put(conn: sa.Connection, message: Message, now: float, deployment: int | None) -> None:
    body = pack(message)
    row = conn.execute(_FIND, {"key": message.key}).one_or_none()
    fresh = {
        "state": State.PENDING,
        "attempt": 0,
        "run_at": now,
        "changed_at": now,
        "error": None,
        "body": body,
    }
    if row is None:
        known = {"key": message.key, "seq": 1, "created_at": now, "deployment": deployment}
        conn.execute(_ADD, {**known, **fresh})
        return
    if deployment is not None and row.deployment is not None and deployment < row.deployment:
        return
    speaker = row.deployment if deployment is None else deployment
    waits = row.state == State.PENDING
    told = row.state == State.COMPLETE and _same(message, body, row.delivered)
    given_up = row.state == State.FAILED and row.changed_at <= now < row.changed_at + AGAIN
    if told or ((waits or given_up) and row.body == body):
        if speaker != row.deployment:
            conn.execute(_REPLACE, {"its_key": message.key, "deployment": speaker})
        return
    # The age of a row is that of the oldest news GitHub has not heard.
    created_at = row.created_at if waits else now
    known = {"seq": row.seq + 1, "created_at": created_at, "deployment": speaker}
    conn.execute(_REPLACE, {"its_key": message.key, **known, **fresh})


def _same(message: Message, body: str, delivered: str | None) -> bool:
    """Whether GitHub has it; a status that says the same with another link is no news."""
    if delivered is None or delivered == body:
        return delivered == body
    known = unpack_message(delivered)
    if not isinstance(message, StatusMessage) or not isinstance(known, StatusMessage):
        return False
    return (message.state, message.description) == (known.state, known.description)


def due(conn: sa.Connection, limit: int, now: float) -> tuple[OutboxRow, ...]:
    return tuple(
        OutboxRow(
            id=row.id,
            seq=row.seq,
            message=unpack_message(row.body),
            attempt=row.attempt,
            remote=row.remote,
            created_at=row.created_at,
        )
        for row in conn.execute(_DUE, {"limit": limit, "now": now})
    )


def delivered(conn: sa.Connection, row: OutboxRow, remote: str | None, now: float) -> None:
    conn.execute(_KNOWN, {"its_id": row.id, "sent": pack(row.message), "its_remote": remote})
    conn.execute(_IN, {"its_id": row.id, "its_seq": row.seq, "now": now})


def defer(conn: sa.Connection, row: OutboxRow, run_at: float, error: str) -> None:
    conn.execute(_DEFER, {"its_id": row.id, "its_seq": row.seq, "later": run_at, "why": error})


def revive(conn: sa.Connection, since: float, now: float, like: Message | None = None) -> int:
    keys = "%" if like is None else f"{_kind(like.key)}:%"
    return conn.execute(_REVIVE, {"since": since, "now": now, "like": keys}).rowcount


def probe(conn: sa.Connection, since: float, now: float) -> int:
    longest: dict[str, int] = {}
    for row in conn.execute(_TRIED, {"since": since}):
        longest.setdefault(_kind(row.key), row.id)
    for number in longest.values():
        conn.execute(_PROBE, {"its_id": number, "now": now})
    return len(longest)


def _kind(key: str) -> str:
    return key.partition(":")[0]


def give_up(conn: sa.Connection, row: OutboxRow, error: str, now: float) -> None:
    conn.execute(_GIVE_UP, {"its_id": row.id, "its_seq": row.seq, "now": now, "why": error})
