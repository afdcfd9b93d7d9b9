"""Schema changes in order; Alembic runs them through `upgrades.py`."""
