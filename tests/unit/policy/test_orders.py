"""What the first line of a comment asks for, whatever people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.models import Verb
from catnet_controller.policy import orders


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("/catnet plan", (Verb.PLAN, "")),
        ("\n  /catnet\tdeploy \r\nbecause of the outage", (Verb.DEPLOY, "")),
        ("/catnet rollback edge1.example", (Verb.ROLLBACK, "edge1.example")),
        ("> /catnet deploy", None),
        ("please\n/catnet deploy", None),
        ("   /catnet deploy", (Verb.DEPLOY, "")),
        ("    /catnet deploy", None),
        ("\t/catnet deploy", None),
        ("\xa0/catnet deploy", None),
        ("/catnetdeploy", None),
        ("", None),
    ],
)
def test_an_order_is_the_first_line(text: str, order: tuple[Verb, str] | None) -> None:
    assert orders.read(text) == order


@pytest.mark.parametrize(
    "text", ["/catnet", "/catnet Plan", "/catnet plan now", "/catnet rollback a b", "/catnet a b c"]
)
def test_what_is_not_understood_is_no_order(text: str) -> None:
    with pytest.raises(orders.NoOrder):
        orders.read(text)


@given(st.text().map(lambda text: f"/catnet {text}"))
def test_any_text_is_an_order_or_refused_without_markup(text: str) -> None:
    said, found = "", None
    try:
        found = orders.read(text)
    except orders.NoOrder as problem:
        said = str(problem)
    assert not {"@", "<"} & set(said)
    assert bool(said) != (found is not None)
    assert found is None or found[1] == "" or found[0] is Verb.ROLLBACK
