"""Every implementation of the store, each with a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.store.store import Store
from tests.helpers_store import ManualClock, opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Store]:
    assert request.param == "sqlite"
    async with opened(tmp_path / "state", clock) as store:
        yield store
