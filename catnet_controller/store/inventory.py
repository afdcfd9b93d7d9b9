"""Recorded state of the devices, and the desired texts by digest.

Two sides write one row: opening a deployment says what is wanted (device, desired, release of a
quarantine), a job says what was seen and applied. Each has read the row a while before it writes,
so each write touches only what is its own, and a job's verdict on sync does not count when what is
wanted has moved since.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from catnet_controller.models import Desired, DeviceState, Sync
from catnet_controller.store import schema
from catnet_controller.store.codec import pack, unpack, unpack_state

FRESH = 3600.0
"""Seconds for which a text counts as just stored; pruning spares what is much older than that."""

_d = schema.device.c
_t = schema.desired.c

_ALL = sa.select(_d.body).where(sa.not_(_d.gone)).order_by(_d.name)
_EVERY = sa.select(_d.name, _d.body, _d.gone)
_ONE = sa.select(_d.body).where(_d.name == sa.bindparam("name"), sa.not_(_d.gone))
_HELD = _ONE.with_for_update()
_ADD = sa.insert(schema.device)
_WRITE = sa.update(schema.device).where(_d.name == sa.bindparam("its_name"))
_GONE = _WRITE.values(gone=True)
_TEXT = sa.select(_t.body).where(_t.digest == sa.bindparam("digest"))
_KNOWN = sa.select(_t.digest, _t.checksum, _t.stored_at).where(
    _t.digest.in_(sa.bindparam("digests", expanding=True))
)
_KEEP = sa.insert(schema.desired)
_RENEW = sa.update(schema.desired).where(_t.digest == sa.bindparam("its_digest"))


# --- states ------------------------------------------------------------------------------------


def states(conn: sa.Connection) -> Mapping[str, DeviceState]:
    found = (unpack_state(body) for body in conn.execute(_ALL).scalars())
    return {state.device.name: state for state in found}


def one(conn: sa.Connection, name: str) -> DeviceState | None:
    body = conn.execute(_ONE, {"name": name}).scalar_one_or_none()
    return unpack_state(body) if body is not None else None


def declare(conn: sa.Connection, wanted: Sequence[DeviceState]) -> None:
    """What the branch wants now on these devices; what was seen on them stays as recorded."""
    if not wanted:
        return
    rows = {row.name: row for row in conn.execute(_EVERY)}
    new: dict[str, DeviceState] = {}
    changed: dict[str, DeviceState] = {}
    for state in wanted:
        name = state.device.name
        row = rows.get(name)
        if row is None or row.gone:
            # Read a while ago; a device that a person removed meanwhile does not come back.
            if not state.device.added:
                (new if row is None else changed)[name] = state
            continue
        known = unpack_state(row.body)
        renewed = replace(
            known,
            device=state.device,
            desired=state.desired,
            sync=known.sync if known.desired == state.desired else Sync.UNKNOWN,
            quarantined=None if state.quarantined is None else known.quarantined,
            declined=None if state.declined is None else known.declined,
        )
        if renewed != known:
            changed[name] = renewed
    _write(conn, _ADD, "name", new)
    _write(conn, _WRITE, "its_name", changed)


def add(conn: sa.Connection, state: DeviceState) -> bool:
    """A device that no other says is there; False when there is one of this name."""
    row = next((row for row in conn.execute(_EVERY) if row.name == state.device.name), None)
    if row is not None and not row.gone:
        return False
    if row is None:
        _write(conn, _ADD, "name", {state.device.name: state})
    else:
        _write(conn, _WRITE, "its_name", {state.device.name: state})
    return True


def observe(conn: sa.Connection, state: DeviceState, *, looked: bool = False) -> None:
    """What was seen on or done to a device.

    Nothing for one that is not in the inventory: a pull request may plan for a device that is not
    there yet, and a job may end after its device has left. Who only ``looked`` says nothing about
    what is applied or quarantined.
    """
    body = conn.execute(_HELD, {"name": state.device.name}).scalar_one_or_none()
    if body is None:
        return
    known = unpack_state(body)
    sync = state.sync if known.desired == state.desired else Sync.UNKNOWN
    seen = replace(state, device=known.device, desired=known.desired, sync=sync)
    if looked:
        seen = replace(
            seen,
            applied=known.applied,
            revision=known.revision,
            applied_at=known.applied_at,
            quarantined=known.quarantined,
            declined=known.declined,
            before=known.before,
        )
    _write(conn, _WRITE, "its_name", {state.device.name: seen})


def forget(conn: sa.Connection, names: Sequence[str]) -> None:
    if names:
        conn.execute(_GONE, [{"its_name": name} for name in names])


def _write(
    conn: sa.Connection, statement: sa.Executable, key: str, found: Mapping[str, DeviceState]
) -> None:
    rows = [
        {
            key: name,
            "gone": False,
            "desired": state.desired,
            "applied": state.applied,
            "body": pack(state),
        }
        for name, state in found.items()
    ]
    if rows:
        conn.execute(statement, rows)


# --- desired texts -----------------------------------------------------------------------------


def desired(conn: sa.Connection, digest: str) -> Desired | None:
    body = conn.execute(_TEXT, {"digest": digest}).scalar_one_or_none()
    return None if body is None else unpack(Desired, body)


def keep(conn: sa.Connection, texts: Sequence[Desired], now: float) -> None:
    """Store texts under their digests. The same text from other places gets the new origins.

    ``stored_at`` is renewed, so that pruning leaves alone what is about to be used.
    """
    digests = [text.digest for text in texts]
    rows = {row.digest: row for row in conn.execute(_KNOWN, {"digests": digests})}
    for text in {text.digest: text for text in texts}.values():
        body = pack(text)
        checksum = hashlib.sha256(body.encode()).hexdigest()
        values = {"checksum": checksum, "stored_at": now, "body": body}
        row = rows.get(text.digest)
        if row is None:
            conn.execute(_KEEP, {"digest": text.digest, **values})
        elif row.checksum != checksum:
            conn.execute(_RENEW, {"its_digest": text.digest, **values})
        elif row.stored_at < now - FRESH:
            conn.execute(_RENEW, {"its_digest": text.digest, "stored_at": now})
