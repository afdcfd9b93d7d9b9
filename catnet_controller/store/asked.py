"""What comments ask for: each one written down once, and what became of it."""

import sqlalchemy as sa

from catnet_controller.models import Order, Verb
from catnet_controller.store import schema

_c = schema.comment.c
_FIND = sa.select(schema.comment).where(_c.id == sa.bindparam("its_id"))
_ADD = sa.insert(schema.comment)
_OPEN = sa.select(schema.comment).where(_c.ended_at.is_(None)).order_by(_c.id)
_ROW = sa.update(schema.comment).where(_c.id == sa.bindparam("its_id"))
_CLAIM = _ROW.where(_c.begun_at.is_(None), _c.ended_at.is_(None))
_CLAIM = _CLAIM.values(begun_at=sa.bindparam("now"))
_CARRY = _ROW.values(deployment=sa.bindparam("number"))
_END = _ROW.where(_c.ended_at.is_(None)).values(ended_at=sa.bindparam("now"))


def find(conn: sa.Connection, comment: int) -> Order | None:
    row = conn.execute(_FIND, {"its_id": comment}).one_or_none()
    return None if row is None else _order(row)


def add(conn: sa.Connection, order: Order) -> bool:
    """False when it is there already."""
    if find(conn, order.comment) is not None:
        return False
    conn.execute(
        _ADD,
        {
            "id": order.comment,
            "pull": order.pull,
            "login": order.login,
            "verb": order.verb.value if order.verb else "",
            "device": order.device,
            "after": order.after,
            "asked_at": order.asked_at,
            "begun_at": order.begun_at,
            "deployment": order.deployment,
            "ended_at": order.ended_at,
        },
    )
    return True


def waiting(conn: sa.Connection) -> tuple[Order, ...]:
    """Those that are not over, oldest first."""
    return tuple(map(_order, conn.execute(_OPEN)))


def claim(conn: sa.Connection, comment: int, now: float) -> bool:
    """Whether it was for the caller to begin, and nobody else."""
    return bool(conn.execute(_CLAIM, {"its_id": comment, "now": now}).rowcount)


def carry(conn: sa.Connection, comment: int, deployment: int) -> None:
    conn.execute(_CARRY, {"its_id": comment, "number": deployment})


def end(conn: sa.Connection, comment: int, now: float) -> bool:
    """False when it was over already."""
    return bool(conn.execute(_END, {"its_id": comment, "now": now}).rowcount)


def _order(row: sa.Row[tuple[object, ...]]) -> Order:
    return Order(
        comment=row.id,
        pull=row.pull,
        login=row.login,
        verb=Verb(row.verb) if row.verb else None,
        device=row.device,
        after=row.after,
        asked_at=row.asked_at,
        begun_at=row.begun_at,
        deployment=row.deployment,
        ended_at=row.ended_at,
    )
