"""Rows come in, nouns go out: users, sessions, tokens, failed logins and the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from catnet_controller.errors import AccountRefused
from catnet_controller.models import Act, Role, Session, SigningKey, Token, User
from catnet_controller.ports import Patience
from catnet_controller.store import schema

_a, _s, _k = schema.account.c, schema.session.c, schema.signing_key.c
_t, _f, _l = schema.token.c, schema.attempt.c, schema.audit.c


# --- users ---------------------------------------------------------------------------------------


def add_user(conn: sa.Connection, user: User, first: bool) -> None:
    if first and conn.execute(sa.select(sa.func.count()).select_from(schema.account)).scalar():
        raise AccountRefused(
            "there are users already; only the first admin is made this way",
            next_step="`catnet login` as an admin, then `catnet user add NAME`.",
        )
    if find_user(conn, user.name) is not None:
        raise AccountRefused(f"there is a user {user.name!r} already")
    conn.execute(
        sa.insert(schema.account),
        {
            "name": user.name,
            "role": user.role.value,
            "password": user.password,
            "disabled": user.disabled,
            "created_at": user.created_at,
            "changed_at": user.changed_at,
        },
    )


def find_user(conn: sa.Connection, name: str) -> User | None:
    row = conn.execute(sa.select(schema.account).where(_a.name == name)).one_or_none()
    return None if row is None else _user(row)


def users(conn: sa.Connection) -> Sequence[User]:
    return [_user(row) for row in conn.execute(sa.select(schema.account).order_by(_a.name))]


def change_user(
    conn: sa.Connection,
    name: str,
    *,
    role: Role | None,
    disabled: bool | None,
    password: str | None,
    now: float,
) -> User:
    if find_user(conn, name) is None:
        raise AccountRefused(f"there is no user {name!r}")
    values: dict[str, Any] = {}
    if role is not None:
        values["role"] = role.value
    if disabled is not None:
        values["disabled"] = disabled
    if password is not None:
        values |= {"password": password, "changed_at": now}
    if values:
        conn.execute(sa.update(schema.account).where(_a.name == name).values(values))
    # The error below rolls all of it back.
    if not any(each.role is Role.ADMIN and not each.disabled for each in users(conn)):
        raise AccountRefused(
            f"{name!r} is the last admin that can log in",
            next_step="Make another user admin first: `catnet user role NAME admin`.",
        )
    conn.execute(sa.delete(schema.session).where(_s.account == name))
    changed = find_user(conn, name)
    assert changed is not None
    return changed


def rehash(conn: sa.Connection, name: str, old: str, new: str) -> None:
    same = (_a.name == name, _a.password == old)
    conn.execute(sa.update(schema.account).where(*same).values(password=new))


def _user(row: sa.Row[Any]) -> User:
    return User(
        name=row.name,
        role=Role(row.role),
        password=row.password,
        disabled=row.disabled,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


# --- sessions and what signs them ----------------------------------------------------------------


def open_session(conn: sa.Connection, session: Session, password: str, now: float) -> bool:
    conn.execute(sa.delete(schema.session).where(_s.until <= now))
    user = find_user(conn, session.user)
    if user is None or user.disabled or user.password != password:
        return False
    conn.execute(
        sa.insert(schema.session),
        {
            "id": session.id,
            "account": session.user,
            "created_at": session.created_at,
            "until": session.until,
            "address": session.address,
        },
    )
    return True


def find_session(conn: sa.Connection, number: str, now: float) -> tuple[Session, User] | None:
    found = (_s.id == number, _s.until > now)
    row = conn.execute(sa.select(schema.session).where(*found)).one_or_none()
    user = None if row is None else find_user(conn, row.account)
    if row is None or user is None or user.disabled:
        return None
    session = Session(
        id=row.id,
        user=row.account,
        created_at=row.created_at,
        until=row.until,
        address=row.address,
    )
    return session, user


def end_session(conn: sa.Connection, number: str) -> None:
    conn.execute(sa.delete(schema.session).where(_s.id == number))


def signing_keys(conn: sa.Connection) -> Sequence[SigningKey]:
    rows = conn.execute(sa.select(schema.signing_key).order_by(_k.created_at.desc(), _k.id))
    return [SigningKey(id=row.id, secret=row.secret, created_at=row.created_at) for row in rows]


def add_signing_key(conn: sa.Connection, key: SigningKey, drop_before: float) -> None:
    conn.execute(sa.delete(schema.signing_key).where(_k.created_at < drop_before))
    values = {"id": key.id, "secret": key.secret, "created_at": key.created_at}
    conn.execute(sa.insert(schema.signing_key), values)


# --- tokens --------------------------------------------------------------------------------------


def add_token(conn: sa.Connection, token: Token, digest: str) -> None:
    if conn.execute(sa.select(_t.name).where(_t.name == token.name)).one_or_none() is not None:
        raise AccountRefused(
            f"there is a token {token.name!r} already",
            next_step="Choose another name, or take that one away with `catnet token remove`.",
        )
    conn.execute(
        sa.insert(schema.token),
        {
            "name": token.name,
            "digest": digest,
            "role": token.role.value,
            "created_at": token.created_at,
            "until": token.until,
            "created_by": token.created_by,
        },
    )


def find_token(conn: sa.Connection, digest: str, now: float) -> Token | None:
    found = (_t.digest == digest, _t.until > now)
    row = conn.execute(sa.select(schema.token).where(*found)).one_or_none()
    return None if row is None else _token(row)


def tokens(conn: sa.Connection) -> Sequence[Token]:
    return [_token(row) for row in conn.execute(sa.select(schema.token).order_by(_t.name))]


def remove_token(conn: sa.Connection, name: str) -> None:
    if conn.execute(sa.delete(schema.token).where(_t.name == name)).rowcount == 0:
        raise AccountRefused(f"there is no token {name!r}")


def _token(row: sa.Row[Any]) -> Token:
    return Token(
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        until=row.until,
        created_by=row.created_by,
    )


# --- failed logins -------------------------------------------------------------------------------


def attempt(conn: sa.Connection, subjects: Mapping[str, Patience], now: float) -> float:
    """Counted before the password is looked at, so that many at once are no way around it."""
    rows = conn.execute(sa.select(schema.attempt).where(_f.subject.in_(subjects))).all()
    known = {row.subject: row for row in rows}
    # A clock that was set back must not lock anybody out for longer than was meant.
    left = [min(row.until - now, subjects[subject].longest) for subject, row in known.items()]
    if (wait := max(left, default=0.0)) > 0:
        return wait
    for subject, patience in subjects.items():
        row = known.get(subject)
        fresh = row is None or row.last_at < now - patience.forget
        failures = 1 if fresh or row is None else row.failures + 1
        conn.execute(sa.delete(schema.attempt).where(_f.subject == subject))
        conn.execute(
            sa.insert(schema.attempt),
            {
                "subject": subject,
                "failures": failures,
                "until": now + patience.wait(failures),
                "last_at": now,
            },
        )
    return 0.0


def forgive(conn: sa.Connection, subject: str, all_of_it: bool) -> None:
    mine = _f.subject == subject
    if all_of_it:
        conn.execute(sa.delete(schema.attempt).where(mine))
        return
    values = {"failures": _f.failures - 1, "until": 0.0}
    conn.execute(sa.update(schema.attempt).where(mine, _f.failures > 0).values(values))


# --- the audit log -------------------------------------------------------------------------------


def begin_act(conn: sa.Connection, act: Act) -> int:
    values = {
        "at": act.at,
        "who": act.who,
        "what": act.what,
        "address": act.address,
        "result": act.result,
    }
    made = conn.execute(sa.insert(schema.audit), values).inserted_primary_key
    assert made is not None
    return int(made[0])


def end_act(conn: sa.Connection, number: int, result: str) -> None:
    conn.execute(sa.update(schema.audit).where(_l.id == number).values(result=result))


def acts(conn: sa.Connection, limit: int, before: int | None, who: str | None) -> Sequence[Act]:
    query = sa.select(schema.audit).order_by(_l.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_l.id < before)
    if who is not None:
        query = query.where(_l.who == who)
    rows = conn.execute(query)
    return [
        Act(
            id=row.id,
            at=row.at,
            who=row.who,
            what=row.what,
            address=row.address,
            result=row.result,
        )
        for row in rows
    ]


def prune(conn: sa.Connection, now: float, audit_before: float) -> int:
    """What has ended; a token stays in the list a while, so that people see why it is refused."""
    removed = 0
    for statement in (
        sa.delete(schema.session).where(_s.until <= now),
        sa.delete(schema.token).where(_t.until <= now - 30 * 86_400.0),
        sa.delete(schema.attempt).where(_f.last_at < now - 86_400.0, _f.until <= now),
        sa.delete(schema.audit).where(_l.at < audit_before),
    ):
        removed += max(conn.execute(statement).rowcount, 0)
    return removed
