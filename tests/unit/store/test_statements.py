"""Every statement of the store: built once, the same on both databases, states as literals."""

import re
from collections.abc import Iterator
from types import ModuleType

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from catnet_controller.store import (
    deployments,
    duties,
    inventory,
    outbox,
    pausing,
    queue,
    refs,
    retention,
    schema,
)


def statements(module: ModuleType) -> Iterator[tuple[str, sa.ClauseElement]]:
    for name, value in vars(module).items():
        many = value if isinstance(value, tuple) else (value,)
        for number, each in enumerate(many):
            if isinstance(each, sa.Select | sa.Insert | sa.Update | sa.Delete):
                yield f"{module.__name__.rpartition('.')[2]}.{name}[{number}]", each


ALL = dict(
    each
    for module in (deployments, duties, inventory, outbox, pausing, queue, refs, retention)
    for each in statements(module)
)
DIALECTS: tuple[sa.Dialect, ...] = tuple(each() for each in (sqlite.dialect, postgresql.dialect))
COMPARED = re.compile(r"\bstate (?:=|!=|IN|NOT IN) +\(?(?:%\(|:|\?)")


def test_there_are_statements() -> None:
    assert len(ALL) > 60


@pytest.mark.parametrize("name", ALL)
def test_a_statement_compiles_on_both(name: str) -> None:
    for dialect in DIALECTS:
        text = str(ALL[name].compile(dialect=dialect))
        assert not COMPARED.search(text), (
            "a bound state hides partial indexes, and PostgreSQL refuses it in a generic plan"
        )


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=str)
def test_predicates_of_partial_indexes_are_the_same_on_both(table: sa.Table) -> None:
    for index in table.indexes:
        options = [index.dialect_options[each].get("where") for each in ("sqlite", "postgresql")]
        assert str(options[0]) == str(options[1])
        sa.schema.CreateIndex(index).compile(dialect=DIALECTS[1])
    sa.schema.CreateTable(table).compile(dialect=DIALECTS[1])
