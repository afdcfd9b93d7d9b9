"""Every fault of the list through the whole flow: all of the change or none, and it is said."""

from pathlib import Path

import pytest

from tests.integration.fault_matrix import ROWS, Row, run


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_fault_ends_as_the_table_says(row: Row, tmp_path: Path) -> None:
    ran = await run(row, tmp_path)
    assert ran.end == row.end, ran.said


def test_every_fault_of_the_list_is_there() -> None:
    assert {row.number for row in ROWS} == set(range(1, 28))
