"""What tests of every folder may use."""

from collections.abc import Iterator

import pytest

from tests.helpers_postgres import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the tests of this process; skips where there is none."""
    with cluster() as server:
        yield server
