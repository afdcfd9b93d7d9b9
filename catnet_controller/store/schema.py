"""The tables, on every database the same; `migrations/` builds what is described here.

Indexes and predicates name states as literals: a bound parameter would hide a partial index from
the planner, and PostgreSQL refuses it in ``ON CONFLICT … WHERE`` once it plans generically.
"""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


class Clean(TypeDecorator[str]):
    """Text a database takes: what is no UTF-8 and NUL, which only an attacker sends, become ?."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        if value is None:
            return value
        return value.encode("utf-8", "replace").decode().replace("\0", "?")


def literal(value: StrEnum | str) -> sa.ColumnElement[str]:
    """A constant inside the statement text. Only for values of ours."""
    return sa.literal_column(f"'{value}'", sa.Text)


def _index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    return sa.Index(
        name,
        *columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _time(name: str, **kwargs: Any) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, **kwargs)


LIVE = "state IN ('pending', 'running')"

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guid", Clean, nullable=False),
    sa.Column("event", Clean, nullable=False),
    sa.Column("verdict", Clean, nullable=False),
    _time("received_at", nullable=False, index=True),
)

trigger = sa.Table(
    "trigger",
    metadata,
    sa.Column("ref", Clean, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("reason", Clean, nullable=False),
    sa.Column("sha", Clean),
    sa.Column("force", sa.Boolean, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    _time("due_at", nullable=False),
    # A settled row stays for a while: its seq must go on counting, or one that settles twice
    # would settle a trigger it has never seen.
    sa.Column("state", sa.Text, nullable=False),
    _index("ix_trigger_due", "due_at", where="state = 'pending'"),
)

desired = sa.Table(
    "desired",
    metadata,
    sa.Column("digest", Clean, primary_key=True),
    sa.Column("checksum", sa.Text, nullable=False),
    _time("stored_at", nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

deployment = sa.Table(
    "deployment",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("ref", Clean, nullable=False),
    sa.Column("sha", Clean, nullable=False),
    sa.Column("title", Clean, nullable=False),
    sa.Column("author", Clean, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("cause", Clean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # The newer deployment that speaks for the whole ref now: what comes back to the queue from
    # here is superseded. No foreign key, as the newer one may be pruned earlier.
    sa.Column("successor", sa.Integer),
    _time("created_at", nullable=False),
    _time("ended_at"),
    sa.Column("summary", Clean, nullable=False),
    sa.Column("problems", sa.Text, nullable=False),
    _index("ix_deployment_live", "ref", where=LIVE),
    sqlite_autoincrement=True,
)

ref_state = sa.Table(
    "ref_state",
    metadata,
    sa.Column("ref", Clean, primary_key=True),
    sa.Column("sha", Clean, nullable=False),
    sa.Column("deployment", sa.Integer, sa.ForeignKey("deployment.id", ondelete="SET NULL")),
    sa.Index("ix_ref_state_deployment", "deployment"),
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("deployment", sa.Integer, sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("device", Clean, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Place in the queue: 0 for an interrupted push, then by mode.
    sa.Column("rank", sa.Integer, nullable=False),
    _time("run_at", nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("step", sa.Text),
    sa.Column("desired", Clean, sa.ForeignKey("desired.digest"), nullable=False),
    _time("started_at"),
    _time("ended_at"),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("intent", sa.Text),
    sa.Column("outcome", sa.Text),
    # The long texts of the outcome; last, so that a row can be read without them.
    sa.Column("detail", sa.Text),
    sa.Column("site", Clean, nullable=False, server_default=""),
    # Of a push: the jobs of a wave wait for those of the lower ones of their deployment.
    sa.Column("wave", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_job_deployment", "deployment"),
    sa.Index("ix_job_desired", "desired"),
    _index("ix_job_claim", "rank", "id", where="state = 'pending'"),
    _index("ix_job_queue", "device", "rank", "id", where="state = 'pending'"),
    _index("ix_job_due", "run_at", where="state = 'pending'"),
    _index("ix_job_live", "deployment", "state", where=LIVE),
    _index("uq_job_running", "device", where="state = 'running'", unique=True),
    sqlite_autoincrement=True,
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("device", Clean, primary_key=True),
    # Grows with every claim and never goes back; a write that names an older one is refused.
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("job", sa.Integer),
    sa.Column("worker", sa.Text),
    _time("until", nullable=False),
    _index("ix_lease_held", "until", where="job IS NOT NULL"),
)

device = sa.Table(
    "device",
    metadata,
    sa.Column("name", Clean, primary_key=True),
    # Left the inventory: kept, so that a job that still runs does not bring it back.
    sa.Column("gone", sa.Boolean, nullable=False),
    sa.Column("desired", Clean),
    sa.Column("applied", Clean),
    sa.Column("body", sa.Text, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", Clean, nullable=False, unique=True),
    sa.Column("seq", sa.Integer, nullable=False),
    # Who speaks: an older deployment never replaces what a newer one says under the same key.
    sa.Column("deployment", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    _time("run_at", nullable=False),
    _time("created_at", nullable=False),
    _time("changed_at", nullable=False),
    sa.Column("remote", Clean),
    sa.Column("error", Clean),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("delivered", sa.Text),
    _index("ix_outbox_due", "run_at", where="state = 'pending'"),
    sa.Index("ix_outbox_changed", "changed_at"),
)

# What a comment on GitHub asks for, by the number of the comment.
comment = sa.Table(
    "comment",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("pull", sa.Integer, nullable=False),
    sa.Column("login", Clean, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("device", Clean, nullable=False),
    sa.Column("after", sa.Integer, nullable=False),
    _time("asked_at", nullable=False),
    _time("begun_at"),
    # No foreign key: what was answered does not keep its deployment.
    sa.Column("deployment", sa.Integer),
    _time("ended_at"),
)

# At most one row.
pause = sa.Table(
    "pause",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("by", Clean, nullable=False),
    sa.Column("reason", Clean, nullable=False),
    _time("since", nullable=False),
)

# Who does what only one daemon does, and when a timer last rang.
duty = sa.Table(
    "duty",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text),
    _time("until", nullable=False),
    _time("rung_at", nullable=False),
)

# One row: the oldest schema whose code can work with this one.
reader = sa.Table(
    "reader",
    metadata,
    sa.Column("schema", sa.Text, primary_key=True),
)

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    _time("alive_at", nullable=False),
)

# A user; PostgreSQL keeps the word itself for its own.
account = sa.Table(
    "account",
    metadata,
    sa.Column("name", Clean, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    _time("created_at", nullable=False),
    _time("changed_at", nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    # A digest of what the session's token carries: who reads the store cannot use it.
    sa.Column("id", Clean, primary_key=True),
    sa.Column("account", Clean, sa.ForeignKey("account.name"), nullable=False, index=True),
    _time("created_at", nullable=False),
    _time("until", nullable=False),
    sa.Column("address", Clean, nullable=False),
)

signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("id", Clean, primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    _time("created_at", nullable=False),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("name", Clean, primary_key=True),
    sa.Column("digest", Clean, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    _time("created_at", nullable=False),
    _time("until", nullable=False),
    sa.Column("created_by", Clean, nullable=False),
)

# Logins that failed, by who tried (`user:NAME`, `address:IP`).
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("subject", Clean, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    _time("until", nullable=False),
    _time("last_at", nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _time("at", nullable=False, index=True),
    sa.Column("who", Clean, nullable=False),
    sa.Column("what", Clean, nullable=False),
    sa.Column("address", Clean, nullable=False),
    sa.Column("result", Clean, nullable=False),
    sqlite_autoincrement=True,
)
