"""What tests of every folder may use."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.helpers_postgres import Cluster, cluster

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the tests of this process; skips where there is none."""
    with cluster() as server:
        yield server
