"""Secrets are stored in the forms IOS stores them in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catnet_controller.simulator import hashing

TEXT = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=25)


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("5", "$1$mERr$hx5rVt7rPNoS4wqbXKX7m0"),
        ("8", "$8$dsYGNam3K1SIJO$7nv/35M/qr6t.dVc7UY9zrJDWRVqncHub1PE9UlMQFs"),
        ("9", "$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM"),
        ("7", "0822455D0A16"),
        ("0", "cisco"),
    ],
)
def test_known_vectors_of_the_password_cisco(kind: str, stored: str) -> None:
    assert hashing.verifies("cisco", kind, stored)
    assert not hashing.verifies("Cisco", kind, stored)


@given(TEXT, st.integers(0, 15))
def test_type_7_hides_and_shows(password: str, seed: int) -> None:
    assert hashing.plain7(hashing.type7(password, seed)) == password


@given(TEXT)
@settings(max_examples=10, deadline=None)
def test_what_was_hashed_verifies(password: str) -> None:
    for kind, make in (("5", hashing.type5), ("8", hashing.type8), ("9", hashing.type9)):
        stored = make(password)
        assert hashing.verifies(password, kind, stored)
        assert make(password) != stored


@pytest.mark.parametrize(
    ("kind", "stored"), [("5", "x"), ("6", "$6$a$b"), ("9", "$9$$"), ("7", "zz")]
)
def test_what_is_no_hash_verifies_nothing(kind: str, stored: str) -> None:
    assert not hashing.verifies("cisco", kind, stored)
