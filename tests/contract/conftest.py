"""Every implementation of the store, each with a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.store.store import Store
from tests.helpers_postgres import Cluster
from tests.helpers_store import ManualClock, opened, opened_on


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "postgres"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        async with opened(tmp_path / "state", clock) as store:
            yield store
        return
    server: Cluster = request.getfixturevalue("postgres")
    async with opened_on(server.emptied("contract"), clock) as store:
        yield store
