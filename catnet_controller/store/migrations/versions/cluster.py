"""Several daemons: where a job belongs, who does what only one does, who can read the schema."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("job", sa.Column("site", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "duty",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("rung_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duty")),
    )
    reader = op.create_table(
        "reader",
        sa.Column("schema", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("schema", name=op.f("pk_reader")),
    )
    op.bulk_insert(reader, [{"schema": "0003"}])
