"""Alembic's entry: runs the migrations on the connection that `upgrades.py` hands over."""

from alembic import context

from catnet_controller.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a table by copying it.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
